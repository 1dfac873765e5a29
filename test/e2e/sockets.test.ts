import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { EventItem, Page, SocketHolder, SocketItem } from "../../src/model/api.ts";
import type { Apache } from "../apache.ts";
import { missing } from "../requirements.ts";
import type { DaemonUnderTest } from "./daemon.ts";
import { daemonBeside, guardedApache, statusOf } from "./guarded-apache.ts";

const ATTACKER = "203.0.113.7";
const NEIGHBOUR = "2001:db8:5:7::1";
const PATIENCE = { timeout: 60_000, interval: 100 };

const hold = async (apache: Apache, from: string, origin: string, times = 1): Promise<void> => {
  const headers = { Origin: origin };
  for (let n = 0; n < times; n++) {
    const { status } = await apache.request({
      from,
      path: "/ws/chat?ticket=s3cret",
      upgrade: true,
      hold: true,
      headers,
    });
    expect(status).toBe(101);
  }
};
const sockets = async (daemon: DaemonUnderTest, state?: SocketItem["state"]) =>
  (await daemon.api<Page<SocketItem>>(`/api/sockets${state === undefined ? "" : `?state=${state}`}`)).items;
const count = async (daemon: DaemonUnderTest, state: SocketItem["state"]) =>
  (await sockets(daemon, state)).length;

describe.skipIf(missing("root", "apache2", "netns"))("WebSockets from their opening on", () => {
  test("a foreign Origin is banned while its sockets are open, and each counts once when they close", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    await hold(apache, NEIGHBOUR, "https://site.example");
    await hold(apache, ATTACKER, "https://evil.example", 5);

    await expect.poll(() => statusOf(apache, ATTACKER), PATIENCE).toBe(403);
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    const open = await sockets(daemon, "open");
    expect(open).toHaveLength(6);
    expect(open[0]).toMatchObject({
      client: ATTACKER,
      path: "/ws/chat",
      query: "ticket=***",
      origin: "https://evil.example",
      host: "site.example",
      closedAt: null,
      bytesIn: null,
    });
    const { items: holders } = await daemon.api<Page<SocketHolder>>("/api/sockets/holders");
    expect(holders.map(({ client, open }) => [client, open])).toEqual([
      [ATTACKER, 5],
      [NEIGHBOUR, 1],
    ]);
    expect((await daemon.status()).sockets).toEqual({ open: 6 });
    expect((await daemon.cli("sockets")).stdout).toContain("https://evil.example");
    const before = await daemon.incidentOn(ATTACKER);
    expect(before.rules).toEqual(["origin-foreign"]);
    expect(before.findings[0]!.evidence.join("\n")).toContain("origin=https://evil.example");
    expect(JSON.stringify(before)).not.toContain("s3cret");

    await daemon.kill("SIGKILL");
    await daemon.start();
    expect(await count(daemon, "open")).toBe(6);
    await apache.closeSockets();
    await expect.poll(() => count(daemon, "closed"), PATIENCE).toBe(6);
    const closed = await sockets(daemon);
    for (const { status, lifetimeMs, bytesIn, bytesOut } of closed) {
      expect(status).toBe(101);
      for (const amount of [lifetimeMs, bytesIn, bytesOut]) expect(amount).toBeGreaterThan(0);
    }
    // Both lines of each socket are stored, one of them was judged.
    const { items } = await daemon.api<Page<EventItem>>(`/api/events?client=${ATTACKER}&kind=opening`);
    expect(items).toHaveLength(5);
    expect((await daemon.incidentOn(ATTACKER)).findings).toHaveLength(1);
    expect(await daemon.bans()).toHaveLength(1);
  });

  test("four sockets from a foreign Origin are four hits, before and after they close", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    await hold(apache, ATTACKER, "https://evil.example", 4);
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(4);
    await apache.closeSockets();
    await expect.poll(() => count(daemon, "closed"), PATIENCE).toBe(4);
    expect(await daemon.bans()).toEqual([]);
  });

  test("a handshake that Apache refuses first hides no socket that is opened after it", async () => {
    // Who does not sign in is asked to by Apache, before it would tell of an opening.
    await using apache = await guardedApache(
      `<Location "/ws/">\nAuthType Basic\nAuthName x\nRequire valid-user\nRequire expr "req('X-Key') == 'k'"\n</Location>`,
    );
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    const ask = async (more: Record<string, string> = {}) => {
      const headers = { Origin: "https://evil.example", ...more };
      return (await apache.request({ from: ATTACKER, path: "/ws/chat", upgrade: true, hold: true, headers }))
        .status;
    };
    expect(await ask()).toBe(401);
    await expect
      .poll(
        async () => (await daemon.api<Page<EventItem>>(`/api/events?client=${ATTACKER}`)).items.length,
        PATIENCE,
      )
      .toBeGreaterThan(0);
    for (let n = 0; n < 4; n++) expect(await ask({ "X-Key": "k" })).toBe(101);
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(4);
    expect(await count(daemon, "closed")).toBe(0);
    // One hit is the refused handshake's, four are those of the openings.
    await expect.poll(() => statusOf(apache, ATTACKER), PATIENCE).toBe(403);
    expect((await daemon.incidentOn(ATTACKER)).rules).toContain("origin-foreign");
  });

  test("an access log in combined format tells of the end too, but not when it was", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    await hold(apache, ATTACKER, "https://evil.example", 2);
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(2);
    await apache.closeSockets();
    await expect.poll(() => count(daemon, "closed"), PATIENCE).toBe(2);
    expect((await sockets(daemon))[0]).toMatchObject({ status: 101, closedAt: null, bytesIn: null });
    expect(await daemon.bans()).toEqual([]);
  });

  test("a graceful reload leaves sockets open; those of an Apache that was killed are lost with its next start", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    await hold(apache, NEIGHBOUR, "https://site.example", 2);
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(2);
    execFileSync(apache.control, ["graceful"], { stdio: "ignore" });
    await hold(apache, NEIGHBOUR, "https://site.example");
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(3);
    await apache.crash();
    await expect.poll(() => count(daemon, "lost"), PATIENCE).toBe(3);
    expect((await sockets(daemon))[0]).toMatchObject({ state: "lost", closedAt: null, lifetimeMs: null });
    await hold(apache, NEIGHBOUR, "https://site.example");
    await expect.poll(() => count(daemon, "open"), PATIENCE).toBe(1);
  });
});

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { daemonBeside, guardedApache, refused, statusOf } from "./guarded-apache.ts";

const ATTACKER = "203.0.113.7";
const NEIGHBOUR = "203.0.113.8";
const ATTACKER_NETWORK = "2001:db8:5:6::/64";
const ATTACKER_V6 = "2001:db8:5:6::bad";
const ATTACKER_V6_TOO = "2001:db8:5:6:0:1:2:3";
const NEIGHBOUR_V6 = "2001:db8:5:7::1";

describe.skipIf(missing("root", "apache2", "netns"))("on a real Apache", () => {
  test("repeated 403s end in a 403 for everything, the neighbour stays, and unban lets the client in again", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    for (const from of [ATTACKER, ATTACKER_V6]) {
      expect(await statusOf(apache, from)).toBe(200);
      for (let n = 0; n < 10; n++) expect(await statusOf(apache, from, "/private/")).toBe(403);
      await refused(apache, from);
    }
    expect(await statusOf(apache, ATTACKER_V6_TOO)).toBe(403);
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    expect(await statusOf(apache, NEIGHBOUR_V6)).toBe(200);
    expect(existsSync(join(apache.root, "banned", ATTACKER))).toBe(true);

    const incident = await daemon.incidentOn(ATTACKER);
    // Whichever log is read first, the other's lines come when the ban refuses already.
    const [first] = incident.findings;
    expect(["repeated-403", "denied-error"]).toContain(first!.rule);
    expect(first!.evidence[0]).toContain(ATTACKER);
    expect(first!.evidence[0]).toMatch(/"GET \/private\/ HTTP\/1\.1" 403|AH01630: client denied .*\/private/);
    expect(incident.ban).toMatchObject({
      target: `${ATTACKER}/32`,
      state: "active",
      enforcedBy: ["apache-directory"],
    });
    expect((await daemon.incidentOn(ATTACKER_NETWORK)).ban).toMatchObject({ target: ATTACKER_NETWORK });

    // What the ban refused is counted as refused, and is no reason for more findings.
    for (let n = 0; n < 15; n++) await apache.request({ from: ATTACKER, path: "/" });
    await sleep(700);
    expect((await daemon.incidentOn(ATTACKER)).findings).toHaveLength(incident.findings.length);

    expect((await daemon.cli("unban", ATTACKER)).exitStatus).toBe(0);
    expect(await statusOf(apache, ATTACKER)).toBe(200);
    expect((await daemon.cli("unban", ATTACKER_V6)).exitStatus).toBe(0);
    expect(await statusOf(apache, ATTACKER_V6)).toBe(200);
    expect((await daemon.cli("unban", ATTACKER)).exitStatus).toBe(1);
  });

  // Where the daemon is killed: between requests, right after the last one, and once the ban is in force.
  test.each([1, 9, 10, 11])("kill -9 after request %i changes nothing", async (killedAfter) => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    for (let n = 1; n <= 10; n++) {
      await apache.request({ from: ATTACKER, path: "/private/" });
      if (n < killedAfter) continue;
      // Long enough for a commit in some runs, too short in others: either must do.
      await sleep(n % 2 === 0 ? 0 : 40);
      if (n !== killedAfter) continue;
      await daemon.kill("SIGKILL");
      await daemon.start();
    }
    await refused(apache, ATTACKER);
    if (killedAfter > 10) {
      await daemon.kill("SIGKILL");
      expect(await statusOf(apache, ATTACKER), "Apache goes on with the last good list").toBe(403);
      await daemon.start();
      expect(await statusOf(apache, ATTACKER)).toBe(403);
    }
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    expect(await daemon.bans()).toHaveLength(1);
    const incident = await daemon.incidentOn(ATTACKER);
    // Whichever of the two logs is read first.
    expect(incident.findings.map(({ rule }) => rule)).toEqual([
      expect.stringMatching(/^(repeated-403|denied-error)$/),
    ]);
    expect((await daemon.cli("unban", ATTACKER)).exitStatus).toBe(0);
    expect(await statusOf(apache, ATTACKER)).toBe(200);
  });

  test("handshakes from a foreign Origin on a proxied WebSocket are banned, those from the site's own are not", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache, apache.sekishoLog);
    await daemon.start();
    const open = (from: string, origin: string) =>
      apache.request({ from, path: "/ws/chat", upgrade: true, headers: { Origin: origin } });
    for (let n = 0; n < 6; n++) {
      expect((await open(NEIGHBOUR, "https://site.example")).status).toBe(101);
      expect((await open(NEIGHBOUR_V6, "https://site.example")).status).toBe(101);
    }
    for (let n = 0; n < 5; n++) await open(ATTACKER, "https://evil.example");
    for (let n = 0; n < 5; n++)
      await open(n % 2 === 0 ? ATTACKER_V6 : ATTACKER_V6_TOO, "https://evil.example");
    await refused(apache, ATTACKER);
    await refused(apache, ATTACKER_V6);
    expect((await open(ATTACKER, "https://site.example")).status).toBe(403);
    expect((await open(NEIGHBOUR, "https://site.example")).status).toBe(101);
    const incident = await daemon.incidentOn(ATTACKER);
    expect(incident.rules).toContain("origin-foreign");
    expect(incident.findings[0]!.evidence.join()).toContain("https://evil.example");
  });

  test("a client far above the request rate is banned", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    const burst = (from: string, requests: number) =>
      Promise.all(Array.from({ length: requests }, () => apache.request({ from, path: "/" })));
    await burst(NEIGHBOUR, 30);
    for (let n = 0; n < 11; n++) await burst(ATTACKER, 20);
    await refused(apache, ATTACKER);
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    // All of it went to one page, and one rule is enough; the other fires too where the ban comes after its limit.
    const { rules } = await daemon.incidentOn(ATTACKER);
    expect(rules).not.toEqual([]);
    expect(["page-flood", "request-rate"]).toEqual(expect.arrayContaining([...rules]));
  });

  test("what an application reports in its audit events is banned", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    const report = (event: string, client: string): void =>
      appendFileSync(
        join(apache.root, "audit.jsonl"),
        `${JSON.stringify({ time: new Date().toISOString(), app: "chat", event, client })}\n`,
      );
    for (let n = 0; n < 3; n++) report("ws.rate_exceeded", ATTACKER);
    for (let n = 0; n < 5; n++) report("ws.origin_rejected", ATTACKER_V6);
    for (let n = 0; n < 2; n++) report("ws.rate_exceeded", NEIGHBOUR);
    await refused(apache, ATTACKER);
    await refused(apache, ATTACKER_V6);
    expect(await statusOf(apache, NEIGHBOUR)).toBe(200);
    expect((await daemon.incidentOn(ATTACKER)).rules).toEqual(["audit-rate"]);
  });

  test("a ban lifts by itself when its time has passed", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    expect((await daemon.cli("ban", ATTACKER, "--for", "10s", "--reason", "a test")).exitStatus).toBe(0);
    expect(await statusOf(apache, ATTACKER)).toBe(403);
    await expect.poll(() => statusOf(apache, ATTACKER)).toBe(200);
    expect((await daemon.bans())[0]).toMatchObject({ state: "expired", enforcedBy: [] });
  });

  test("observe mode decides the same and blocks nothing; enforce mode then blocks what still runs", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start("--mode", "observe");
    for (let n = 0; n < 12; n++) await apache.request({ from: ATTACKER, path: "/private/" });
    await expect.poll(async () => (await daemon.bans()).length).toBe(1);
    expect((await daemon.bans())[0]).toMatchObject({ state: "active", enforcedBy: [] });
    expect(await statusOf(apache, ATTACKER)).toBe(200);
    expect((await daemon.status()).enforcers.map(({ state }) => state)).toEqual(["off", "off"]);
    expect(await daemon.kill("SIGTERM")).toBe(0);
    await daemon.start();
    expect(await statusOf(apache, ATTACKER)).toBe(403);
    // Going back to observing lifts what was enforced.
    await daemon.kill("SIGTERM");
    await daemon.start("--mode", "observe");
    expect(await statusOf(apache, ATTACKER)).toBe(200);
  });

  test("the include waits for its schedule, and goes into force when a person asks", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    expect((await daemon.cli("ban", "198.51.100.0/20")).exitStatus).toBe(0);
    const include = async () =>
      (await daemon.status()).enforcers.find(({ name }) => name === "apache-include")!;
    await expect.poll(async () => (await include()).state).toBe("pending");
    expect((await include()).nextApplyAt).not.toBeNull();
    expect(readFileSync(join(apache.root, "blocklist.conf"), "utf8")).toContain("198.51.96.0/20");
    expect((await daemon.cli("status")).exitStatus).toBe(0);
  });

  test("what is in force by the include is let in at once by an unban, and its last refusals are no new deeds", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    const apply = () => daemon.api("/api/enforcers/apache-include/apply", "POST");
    const another = "198.51.100.77";
    for (const target of [ATTACKER, another]) await daemon.cli("ban", target, "--for", "1d");
    await apply();
    expect(apache.reloads()).toBe(1);
    expect((await daemon.bans())[0]!.enforcedBy).toEqual(["apache-directory", "apache-include"]);

    await daemon.kill("SIGTERM");
    await daemon.start(); // which forgets when the last reload was
    expect((await daemon.cli("unban", ATTACKER)).exitStatus).toBe(0);
    expect(apache.reloads()).toBe(2);
    await expect.poll(() => statusOf(apache, ATTACKER)).toBe(200);

    // Reloads of people who lift are a rest apart.
    expect((await daemon.cli("unban", another)).exitStatus).toBe(0);
    expect(apache.reloads()).toBe(2);
    for (let n = 0; n < 12; n++) expect(await statusOf(apache, another)).toBe(403);
    await sleep(700);
    expect((await daemon.bans()).filter(({ state }) => state === "active")).toEqual([]);
  });

  test("a ban that is over before the next reload could lift it is not given to the include", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    await daemon.cli("ban", ATTACKER, "--for", "5m");
    await daemon.cli("ban", "198.51.100.77", "--for", "1d");
    const list = () => readFileSync(join(apache.root, "blocklist.conf"), "utf8");
    await expect.poll(list).toContain("198.51.100.77");
    expect(list()).not.toContain(ATTACKER);
    expect(await statusOf(apache, ATTACKER)).toBe(403);
  });

  test("somebody else's broken Apache configuration is shown, in the exit status too, and nothing is reloaded", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    appendFileSync(join(apache.root, "apache.conf"), "\nNoSuchDirective on\n");
    await daemon.cli("ban", ATTACKER);
    await expect.poll(async () => (await daemon.cli("status")).exitStatus, { interval: 500 }).toBe(1);
    const { enforcers } = await daemon.status();
    expect(enforcers.find(({ name }) => name === "apache-include")).toMatchObject({ state: "failed" });
    expect(enforcers.find(({ name }) => name === "apache-directory")).toMatchObject({ state: "in-sync" });
    expect(await statusOf(apache, ATTACKER)).toBe(403);
    expect(apache.reloads()).toBe(0);
  });

  test("allowlisting somebody lifts the ban in the same step and keeps the rules from banning again", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    for (let n = 0; n < 10; n++) await apache.request({ from: ATTACKER, path: "/private/" });
    await refused(apache, ATTACKER);
    expect((await daemon.cli("allow", ATTACKER)).exitStatus).toBe(0);
    expect(await statusOf(apache, ATTACKER)).toBe(200);
    for (let n = 0; n < 12; n++) await apache.request({ from: ATTACKER, path: "/private/" });
    await sleep(700);
    expect(await statusOf(apache, ATTACKER)).toBe(200);
    const refusal = await daemon.cli("ban", ATTACKER);
    expect(refusal.exitStatus).toBe(1);
    expect(refusal.stderr).toContain("allowlist");
  });

  test("a reload takes a new rule threshold, and a broken configuration changes nothing", async () => {
    await using apache = await guardedApache();
    await using daemon = daemonBeside(apache);
    await daemon.start();
    daemon.configure("mode: enforse\n");
    daemon.signal("SIGHUP");
    await expect.poll(async () => (await daemon.status()).problems[0]?.message).toContain("not reloaded");
    writeFileSync(join(apache.root, "sekisho/sekisho.yaml"), "");
    for (let n = 0; n < 10; n++) await apache.request({ from: ATTACKER, path: "/private/" });
    await refused(apache, ATTACKER);
  });
});

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Apache, startApache } from "../apache.ts";
import { startSampleApp } from "../enforce/guard/sample-app.ts";
import { missing } from "../requirements.ts";
import { DaemonUnderTest } from "./daemon.ts";

const ATTACKER = "203.0.113.7";
const NEIGHBOUR = "2001:db8:5:7::1";
const PATIENCE = { timeout: 60_000, interval: 50 };
const PORT = 9002;

/** Blocks by the guard and by nothing else. */
const configuration = (apache: Apache, mode: string, socket: string): string => `mode: ${mode}
logs: [{ path: ${apache.accessLog} }]
enforcers: { guard: { socket: ${socket} } }
cut: { enabled: false }
`;

function daemonBeside(apache: Apache, socket: string): DaemonUnderTest {
  const folder = join(apache.root, "sekisho");
  mkdirSync(folder);
  return new DaemonUnderTest(folder, configuration(apache, "enforce", socket), (command, args, options) =>
    apache.inNamespace(command, args, options),
  );
}

describe.skipIf(missing("root", "apache2", "netns"))("an app behind Apache that follows the guard", () => {
  test("cuts the WebSockets of who is banned at once, refuses them also while Sekisho is away, and lets them in again", async () => {
    await using apache = await startApache({
      site: `ProxyPass /live/ http://127.0.0.1:${PORT}/ upgrade=websocket`,
    });
    const socket = join(apache.root, "guard.sock");
    await using daemon = daemonBeside(apache, socket);
    await daemon.start();
    await using _app = await startSampleApp(apache.root, socket, PORT, apache.inNamespace);
    const guard = async () => (await daemon.status()).enforcers[0]!;
    await expect.poll(guard, PATIENCE).toMatchObject({ state: "in-sync", note: "1 app is connected" });

    const ask = async (from: string, hold = false): Promise<number> =>
      (await apache.request({ from, path: "/live/chat", ...(hold ? { upgrade: true, hold } : {}) })).status;
    /** Apache writes the line of a WebSocket when it closes. */
    const closed = (): string[] =>
      readFileSync(apache.accessLog, "utf8")
        .split("\n")
        .filter((line) => line.includes('" 101 '))
        .map((line) => line.split(" ")[0]!);
    for (const from of [ATTACKER, NEIGHBOUR, ATTACKER]) expect(await ask(from, true)).toBe(101);
    expect(closed()).toEqual([]);

    const answer = await daemon.cli("ban", ATTACKER);
    expect([answer.exitStatus, answer.stdout]).toEqual([0, expect.not.stringContaining("not in force")]);
    expect(await ask(ATTACKER)).toBe(403);
    expect(await ask(ATTACKER, true)).toBe(403);
    expect(await ask(NEIGHBOUR)).toBe(200);
    await expect.poll(closed, PATIENCE).toEqual([ATTACKER, ATTACKER]);
    await expect
      .poll(guard, PATIENCE)
      .toMatchObject({ blocks: 1, note: "1 app is connected; apps closed 2 sockets of banned clients" });

    await daemon.kill("SIGKILL");
    expect([await ask(ATTACKER), await ask(NEIGHBOUR)]).toEqual([403, 200]);
    await daemon.start();
    await expect.poll(guard, PATIENCE).toMatchObject({ state: "in-sync", blocks: 1 });
    expect(await ask(ATTACKER)).toBe(403);

    expect((await daemon.cli("unban", ATTACKER)).exitStatus).toBe(0);
    await expect.poll(() => ask(ATTACKER), PATIENCE).toBe(200);

    // Read again, the configuration leaves the app connected; when Sekisho only observes, nobody is refused.
    await daemon.cli("ban", ATTACKER);
    expect(await ask(ATTACKER)).toBe(403);
    daemon.configure(configuration(apache, "observe", socket));
    await daemon.reload();
    await expect.poll(() => ask(ATTACKER), PATIENCE).toBe(200);
    expect(closed()).toEqual([ATTACKER, ATTACKER]);
  });
});

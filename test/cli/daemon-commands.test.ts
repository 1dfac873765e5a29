import { spawnSync } from "node:child_process";
import { chmodSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { allowCommand } from "../../src/cli/allow.ts";
import { banCommand } from "../../src/cli/ban.ts";
import { bansCommand } from "../../src/cli/bans.ts";
import { statusCommand } from "../../src/cli/status.ts";
import { unbanCommand } from "../../src/cli/unban.ts";
import type { EnforcerState, Status } from "../../src/model/api.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";
import { runServer, TestClock, TOKEN } from "../serve/running-server.ts";
import { commandLine, type World } from "./command-line.ts";

const run = (argv: string[], world: World) =>
  commandLine(
    argv,
    (context) =>
      [statusCommand, banCommand, bansCommand, unbanCommand, allowCommand].map((each) => each(context)),
    world,
  );

/** A real server with a backend in memory, and the folder of a configuration whose data it runs with. */
async function daemon(change: Partial<Status> = {}) {
  const backend = new MemoryBackend(new TestClock());
  const status = backend.status.bind(backend);
  backend.status = () => ({ ...status(), enforcers: [], ...change });
  const { server } = await runServer({ backend });
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "data/token": `${TOKEN}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: server.url }),
  });
  return { backend, server, cwd };
}

const enforcer = (state: EnforcerState): Status["enforcers"][number] => ({
  name: "apache-include",
  state,
  blocks: 1_200,
  unenforced: ["192.0.2.1/32"],
  lastReconciledAt: "2026-11-20T11:59:55Z",
  nextApplyAt: "2026-11-20T12:17:00Z",
  error: state === "failed" ? "configtest says no" : null,
  hint: state === "failed" ? "look at line 3" : null,
  note: null,
});

const PANIC: Status["halts"][number] = {
  name: "panic",
  since: "2026-11-20T11:00:00Z",
  reason: "sekisho panic",
};

describe("status", () => {
  test.each([
    ["in-sync", 0],
    ["pending", 0],
    ["off", 0],
    ["drifted", 1],
    ["failed", 1],
  ] as const)("with an enforcer that is %s ends with %d", async (state, expected) => {
    const { cwd } = await daemon({ enforcers: [enforcer(state)] });
    const { status, stdout, stderr } = await run(["status"], { cwd });
    expect({ status, stderr }).toEqual({ status: expected, stderr: "" });
    expect(stdout).toMatch(
      new RegExp(
        `${state} +apache-include +1,200 blocks +reconciled 5s ago +applies in 17m +1 target not carried: 192\\.0\\.2\\.1/32`,
      ),
    );
    expect(stdout.includes("Nothing is wrong.")).toBe(expected === 0);
  });

  test("says where the dashboard is", async () => {
    const { cwd, server } = await daemon();
    expect((await run(["status"], { cwd })).stdout).toContain(`dashboard   ${server.url}\n`);
  });

  test("of a daemon with a problem ends with 1 and shows the hint", async () => {
    const { cwd } = await daemon({ problems: [{ message: "the disk is full", hint: "free some space" }] });
    const { status, stdout } = await run(["status"], { cwd });
    expect(status).toBe(1);
    expect(stdout).toContain("problem: the disk is full\n   hint: free some space\n");
  });

  test("names the first targets that an enforcer cannot carry", async () => {
    const unenforced = [1, 2, 3, 4, 5].map((last) => `192.0.2.${last}/32`);
    const { cwd } = await daemon({ enforcers: [{ ...enforcer("in-sync"), unenforced }] });
    expect((await run(["status"], { cwd })).stdout).toContain(
      "5 targets not carried: 192.0.2.1/32, 192.0.2.2/32, 192.0.2.3/32 and 2 more\n",
    );
  });

  test("shows a problem of several lines as lines, and what else is hidden in them escaped", async () => {
    const message = "not reloaded: sekisho.yaml:1:1: wrong\nsekisho.yaml:2:1: wrong too\x1b[2J";
    const { cwd } = await daemon({ problems: [{ message, hint: "correct it" }] });
    expect((await run(["status"], { cwd })).stdout).toContain(
      "problem: not reloaded: sekisho.yaml:1:1: wrong\n         sekisho.yaml:2:1: wrong too\\x1b[2J\n   hint: correct it\n",
    );
  });

  test("with a log that cannot be read ends with 1", async () => {
    const { cwd, backend } = await daemon();
    const sources = [
      { ...backend.sources[0]!, path: "/var/log/\x1b[2Jevil.log", error: "no permission", hint: "join adm" },
    ];
    const broken = await daemon({ sources });
    expect((await run(["status"], { cwd })).status).toBe(0);
    const { status, stdout } = await run(["status"], { cwd: broken.cwd });
    expect(status).toBe(1);
    expect(stdout).toContain("problem: /var/log/\\x1b[2Jevil.log: no permission\n   hint: join adm\n");
    expect(stdout).not.toContain("\x1b");
  });

  test("--json prints what the daemon says and nothing else", async () => {
    const { cwd, backend } = await daemon();
    const { status, stdout, stderr } = await run(["status", "--json"], { cwd, isTTY: true });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout)).toEqual(backend.status());
  });

  test.each<[string, Partial<Status>]>([
    ["is enforcing, but no enforcer is configured: nobody is blocked", {}],
    [
      "is enforcing, but dry-run is its only enforcer: nobody is blocked",
      { enforcers: [{ ...enforcer("in-sync"), name: "dry-run" }] },
    ],
    ["is enforcing: what is banned is blocked", { enforcers: [enforcer("in-sync")] }],
    ["is observing: it decides and records, and blocks nothing", { mode: "observe" }],
    ["plays the demo: it decides and records, and nobody is blocked", { demo: true }],
    ["is in panic: it reads and records, and bans and blocks nobody", { mode: "observe", halts: [PANIC] }],
  ])("begins with what comes of bans: %s", async (told, change) => {
    const { cwd } = await daemon(change);
    expect((await run(["status"], { cwd })).stdout.split("\n")[0]).toBe(`Sekisho 1.2.3 ${told}`);
  });

  test("--json keeps the exit status of the human form", async () => {
    const { cwd } = await daemon({ enforcers: [enforcer("failed")] });
    expect((await run(["status", "--json"], { cwd })).status).toBe(1);
  });
});

describe("ban", () => {
  test("bans an address for a length, with a reason", async () => {
    const { cwd, backend } = await daemon({ mode: "enforce" });
    const outcome = await run(["ban", "192.0.2.7", "--for", "4h", "--reason", "scanner"], { cwd });
    expect(outcome).toEqual({
      status: 0,
      stdout: "banned 192.0.2.7/32 until 2026-11-20 16:00:00 UTC (4h from now)\n",
      stderr: "",
    });
    expect(backend.allBans).toMatchObject([{ target: "192.0.2.7/32", reason: "scanner", by: "person" }]);
  });

  test("of an IPv6 address is of its /64, and permanent when asked", async () => {
    const { cwd, backend } = await daemon();
    const { stdout } = await run(["ban", "2001:db8::1", "--for", "permanent"], { cwd });
    expect(stdout).toContain("banned 2001:db8::/64 until somebody unbans it\n");
    expect(backend.allBans).toMatchObject([{ target: "2001:db8::/64", until: null }]);
  });

  test("in observe mode says that it is only recorded", async () => {
    const { cwd } = await daemon({ mode: "observe" });
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /^banned 192\.0\.2\.7\/32 until .*: recorded, not enforced \(observe mode\)\n$/,
    );
  });

  test("in panic says what it waits for", async () => {
    const { cwd } = await daemon({ mode: "observe", halts: [PANIC] });
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /: recorded, not enforced before: sekisho panic --end\n$/,
    );
  });

  test("that waits for a scheduled reload says which, and when", async () => {
    const { cwd, backend } = await daemon({ enforcers: [enforcer("pending")] });
    backend.enforcedBy = [];
    backend.waiting = [{ enforcer: "apache-include", at: "2026-11-20T12:17:00.000Z" }];
    expect((await run(["ban", "2001:db8:f000::/52"], { cwd })).stdout).toMatch(
      /; not in force yet: apache-include takes it with its reload at 2026-11-20 12:17 UTC\n$/,
    );
  });

  test("that waits for an app to connect says so", async () => {
    const note = "no app is connected";
    const { cwd, backend } = await daemon({ enforcers: [{ ...enforcer("pending"), name: "guard", note }] });
    backend.enforcedBy = [];
    backend.waiting = [{ enforcer: "guard", at: null }];
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /; not in force yet: guard: no app is connected\n$/,
    );
    expect((await run(["status"], { cwd })).stdout).toMatch(/pending +guard .*no app is connected/);
  });

  test("that only dry-run has says that nobody is blocked", async () => {
    const { cwd, backend } = await daemon({ enforcers: [{ ...enforcer("in-sync"), name: "dry-run" }] });
    backend.enforcedBy = ["dry-run"];
    expect((await run(["ban", "192.0.2.7"], { cwd })).stdout).toMatch(
      /; not in force: dry-run blocks nobody\n$/,
    );
  });

  test.each<[string, Status["enforcers"], string]>([
    ["there is no enforcer", [], "no enforcer is configured"],
    ["it failed", [enforcer("failed")], "apache-include failed: configtest says no"],
    ["it cannot carry the target", [enforcer("in-sync")], "apache-include cannot carry it"],
    [
      "the ban is too short for the schedule",
      [{ ...enforcer("in-sync"), unenforced: [] }],
      "it ends before apache-include",
    ],
  ])("that nothing enforces since %s says so", async (_why, enforcers, told) => {
    const { cwd, backend } = await daemon({ enforcers });
    backend.enforcedBy = [];
    const { status, stdout } = await run(["ban", "192.0.2.1"], { cwd });
    expect(status).toBe(0);
    expect(stdout).toContain(`; not in force: ${told}`);
  });

  test("says which range a host in it was taken for", async () => {
    const { cwd } = await daemon();
    expect((await run(["ban", "10.0.0.5/8"], { cwd })).stdout).toContain(
      "banned 10.0.0.0/8 (from 10.0.0.5/8) until",
    );
    expect((await run(["ban", "2001:DB8::/32"], { cwd })).stdout).toContain("banned 2001:db8::/32 until");
  });

  test("that is shorter than the one it replaces says so", async () => {
    const { cwd } = await daemon();
    await run(["ban", "192.0.2.7", "--for", "4h"], { cwd });
    expect((await run(["ban", "192.0.2.7", "--for", "1d"], { cwd })).stdout).not.toContain("longer");
    expect((await run(["ban", "192.0.2.7", "--for", "1h"], { cwd })).stdout).toContain(
      "took the place of a longer ban, until 2026-11-21 12:00:00 UTC (1d from now)\n",
    );
  });

  test("of a protected target is refused with status 1 and the daemon's reason", async () => {
    const { cwd } = await daemon();
    const { status, stdout, stderr } = await run(["ban", "198.51.100.1"], { cwd });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^sekisho: .+\nhint: .+\n$/);
  });

  test.each([
    [["ban", "example.com"], "'example.com' is not an address or a CIDR range"],
    [["ban", "192.0.2.7/33"], "'192.0.2.7/33' is not an address or a CIDR range"],
    [["ban", "192.0.2.7", "--for", "4 hours"], "'4 hours' is not a length of time"],
    [["ban", "\x1b[31m"], "'\\x1b[31m' is not an address"],
  ])("%j is status 2, and the daemon is not asked", async (argv, message) => {
    const { status, stderr } = await run(argv, { cwd: "/" });
    expect(status).toBe(2);
    expect(stderr).toContain(`sekisho: ${message}`);
  });
});

test("where the person sits who came over ssh is told the daemon, which bans nobody there", async () => {
  const { cwd, backend } = await daemon();
  await run(["status"], { cwd });
  expect(backend.present).toEqual([]);
  await run(["status"], { cwd, env: { SSH_CONNECTION: "203.0.113.7 50022 192.0.2.1 22" } });
  expect(backend.present).toEqual(["203.0.113.7/32"]);
});

describe("unban", () => {
  test("lifts a ban", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "2001:db8::/48"], { cwd });
    expect(await run(["unban", "2001:db8::/48"], { cwd })).toEqual({
      status: 0,
      stdout: "unbanned 2001:db8::/48\n",
      stderr: "",
    });
    expect(backend.allBans).toMatchObject([{ state: "revoked" }]);
  });

  test("of what is not banned is status 1", async () => {
    const { cwd } = await daemon();
    expect(await run(["unban", "192.0.2.99"], { cwd })).toMatchObject({ status: 1, stdout: "" });
  });
});

describe("bans", () => {
  test("lists who is banned, since when, until when, by whom, and why", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7", "--for", "4h", "--reason", "scanner \u202e"], { cwd });
    const first = backend.allBans[0]!;
    backend.allBans.push(
      {
        ...first,
        id: 2,
        target: "192.0.2.8/32",
        rule: "repeated-403",
        by: "rule",
        until: null,
        enforcedBy: [],
      },
      { ...first, id: 3, target: "192.0.2.9/32", state: "revoked" },
    );
    const { stdout } = await run(["bans"], { cwd });
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["target", "since", "until", "by", "enforced by", "reason"],
      [
        "192.0.2.7/32",
        "2026-11-20 12:00 UTC",
        "2026-11-20 16:00 UTC",
        "person",
        "apache-directory",
        "scanner \\u202e",
      ],
      ["192.0.2.8/32", "2026-11-20 12:00 UTC", "permanent", "repeated-403", "nothing", "scanner \\u202e"],
      [""],
    ]);
    expect((await run(["bans", "--all"], { cwd })).stdout).toMatch(/^192\.0\.2\.9\/32 +revoked/m);
    expect(JSON.parse((await run(["bans", "--json"], { cwd })).stdout)).toEqual({
      items: JSON.parse(JSON.stringify(backend.allBans.slice(0, 2))),
      next: null,
    });
  });

  test("lists more than the interface answers at once", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7"], { cwd });
    const first = backend.allBans[0]!;
    for (let id = 2; id <= 1_001; id++) backend.allBans.push({ ...first, id });
    expect((await run(["bans"], { cwd })).stdout.trimEnd().split("\n")).toHaveLength(1 + 1_001);
  });

  test("says that there are none", async () => {
    const { cwd } = await daemon();
    expect(await run(["bans"], { cwd })).toEqual({ status: 0, stdout: "No ban is active.\n", stderr: "" });
  });
});

describe("allow", () => {
  test.each([[["allow"]], [["allow", "--list"]]])("as %j lists who is never banned", async (argv) => {
    const { cwd } = await daemon();
    const { status, stdout } = await run(argv, { cwd });
    expect(status).toBe(0);
    expect(stdout).toMatch(/^target +by +since +reason\n198\.51\.100\.1\/32 +person +the office\n$/);
  });

  test.each([[["allow", "--remove"]], [["allow", "--list", "192.0.2.8"]]])(
    "as %j is wrong usage",
    async (argv) => {
      const { cwd } = await daemon();
      expect(await run(argv, { cwd })).toMatchObject({ status: 2, stdout: "" });
    },
  );

  test("names the bans that it lifted", async () => {
    const { cwd } = await daemon();
    await run(["ban", "192.0.2.8"], { cwd });
    expect((await run(["allow", "192.0.2.8"], { cwd })).stdout).toBe(
      "192.0.2.8/32 will not be banned\nlifted the ban of 192.0.2.8/32\n",
    );
  });

  test("of everyone is told as that, with what takes it back", async () => {
    const { cwd } = await daemon();
    expect((await run(["allow", "192.0.2.8/0"], { cwd })).stdout).toBe(
      "0.0.0.0/0 (from 192.0.2.8/0) will not be banned\n" +
        "warning: that is everyone, so nobody is banned until: sekisho allow --remove 0.0.0.0/0\n",
    );
  });

  test("keeps a target from being banned, until it is removed", async () => {
    const { cwd, backend } = await daemon();
    expect(await run(["allow", "192.0.2.8", "--reason", "office"], { cwd })).toMatchObject({ status: 0 });
    expect(backend.allowed.get(parseTarget("192.0.2.8")!)).toBe("office");
    expect(await run(["ban", "192.0.2.8"], { cwd })).toMatchObject({ status: 1 });
    expect(await run(["allow", "--remove", "192.0.2.8"], { cwd })).toMatchObject({ status: 0 });
    expect(backend.allowed.has(parseTarget("192.0.2.8")!)).toBe(false);
  });
});

describe("the daemon", () => {
  test("that never ran is status 3, with how to start it", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data" });
    const { status, stderr } = await run(["status"], { cwd });
    expect(status).toBe(3);
    expect(stderr).toMatch(/^sekisho: the daemon is not running: .*\nhint: start it with: sekisho run/);
  });

  test("that crashed is not asked: its port may belong to somebody else now, who must not get the token", async () => {
    const { cwd, server } = await daemon();
    const { pid } = spawnSync("true");
    writeFileSync(join(cwd, "data/daemon.json"), JSON.stringify({ pid, url: server.url }));
    expect(await run(["status"], { cwd })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining(`process ${pid} is gone`),
    });
  });

  test("whose port is closed is status 3", async () => {
    const { cwd, server } = await daemon();
    await server.close();
    expect(await run(["status"], { cwd })).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("nothing listens at"),
    });
  });

  test("is found by the configured address where daemon.json is not there", async () => {
    const { server, cwd } = await daemon();
    const { port } = new URL(server.url);
    writeFileSync(
      join(cwd, "sekisho.yaml"),
      `data: other\nlogs: []\ndashboard: { listen: 127.0.0.1:${port} }`,
    );
    expect(await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } })).toMatchObject({ status: 0 });
  });

  test("named by --config is the one that is asked", async () => {
    const { cwd } = await daemon();
    expect(await run(["status", "--config", join(cwd, "sekisho.yaml")], { cwd: "/" })).toMatchObject({
      status: 0,
    });
  });

  test("that does not accept the token is status 3; SEKISHO_TOKEN wins over the file", async () => {
    const { cwd } = await daemon();
    const { status, stderr } = await run(["status"], { cwd, env: { SEKISHO_TOKEN: "not-the-right-token" } });
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^sekisho: the daemon at \S+ does not accept this token\nhint: unset SEKISHO_TOKEN/,
    );
  });

  test("whose token this user may not read says who can", async () => {
    const { cwd } = await daemon();
    chmodSync(join(cwd, "data/token"), 0o600);
    chmodSync(join(cwd, "data"), 0o755);
    const isRoot = process.getuid?.() === 0;
    if (!isRoot) chmodSync(join(cwd, "data/token"), 0);
    const module = join(import.meta.dirname, "../../src/cli/client.ts");
    const context = `{ cwd: ${JSON.stringify(cwd)}, env: {} }`;
    const body = `try { await connectToDaemon(${context}) } catch ({ code, hint }) { return { code, hint } }`;
    const loadedLater = { [join(import.meta.dirname, "../../src/config/load.ts")]: "loadWhereabouts" };
    expect(asNobody(module, "connectToDaemon", body, loadedLater)).toEqual({
      code: "DAEMON_REFUSED",
      hint: expect.stringContaining("sudo -u sekisho"),
    });
  });

  test.each([
    ["a page", 200, "<html>"],
    ["an error page", 500, "<html>"],
    ["an error of another kind", 500, '{"oops":1}'],
  ])("that is another program answering %s is status 3", async (_name, status, body) => {
    const other = createServer((_request, response) => response.writeHead(status).end(body));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const cwd = folderWith({ "sekisho.yaml": `data: data\ndashboard: { listen: 127.0.0.1:${port} }` });
    const outcome = await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } });
    expect(outcome).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("does not answer as Sekisho does"),
    });
  });

  test("is not followed to another address: the token would go along", async () => {
    let followed = false;
    const other = createServer((request, response) => {
      if (request.url === "/stolen") followed = true;
      response.writeHead(307, { location: "/stolen" }).end();
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const cwd = folderWith({ "sekisho.yaml": `data: data\ndashboard: { listen: 127.0.0.1:${port} }` });
    expect(await run(["status"], { cwd, env: { SEKISHO_TOKEN: TOKEN } })).toMatchObject({ status: 3 });
    expect(followed).toBe(false);
  });

  test("is asked though its configuration has a mistake elsewhere, which is told", async () => {
    const { cwd, backend } = await daemon();
    await run(["ban", "192.0.2.7"], { cwd });
    writeFileSync(join(cwd, "sekisho.yaml"), "data: data\nmod: enforce\nlogs: 7\n");
    const { status, stdout, stderr } = await run(["unban", "192.0.2.7"], { cwd });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "unbanned 192.0.2.7/32\n" });
    expect(stderr).toMatch(
      /^warning: the configuration has problems.*\n +\S*sekisho.yaml:2:1: mod: unknown key; did you mean mode\?\n/,
    );
    expect(backend.allBans).toMatchObject([{ state: "revoked" }]);
  });

  test("that started with the configuration as it is has checked it, so nobody else does", async () => {
    const { cwd, server } = await daemon();
    const config = join(cwd, "sekisho.yaml");
    const told = join(cwd, "data/daemon.json");
    const inAnHour = Date.now() / 1000 + 3600;
    writeFileSync(config, "data: data\nmod: enforce\n");
    const startedWith = (config: string): void => {
      writeFileSync(told, JSON.stringify({ pid: process.pid, url: server.url, config }));
      utimesSync(told, inAnHour, inAnHour);
    };
    startedWith(config);
    expect(await run(["status"], { cwd })).toMatchObject({ status: 0, stderr: "" });
    startedWith("/etc/sekisho/sekisho.yaml");
    expect((await run(["status"], { cwd })).stderr).toContain("the configuration has problems");
    startedWith(config);
    utimesSync(told, 1, 1);
    expect((await run(["status"], { cwd })).stderr).toContain("the configuration has problems");
  });

  test.each([
    "data: [",
    "data: 7",
    "data: data\ndashboard: { listen: nowhere }",
    "data: data\ndashbord: {}",
    "[]",
  ])("is not asked with the configuration %j, which does not say where it is", async (yaml) => {
    const { cwd } = await daemon();
    writeFileSync(join(cwd, "sekisho.yaml"), yaml);
    expect(await run(["status"], { cwd })).toMatchObject({ status: 2, stdout: "" });
  });

  test("with a wrong configuration is not asked; the mistake is shown", async () => {
    const cwd = folderWith({ "sekisho.yaml": "dta: x" });
    const { status, stderr } = await run(["status"], { cwd });
    expect(status).toBe(2);
    expect(stderr).toContain("sekisho.yaml:1:1: dta: unknown key; did you mean data?");
  });
});

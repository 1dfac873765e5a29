import { describe, expect, test } from "vitest";
import type { Status } from "../../src/model/api.ts";
import { daemon, enforcer, PANIC, run } from "./daemon.ts";

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
    [
      "is enforcing, but no enforcer works: see below",
      { enforcers: [enforcer("failed"), { ...enforcer("in-sync"), name: "dry-run" }] },
    ],
    ["is enforcing: what is banned is blocked", { enforcers: [enforcer("failed"), enforcer("pending")] }],
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

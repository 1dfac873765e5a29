import { join } from "node:path";
import { expect, test } from "vitest";
import { replayCommand } from "../../src/cli/replay.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/replay-logs.ts";

const LOG = join(import.meta.dirname, "../rules/repeated-403/fires.log");
const rulesOf = async (...argv: string[]): Promise<unknown> => {
  const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
  const { stdout, stderr } = await commandLine(
    ["replay", "--json", "--no-allowlist", ...argv],
    (context) => [replayCommand(context)],
    { cwd },
  );
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly { readonly rule: string }[] };
  return [...new Set(findings.map(({ rule }) => rule))];
};

test("--rule takes one rule, and a file may follow it", async () => {
  expect(await rulesOf("--rule", "repeated-403", LOG)).toEqual(["repeated-403"]);
  expect(await rulesOf("--rule", "repeated-401", LOG)).toEqual([]);
  expect(await rulesOf("--rule", "repeated-401", "--rule", "repeated-403", LOG)).toEqual(["repeated-403"]);
});

test("a file that is named twice is refused, since each of its lines would count twice", async () => {
  const outcome = await commandLine(["replay", "a.log", "./a.log"], (context) => [replayCommand(context)], {
    cwd: folderWith({ "sekisho.yaml": "data: data\nlogs: []", "a.log": "" }),
  });
  expect(outcome).toMatchObject({ status: 2, stderr: expect.stringMatching(/a\.log is named twice/) });
});

test("replay says when the circuit breaker would have opened, and goes on", async () => {
  const lines = [1, 2, 3, 4].map(
    (last) => `203.0.113.${last} - - [20/Nov/2026:12:00:0${last} +0000] "GET /x HTTP/1.1" 403 1 "-" "-"\n`,
  );
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []\npolicy: { breaker: { bans: 2 } }\nrules: rules",
    "rules/denied.yaml":
      "{ title: { en: A, ja: B }, severity: low, events: access, match: { status: 403 }, bucket: { kind: trigger }, " +
      "detects: A 403., why: A test., falsePositives: [All.], references: [], tags: [] }",
    "access.log": lines.join(""),
  });
  const replayed = async (...argv: string[]): Promise<string> =>
    (
      await commandLine(
        ["replay", "--no-allowlist", ...argv, join(cwd, "access.log")],
        (context) => [replayCommand(context)],
        { cwd },
      )
    ).stdout;
  const reason = "rules made more than 2 bans in a minute";
  expect(await replayed()).toContain(
    `4 findings, 4 bans, which would have stopped 0 requests\nthe circuit breaker would have opened at 2026-11-20T12:00:03.000Z: ${reason}\n`,
  );
  const { breaker, decisions } = JSON.parse(await replayed("--json")) as {
    readonly breaker: unknown;
    readonly decisions: readonly unknown[];
  };
  expect([breaker, decisions.length]).toEqual([{ at: "2026-11-20T12:00:03.000Z", reason }, 4]);
});

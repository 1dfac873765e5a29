import { join } from "node:path";
import { expect, test } from "vitest";
import { replayCommand } from "../../src/cli/replay.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/replay-logs.ts";

const DENIED = 'HTTP/1.1" 403 1 "-" "-"\n';
const denied = (times: number, client: string, day: number): string =>
  Array.from(
    { length: times },
    (_, second) =>
      `${client} - - [${day}/Nov/2026:12:00:${String(second).padStart(2, "0")} +0000] "GET /x ${DENIED}`,
  ).join("");
const RULE = (unless = "") => `title: { en: Refused, ja: 拒否 }
detects: d
why: w
severity: low
events: access
match: { status: 403 }
bucket: { kind: threshold, count: 10, window: 5m }
${unless}`;

async function replayed(log: string, argv: readonly string[], rule = RULE()): Promise<string> {
  const cwd = folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "access.log": log,
    "r/refused.yaml": rule,
  });
  const { stdout, stderr, status } = await commandLine(
    ["replay", "--no-allowlist", "--rules", "r", ...argv, join(cwd, "access.log")],
    (context) => [replayCommand(context)],
    { cwd },
  );
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

/** Nine days, so that none is only of the last one. */
const LOG =
  denied(9, "192.0.2.9", 10) +
  denied(4, "192.0.2.4", 11) +
  denied(30, "192.0.2.30", 12) +
  denied(5, "192.0.2.5", 18);

test("--near-misses tells of all days who came near a threshold, the nearest first, and of nobody who was found", async () => {
  const stdout = await replayed(LOG, ["--near-misses"]);
  expect(stdout.slice(stdout.indexOf("Near"))).toBe(
    `Near misses: who came near a threshold and was not found.
RULE     SUBJECT       HITS  AT
refused  192.0.2.9  9 of 10  2026-11-10T12:00:08.000Z
refused  192.0.2.5  5 of 10  2026-11-18T12:00:04.000Z
`,
  );
  expect(await replayed(LOG, [])).not.toContain("192.0.2.9");
  expect(await replayed(denied(4, "192.0.2.4", 11), ["--near-misses"])).toContain(
    "\nNobody came near a threshold without a finding.\n",
  );
});

test("--near-misses --json has them for programs, and without the option none", async () => {
  const { nearMisses } = JSON.parse(await replayed(LOG, ["--near-misses", "--json"]));
  expect(nearMisses).toEqual([
    { rule: "refused", subject: "192.0.2.9", count: 9, of: 10, at: "2026-11-10T12:00:08.000Z" },
    { rule: "refused", subject: "192.0.2.5", count: 5, of: 10, at: "2026-11-18T12:00:04.000Z" },
  ]);
  expect(JSON.parse(await replayed(LOG, ["--json"]))).not.toHaveProperty("nearMisses");
});

test("a near miss with all the hits says that the rule spared it", async () => {
  const served = denied(3, "192.0.2.9", 10).replaceAll(" 403 ", " 200 ");
  const rule = RULE("unless: { match: { status: 200 }, count: 3, window: 5m }");
  expect(await replayed(served + denied(12, "192.0.2.9", 10), ["--near-misses"], rule)).toMatch(
    /refused {2}192\.0\.2\.9 {2}10 of 10 {2}2026-11-10T12:00:09\.000Z {2}spared by unless\n/,
  );
});

import { expect, test } from "vitest";
import { statusText } from "../../src/cli/status.ts";
import type { ListStatus } from "../../src/model/api.ts";
import { unixMs } from "../../src/model/time.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";

const now = unixMs(Date.parse("2026-11-20T12:00:00Z"));
const clock = { now: () => now };
const context = {
  ...{
    stdout: () => {},
    stderr: () => {},
    isTTY: false,
    columns: null,
    cwd: "/",
    env: {},
    version: "1",
    clock,
    exitStatus: 0,
  },
};
const list: ListStatus = {
  ...{
    name: "drop",
    kind: "block",
    ownAndPrivate: "refuse",
    from: "https://lists.example/drop.txt",
    entries: 1_234,
  },
  ...{
    wrong: 2,
    refused: 0,
    examples: ["line 3: '\u001b[2J' is no address or range"],
    spared: 1,
    until: null,
  },
  ...{ fetchedAt: "2026-11-20T11:00:00.000Z", triedAt: null, nextFetchAt: "2026-11-20T12:30:00.000Z" },
  ...{ error: null, hint: null },
};
const shown = (lists: readonly ListStatus[]): string =>
  statusText(context, { ...new MemoryBackend(clock).status(), lists }, "http://127.0.0.1:7080");

test("status has a line for each imported list, and none of it where there is none", () => {
  const never: ListStatus = { ...list, name: "new", entries: 0, wrong: 0, spared: 0, examples: [] };
  const text = shown([list, { ...never, fetchedAt: null, nextFetchAt: null, error: "away" }]);
  const rows = text
    .split("\n")
    .slice(text.split("\n").indexOf("Lists") + 1)
    .slice(0, 2);
  expect(rows.map((row) => row.trim().replace(/ {2,}/g, " | "))).toEqual([
    "ok | drop | block | 1,234 entries | fetched 1h ago | again in 30m | 2 wrong | 1 spared | first: line 3: '\\x1b[2J' is no address or range",
    "problem | new | block | 0 entries | never fetched",
  ]);
  expect(shown([])).not.toContain("Lists");
});

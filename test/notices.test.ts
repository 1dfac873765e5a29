import { expect, test } from "vitest";
import { SekishoError } from "../src/model/errors.ts";
import { problemsNow } from "../src/notices.ts";
import { DaemonLog } from "../src/observe/log.ts";
import { ProblemLog } from "../src/observe/problem-log.ts";

const STATE = { kind: "state", sources: [], problems: [] } as unknown as Parameters<typeof problemsNow>[0];
const away = (path: string) => ({
  code: "LIST_UNAVAILABLE",
  message: `list ${path} is away`,
  hint: "wait",
  path,
});

test("two lists that are away are told each by itself, as what concerns the whole daemon is", () => {
  const lines: string[] = [];
  const log = new ProblemLog(
    new DaemonLog((line) => lines.push((JSON.parse(line) as { msg: string }).msg), false),
  );
  // An error keeps its message, too.
  const full = new SekishoError("DISK_FULL", "the disk is full", "free some space");
  log.note(problemsNow(STATE, [away("drop"), away("feed"), null, full]));
  log.note(problemsNow(STATE, [away("feed"), full]));
  log.note(problemsNow(STATE, []));
  expect(lines).toEqual([
    "list drop is away; wait",
    "list feed is away; wait",
    "the disk is full; free some space",
    "no more: list drop is away",
    "no more: list feed is away",
    "no more: the disk is full",
  ]);
});

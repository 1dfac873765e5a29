import { expect, test } from "vitest";
import { DaemonLog } from "../../src/observe/log.ts";
import { type Problem, ProblemLog } from "../../src/observe/problem-log.ts";

const full: Problem = { code: "DISK_FULL", path: null, message: "the disk is full", hint: "free some space" };
const ahead = (hours: number): Problem => ({
  code: "LOG_TIME_AHEAD",
  path: "/var/log/a.log",
  message: `a.log is ${hours} hours ahead`,
  hint: "set timezone",
});

test("a problem is told when it appears and when it has passed, and not while it lasts", () => {
  const lines: string[] = [];
  const told = new ProblemLog(
    new DaemonLog((line) => lines.push((JSON.parse(line) as { msg: string }).msg), false),
  );
  for (const problems of [[], [full], [full, ahead(2)], [full, ahead(3)], [ahead(3)], []])
    told.note(problems);
  expect(lines).toEqual([
    "the disk is full; free some space",
    "a.log is 2 hours ahead; set timezone",
    "no more: the disk is full",
    "no more: a.log is 3 hours ahead",
  ]);
});

test("the same problem of two files is two problems", () => {
  const lines: string[] = [];
  const told = new ProblemLog(new DaemonLog((line) => lines.push(line), false));
  told.note([ahead(2), { ...ahead(2), path: "/var/log/b.log" }]);
  expect(lines.map((line) => (JSON.parse(line) as { path: string }).path)).toEqual([
    "/var/log/a.log",
    "/var/log/b.log",
  ]);
});

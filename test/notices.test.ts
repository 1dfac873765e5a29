import { expect, test } from "vitest";
import { SekishoError } from "../src/model/errors.ts";
import type { UnixMs } from "../src/model/time.ts";
import { problemsNow, tellNotices } from "../src/notices.ts";
import type { Notice } from "../src/notify/notice.ts";
import type { Notifier } from "../src/notify/notifier.ts";
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

test("of a ban people are told whom it hits, of an unban not: that would offer to lift it", () => {
  const told: Notice[] = [];
  const log = new DaemonLog(() => {}, false);
  using telling = tellNotices(
    log,
    { tell: (notice: Notice) => told.push(notice) } as unknown as Notifier,
    { now: () => 0 as UnixMs },
    () => [],
  );
  log.say("info", "ban.decided", "ban 192.0.2.7/32: by hand", { target: "192.0.2.7/32" });
  log.say("info", "ban.lifted", "unban 192.0.2.7/32", { target: "192.0.2.7/32" });
  expect([telling, told.map(({ target }) => target)]).toEqual([
    expect.anything(),
    ["192.0.2.7/32", undefined],
  ]);
});

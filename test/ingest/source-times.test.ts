import { expect, test } from "vitest";
import { SourceTimes } from "../../src/ingest/source-times.ts";
import type { Source } from "../../src/model/line.ts";
import type { UnixMs } from "../../src/model/time.ts";
import { access, at } from "../evaluate/events.ts";

const MINUTE = 60;
const MEMORY = 10 * MINUTE * 1_000;
const source = (id: number): Source => ({
  id,
  path: `/var/log/${id}.log`,
  kind: "access",
  format: "auto",
  timezone: null,
  fields: null,
});
const idle = [1, 2].map((id) => ({ source: source(id), lagBytes: 0 }));

/** What was read: of a source, a line of one second, when the clock showed another. */
function timesOf(...read: readonly (readonly [id: number, time: number, readAt: number])[]): SourceTimes {
  const times = new SourceTimes();
  for (const [id, time, readAt] of read) times.note(source(id), [access("192.0.2.7", time)], at(readAt));
  return times;
}
const through = (times: SourceTimes, now: number, sources = idle): UnixMs | null =>
  times.readThrough(at(now), MEMORY, sources);

test("logs that are read as they are written are read up to now, also those that are quiet", () => {
  expect(through(timesOf([1, 0, 0], [2, 299, 300]), 300)).toBe(at(299));
});

test("a log that is being caught up with holds back the others, until it has caught up", () => {
  const times = timesOf([1, 300, 300], [2, -3_600, 300]);
  expect(through(times, 300)).toBe(at(-3_600));
  times.note(source(2), [access("192.0.2.7", 310)], at(310));
  expect(through(times, 310)).toBe(at(310));
});

test("a log whose zone is set wrong counts as far behind, and while its hits can count after it has gone quiet", () => {
  const times = timesOf([1, 0, 0], [2, -9 * 60 * MINUTE, 0]);
  times.note(source(1), [access("192.0.2.7", 500)], at(500));
  expect(through(times, 500)).toBe(at(500 - 9 * 60 * MINUTE));
  expect(through(times, 11 * MINUTE)).toBe(at(11 * MINUTE));
});

test("an app whose clock is ahead moves nothing ahead of the clock", () => {
  expect(through(timesOf([1, 0, 0], [2, 3_600, 5]), 5)).toBe(at(5));
});

test("nothing is known while a log has lines of which none was read", () => {
  const waiting = [idle[0]!, { source: source(2), lagBytes: 1 }];
  expect(through(timesOf([1, 0, 0]), 0, waiting)).toBe(null);
  expect(through(timesOf([1, 0, 0], [2, 0, 0]), 0, waiting)).toBe(at(0));
});

import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { access, at } from "./events.ts";
import { ruleOf } from "./rules.ts";

const HOUR = 3_600;
const threshold = { kind: "threshold", count: 3, window: "1m" };
const distinct = { kind: "distinct", of: "path", count: 3, window: "1m" };

const evaluatorWith = (bucket: object): Evaluator =>
  new Evaluator([ruleOf("r", { bucket, cooldown: "30m" })]);
const denied = (seconds: number): LogEvent =>
  access("192.0.2.7", seconds, { status: 403, path: `/${seconds}` });
/** Each event is read at the second that its clock shows. */
const readAt = (evaluator: Evaluator, hits: readonly { readonly time: number; readonly now: number }[]) =>
  hits
    .flatMap(({ time, now }) => evaluator.evaluate([denied(time)], at(now)))
    .map(({ lastSeen }) => lastSeen);
const live = (seconds: readonly number[]) => seconds.map((time) => ({ time, now: time }));

describe.each([threshold, distinct])("a clock, with $kind buckets", (bucket) => {
  test("that was set back leaves nobody unseen until it has caught up", () => {
    const evaluator = evaluatorWith(bucket);
    const hits = live([HOUR, HOUR + 1, 0, 10, 20]);
    expect(readAt(evaluator, hits)).toEqual([at(20)]);
  });

  test("that was set back joins no hits of before with those of after", () => {
    const evaluator = evaluatorWith(bucket);
    expect(readAt(evaluator, live([HOUR, HOUR + 1, 0, 10]))).toEqual([]);
    expect(readAt(evaluator, live([HOUR - 1]))).toEqual([]);
  });

  test("that was set back ends the cooldown that began in what is the future now", () => {
    const evaluator = evaluatorWith(bucket);
    const hits = live([10 * HOUR, 10 * HOUR + 1, 10 * HOUR + 2, 0, 1, 2]);
    expect(readAt(evaluator, hits)).toEqual([at(10 * HOUR + 2), at(2)]);
  });

  test("that was set back is noticed after a restart too", () => {
    const evaluator = evaluatorWith(bucket);
    evaluator.restore([{ firstEvent: 1, events: [denied(HOUR), denied(HOUR + 1)] }], [], []);
    expect(readAt(evaluator, live([0, 10, 20]))).toEqual([at(20)]);
  });

  test("that runs ahead by hours in the log still counts its lines by their own distances", () => {
    const calm = [0, 100, 200, 300].map((time) => ({ time: time + 9 * HOUR, now: 0 }));
    expect(readAt(evaluatorWith(bucket), calm)).toEqual([]);
    const hurried = [0, 10, 20].map((time) => ({ time: time + 9 * HOUR, now: time }));
    expect(readAt(evaluatorWith(bucket), hurried)).toEqual([at(9 * HOUR + 20)]);
  });

  test("that is a few seconds ahead on another host changes nothing", () => {
    const hits = [5, 15, 25].map((time) => ({ time, now: time - 5 }));
    expect(readAt(evaluatorWith(bucket), hits)).toEqual([at(25)]);
  });
});

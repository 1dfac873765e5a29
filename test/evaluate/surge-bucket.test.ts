import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { access } from "./events.ts";
import { ruleOf } from "./rules.ts";

/** Windows of a minute, a past of ten: ten hits in a minute that are five times as many as usual. */
const rule = ruleOf("surge", {
  match: {},
  bucket: { kind: "surge", window: "1m", past: 10, times: 5, count: 10 },
  cooldown: "1m",
});
const hits = (...seconds: number[]): LogEvent[] => seconds.map((second) => access("192.0.2.7", second));
/** So many hits in each of the minutes, spread evenly. */
const minutes = (from: number, through: number, each: number): number[] =>
  Array.from({ length: (through - from) * each }, (_, n) => from * 60 + Math.floor((n * 60) / each));
const burst = (minute: number, count: number): number[] =>
  Array.from({ length: count }, (_, n) => minute * 60 + n);
const found = (...seconds: number[]) => new Evaluator([rule]).evaluate(hits(...seconds));

describe("a surge", () => {
  test("is so many times as many hits in a window as in one of the subject's own past", () => {
    const [finding, ...others] = found(...minutes(0, 20, 2), ...burst(20, 12));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      title: "surge (usually 2.0 in 1m)",
      count: 10,
      evidence: burst(20, 10).map((second) => `192.0.2.7 at ${second}`),
    });
    expect(finding!.lastSeen - finding!.firstSeen).toBe(9_000);
  });

  test("of a busy subject needs more than of a calm one", () => {
    expect(found(...minutes(0, 20, 4), ...burst(20, 19))).toEqual([]);
    expect(found(...minutes(0, 20, 4), ...burst(20, 20))).toHaveLength(1);
  });

  test("needs so many hits, however calm the past was", () => {
    expect(found(0, ...burst(15, 9))).toEqual([]);
    expect(found(0, ...burst(15, 10))).toHaveLength(1);
  });

  test("is none of a subject that was not known for a whole past", () => {
    expect(found(...burst(20, 50))).toEqual([]);
    expect(found(...minutes(11, 20, 1), ...burst(20, 50))).toEqual([]);
    expect(found(...minutes(10, 20, 1), ...burst(20, 50))).toHaveLength(1);
  });

  test("forgets what was before the last past and this one", () => {
    expect(found(...minutes(0, 9, 1), ...burst(31, 50))).toEqual([]);
  });

  test("counts late hits where their times put them", () => {
    const late = minutes(10, 20, 2);
    const [first, ...rest] = burst(20, 10);
    expect(found(0, first!, ...late, ...rest)).toHaveLength(1);
    expect(found(0, first!, ...late, ...minutes(10, 20, 1), ...rest)).toEqual([]);
  });

  test("leaves a subject without a past", () => {
    const twice = [...minutes(0, 20, 1), ...burst(20, 20), ...minutes(21, 25, 1), ...burst(25, 20)];
    expect(found(...twice)).toHaveLength(1);
  });
});

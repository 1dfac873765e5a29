import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { NearMisses } from "../../src/evaluate/near-misses.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { Ip, Subject } from "../../src/model/ip.ts";
import { keyOf, type SubjectKey } from "../../src/model/subject-key.ts";
import { NEVER, PERMANENT, type UnixMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";
import { ruleOf } from "./rules.ts";

const DAY = 86_400;
const key = (last: number): SubjectKey => keyOf(`192.0.2.${last}` as Ip);
const rule = { id: "r", needed: 10 };
/** Those of the one rule. */
const shown = (misses: NearMisses, now: UnixMs) => misses.all(now).get("r") ?? [];

/** What an evaluator with one rule says of its near misses, by subject. */
function missesOf(fields: object, events: readonly LogEvent[], now: UnixMs = at(DAY / 2)) {
  const evaluator = new Evaluator([ruleOf("r", fields)]);
  const findings = evaluator.evaluate(events);
  return { findings: findings.length, misses: shown(evaluator.nearMisses, now) };
}
const denied = (client: string, times: number, from = 0, status = 403): LogEvent[] =>
  Array.from({ length: times }, (_, second) => access(client, from + second, { status, path: `/${second}` }));
const TEN = { bucket: { kind: "threshold", count: 10, window: "1m" } };

describe("near misses", () => {
  test("are those with half the hits of a threshold or more, with the most that they had and when", () => {
    const { findings, misses } = missesOf(TEN, [
      ...denied("192.0.2.4", 4),
      ...denied("192.0.2.5", 5),
      ...denied("2001:db8::9", 9),
      // Fewer than before, an hour later.
      ...denied("2001:db8::9", 6, 3_600),
    ]);
    expect(findings).toBe(0);
    expect(misses).toEqual([
      { subject: "2001:db8::/64", count: 9, of: 10, at: at(8) },
      { subject: "192.0.2.5", count: 5, of: 10, at: at(4) },
    ]);
  });

  test("count different values, and hits of one value each, as the bucket does", () => {
    const distinct = { bucket: { kind: "distinct", of: "path", count: 8, window: "1m" } };
    expect(missesOf(distinct, [...denied("192.0.2.1", 4), ...denied("192.0.2.1", 4)]).misses).toMatchObject([
      { count: 4, of: 8 },
    ]);
    const same = { bucket: { kind: "threshold", count: 4, window: "1m", same: "path" } };
    const paths = [...denied("192.0.2.1", 3), ...denied("192.0.2.1", 2), ...denied("192.0.2.1", 1)];
    expect(missesOf(same, paths).misses).toMatchObject([{ count: 3, of: 4 }]);
  });

  test("one hit is none, and a bucket whose count does not tell how full it is has none", () => {
    const pair = { bucket: { kind: "threshold", count: 2, window: "1m" } };
    expect(missesOf(pair, denied("192.0.2.1", 1)).misses).toEqual([]);
    const leaky = { bucket: { kind: "leaky", capacity: 4, leak: 1, per: "1s" } };
    expect(missesOf(leaky, denied("192.0.2.1", 30)).misses).toEqual([]);
  });

  test("whom the rule finds is none, neither before nor after", () => {
    const events = [...denied("192.0.2.1", 10), ...denied("192.0.2.1", 9, 600)];
    expect(missesOf({ ...TEN, cooldown: "1m" }, events)).toEqual({ findings: 1, misses: [] });
  });

  test("whom the rule had found before a restart is none", () => {
    const evaluator = new Evaluator([ruleOf("r", TEN)]);
    const found = { subject: "192.0.2.1" as Subject, rule: "r", throughEvent: 1, report: null, at: at(0) };
    evaluator.restore([], [found], []);
    evaluator.evaluate([...denied("192.0.2.1", 9, 300), ...denied("192.0.2.2", 9, 300)]);
    expect(shown(evaluator.nearMisses, at(400)).map(({ subject }) => subject)).toEqual(["192.0.2.2"]);
  });

  test("whom `unless` spares is one that reached the threshold", () => {
    const unless = { match: { status: 200 }, count: 3, window: "5m" };
    const events = [...denied("192.0.2.1", 3, 0, 200), ...denied("192.0.2.1", 10, 10)];
    expect(missesOf({ ...TEN, unless }, events)).toMatchObject({
      findings: 0,
      misses: [{ subject: "192.0.2.1", count: 10, of: 10 }],
    });
  });

  test("are of the last day, and a time ahead of the clock is none to keep them by", () => {
    const evaluator = new Evaluator([ruleOf("r", TEN)]);
    evaluator.evaluate(denied("192.0.2.1", 6), at(10));
    evaluator.evaluate(denied("192.0.2.2", 7, 1_000 * DAY), at(10));
    const { nearMisses } = evaluator;
    expect(shown(nearMisses, at(DAY - 1)).map(({ subject }) => subject)).toEqual(["192.0.2.2", "192.0.2.1"]);
    expect(shown(nearMisses, at(2 * DAY))).toEqual([]);
  });
});

describe("what is kept of them", () => {
  test("gives way to who is nearer, then to who was so later, and to anybody after a day", () => {
    const misses = new NearMisses();
    for (let last = 0; last < 60; last++) misses.note(rule, key(last), 5, at(last));
    misses.note(rule, key(100), 9, at(0));
    misses.note(rule, key(101), 4, at(100));
    const nearest = shown(misses, at(100)).map(({ subject }) => subject);
    expect(nearest).toHaveLength(20);
    expect(nearest.slice(0, 3)).toEqual(["192.0.2.100", "192.0.2.59", "192.0.2.58"]);
    misses.note(rule, key(102), 4, at(DAY + 50));
    expect(shown(misses, at(DAY + 50)).map(({ subject }) => subject)).toContain("192.0.2.102");
  });

  test("begins anew where the threshold was changed, and goes on where it was not", () => {
    const misses = new NearMisses();
    misses.note(rule, key(1), 9, at(0));
    misses.note({ ...rule, id: "other" }, key(2), 9, at(0));
    misses.keepOnly([{ ...rule }]);
    expect([...misses.all(at(1)).keys()]).toEqual(["r"]);
    misses.keepOnly([{ ...rule, needed: 20 }]);
    expect(misses.all(at(1)).size).toBe(0);
  });

  test("of a replay is of all its lines, whenever they were written", () => {
    const misses = new NearMisses(PERMANENT);
    misses.note(rule, key(1), 9, at(0));
    misses.note(rule, key(2), 8, at(400 * DAY));
    expect(shown(misses, NEVER).map(({ count }) => count)).toEqual([9, 8]);
  });

  test("is what all of them would be, cut to the nearest, without who fired", () => {
    // Of the first ten some fire: fewer than are kept beyond those that are shown.
    const notes = fc.array(
      fc.record({
        last: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 10, max: 99 })),
        count: fc.integer({ min: 5, max: 9 }),
        isLast: fc.nat({ max: 9 }).map((chance) => chance === 0),
      }),
      { minLength: 100, maxLength: 200 },
    );
    fc.assert(
      fc.property(notes, (all) => {
        const misses = new NearMisses();
        const most = new Map<number, number>();
        const fired = new Set<number>();
        all.forEach(({ last, count, isLast }, second) => {
          const fires = isLast && last < 10;
          if (fires) misses.fired(rule, key(last), at(second));
          else misses.note(rule, key(last), count, at(second));
          if (fires) fired.add(last);
          most.set(last, Math.max(most.get(last) ?? 0, fires ? 0 : count));
        });
        const expected = [...most]
          .filter(([last]) => !fired.has(last))
          .map(([, count]) => count)
          .sort((a, b) => b - a)
          .slice(0, 20);
        expect(shown(misses, at(200)).map(({ count }) => count)).toEqual(expected);
      }),
      { numRuns: runs(100) },
    );
  });
});

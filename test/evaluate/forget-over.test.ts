import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";
import { ruleOf } from "./rules.ts";

const rule = (id: string, bucket: object, cooldown: string, subject = "address", more: object = {}) =>
  ruleOf(id, { bucket, cooldown, subject, ...more });
const rules = [
  rule("often", { kind: "threshold", count: 3, window: "20s" }, "2m"),
  rule("slowly", { kind: "threshold", count: 4, window: "5m" }, "1s"),
  rule("widely", { kind: "distinct", of: "path", count: 3, window: "1m" }, "90s"),
  rule("at-once", { kind: "trigger" }, "3m"),
  rule("steadily", { kind: "leaky", capacity: 2, leak: 1, per: "30s" }, "1s"),
  rule(
    "mostly",
    { kind: "ratio", matching: { path: ["/1", "/2"] }, share: 0.7, count: 3, window: "2m" },
    "5s",
  ),
  rule("in-turn", { kind: "sequence", steps: [{ path: "/1" }, { path: "/2" }], window: "90s" }, "10s"),
  rule("of-many", { kind: "distinct", of: "client", count: 2, window: "1m" }, "30s", "prefix"),
  rule("unless-good", { kind: "threshold", count: 3, window: "1m" }, "10s", "address", {
    unless: { match: { path: "/4" }, share: 0.3, window: "4m" },
  }),
  rule("suddenly", { kind: "surge", window: "20s", past: 3, times: 1.5, count: 2 }, "5s"),
  rule("rarely", { kind: "threshold", count: 6, window: "2m" }, "1s", "address", {
    match: { path: "/1" },
    tags: ["summed"],
  }),
  rule("again", { kind: "threshold", count: 3, window: "1m" }, "1s", "address", {
    match: { path: "/2" },
    tags: ["summed"],
  }),
  rule("in-sum", { kind: "score", of: ["summed"], rules: 2, count: 3, window: "3m" }, "10s", "address", {
    match: {},
  }),
];
const denied = (client: number, seconds: number, path: number): LogEvent =>
  access(`192.0.2.${client}`, seconds, { status: 403, path: `/${path}` });

/** Requests of a few clients, seconds to minutes apart, the order of their lines disturbed by up to a minute. */
const story = fc
  .array(
    fc.record({
      client: fc.integer({ min: 1, max: 3 }),
      pause: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400 })),
      late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 59 })),
      path: fc.integer({ min: 1, max: 4 }),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((requests) => {
    let seconds = 1_000;
    return requests.map(({ client, pause, late, path }) => {
      seconds += pause;
      return denied(client, seconds - late, path);
    });
  });

describe("forgetting what is over", () => {
  test("changes no finding, also when lines come late", () => {
    fc.assert(
      fc.property(story, fc.integer({ min: 0, max: 5 }), (events, swept) => {
        const keeping = new Evaluator(rules);
        const forgetting = new Evaluator(rules);
        let newest = 0;
        for (const event of events) {
          expect(forgetting.evaluate([event])).toEqual(keeping.evaluate([event]));
          newest = Math.max(newest, event.time);
          forgetting.forgetOver(newest as typeof event.time, swept);
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  test("leaves those of whom something still counts, and a look at a few of all at a time comes to all", () => {
    const evaluator = new Evaluator(rules);
    for (let client = 0; client < 200; client++) evaluator.evaluate([denied(client, client, 1)]);
    // The last hit counts for five minutes, and a line may be a minute late.
    for (let look = 0; look < 20; look++) evaluator.forgetOver(at(460), 20);
    expect(evaluator.counting.subjects).toBe(99);
    for (let look = 0; look < 20; look++) evaluator.forgetOver(at(1_000), 20);
    expect(evaluator.counting.subjects).toBe(0);
  });

  test("keeps a cooldown that runs, or the rule would fire again too soon", () => {
    const [often] = rules;
    const evaluator = new Evaluator([often!]);
    const burst = (seconds: number) => [0, 1, 2].map((second) => denied(7, seconds + second, 1));
    expect(evaluator.evaluate(burst(0))).toHaveLength(1);
    evaluator.forgetOver(at(160), 100);
    expect(evaluator.evaluate(burst(100))).toHaveLength(0);
    evaluator.forgetOver(at(300), 100);
    expect(evaluator.counting.subjects).toBe(0);
  });
});

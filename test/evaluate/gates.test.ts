import { describe, expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { access } from "./events.ts";
import { ruleSpec } from "./rules.ts";

const CLIENT = "192.0.2.7";
const bucket = (count: number, window = "10s") => ({ kind: "threshold", count, window });
const PACE = { id: "pace", spec: ruleSpec("pace", { match: { method: "GET" }, bucket: bucket(100) }) };
const gated = (hits: number, count: number, fields: object = {}) => ({
  id: "gated",
  spec: ruleSpec("gated", {
    match: { status: 200 },
    while: { rule: "pace", hits },
    bucket: { kind: "distinct", of: "path", count, window: "1m" },
    cooldown: "1s",
    ...fields,
  }),
});
const evaluatorOf = (...rules: (typeof PACE)[]) => new Evaluator(compileRules(rules, { origins: new Set() }));
const found = (evaluator: Evaluator, events: readonly LogEvent[]) =>
  evaluator.evaluate(events).map(({ rule, count, lastSeen }) => [rule, count, (lastSeen / 1_000) % 60]);
/** One path after the other, `apart` seconds each. */
const requests = (count: number, apart: number, fields: object = {}) =>
  Array.from({ length: count }, (_, n) => access(CLIENT, n * apart, { path: `/${n}`, ...fields }));

describe("a rule that counts while another does", () => {
  test("counts from the hit on with which the other has enough", () => {
    expect(found(evaluatorOf(gated(5, 3), PACE), requests(7, 1))).toEqual([["gated", 3, 6]]);
    expect(found(evaluatorOf(PACE, gated(5, 3)), requests(6, 1))).toEqual([]);
  });

  test("counts nobody who is calm, however long", () => {
    expect(found(evaluatorOf(gated(5, 3), PACE), requests(200, 4))).toEqual([]);
  });

  test("counts only events that the other counts, too", () => {
    const events = [...requests(10, 0.5), ...requests(10, 0.5, { method: "POST" })];
    expect(found(evaluatorOf(gated(5, 7), PACE), events)).toEqual([]);
  });

  test("goes on after the other has made a finding", () => {
    const pace = { ...PACE, spec: ruleSpec("pace", { match: { method: "GET" }, bucket: bucket(5) }) };
    expect(found(evaluatorOf(gated(5, 2, { bucket: { kind: "trigger" } }), pace), requests(5, 1))).toEqual([
      ["pace", 5, 4],
      ["gated", 1, 4],
    ]);
  });

  test("counts always where the other does not run", () => {
    expect(found(evaluatorOf(gated(5, 3)), requests(3, 5))).toEqual([["gated", 3, 10]]);
  });

  test("counts the same after a restart", () => {
    const events = requests(7, 1);
    for (let known = 0; known < 7; known++) {
      const evaluator = evaluatorOf(gated(5, 3), PACE);
      evaluator.restore([{ firstEvent: 1, events: events.slice(0, known) }], [], []);
      expect(found(evaluator, events.slice(known))).toEqual([["gated", 3, 6]]);
    }
  });
});

import { describe, expect, test } from "vitest";
import type { CompiledRule } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { unlimited } from "../../src/model/audit.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { access, audit } from "./events.ts";
import { ruleOf } from "./rules.ts";

const attack = (id: string, path: string, spec: object = {}) =>
  ruleOf(id, {
    match: { path: { prefix: path } },
    bucket: { kind: "threshold", count: 4, window: "10m" },
    severity: "high",
    tags: ["attack"],
    ...spec,
  });
const score = (bucket: object = {}, spec: object = {}) =>
  ruleOf("score", {
    match: {},
    bucket: { kind: "score", of: ["attack"], rules: 2, perRule: 2, count: 12, window: "10m", ...bucket },
    ...spec,
  });
const RULES = [attack("a", "/a"), attack("b", "/b"), attack("c", "/c", { severity: "medium" })];

const requests = (...paths: string[]) => paths.map((path, n) => access("192.0.2.7", n, { path }));
const found = (rules: readonly CompiledRule[], events: readonly LogEvent[]) =>
  new Evaluator(rules).evaluate(events).filter(({ rule }) => rule === "score");

describe("a score", () => {
  test("fires when hits of several rules have enough points, and says whose", () => {
    const rules = [...RULES, score()];
    expect(found(rules, requests("/a", "/b", "/c", "/c"))).toEqual([]);
    const [finding, ...others] = found(rules, requests("/a", "/b", "/c", "/c", "/a"));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      subject: "192.0.2.7",
      title: "score (a 8, b 4, c 2)",
      count: 14,
      evidence: ["/a", "/b", "/c", "/c", "/a"].map((path, second) => `192.0.2.7 at ${second} ${path}`),
    });
  });

  test("counts so many hits of one rule, and needs so many rules", () => {
    expect(found([...RULES, score()], requests("/a", "/a", "/a"))).toEqual([]);
    expect(found([...RULES, score()], requests("/a", "/a", "/a", "/c", "/c"))).toEqual([]);
    expect(found([...RULES, score({ rules: 3 })], requests("/a", "/b", "/a", "/b"))).toEqual([]);
    expect(found([...RULES, score({ perRule: 3, rules: 1 })], requests("/a", "/a", "/a"))).toHaveLength(1);
  });

  test("counts a request once, for the gravest rule that it is a hit of", () => {
    const both = attack("both", "/", { severity: "critical" });
    const rules = [...RULES, both, score({ rules: 1 })];
    expect(found(rules, requests("/a", "/x"))).toMatchObject([{ title: "score (both 12)" }]);
  });

  test("forgets what has left its window", () => {
    const events = ["/a", "/b", "/a"].map((path, n) => access("192.0.2.7", n * 301, { path }));
    expect(found([...RULES, score()], events)).toEqual([]);
  });

  test("of one client is not another's", () => {
    const events = ["/a", "/b", "/a"].map((path, n) => access(`192.0.2.${n}`, n, { path }));
    expect(found([...RULES, score()], events)).toEqual([]);
  });

  test("counts nothing of a rule that has fired itself", () => {
    const trigger = attack("a", "/a", { bucket: { kind: "threshold", count: 2, window: "10m" } });
    const rules = [trigger, attack("b", "/b"), score()];
    const events = requests("/a", "/b", "/a", "/b");
    expect(new Evaluator(rules).evaluate(events).map(({ rule }) => rule)).toEqual(["a"]);
    expect(found([attack("a", "/a"), attack("b", "/b"), score()], events)).toHaveLength(1);
  });

  test.each([
    ["without the tag", { tags: ["flood"] }],
    ["in observe mode", { mode: "observe" }],
    ["that only reports", { ban: "none" }],
    ["with `unless`", { unless: { match: { status: 302 }, count: 1, window: "10m" } }],
    ["on other subjects", { subject: "prefix" }],
  ])("does not sum a rule %s", (_which, spec) => {
    const events = requests("/a", "/b", "/a");
    expect(found([attack("a", "/a"), attack("b", "/b"), score()], events)).toHaveLength(1);
    expect(found([attack("a", "/a", spec), attack("b", "/b"), score()], events)).toEqual([]);
  });

  test("looks only at events that it matches itself, as rules.d may say", () => {
    const elsewhere = score({}, { match: { not: { path: { prefix: "/a" } } } });
    expect(found([...RULES, elsewhere], requests("/a", "/b", "/a", "/b"))).toEqual([]);
  });

  test("leaves alone what a ban refused", () => {
    const refused = requests("/a", "/b", "/a").map((event) => ({ ...event, refused: true }));
    expect(found([...RULES, score()], refused)).toEqual([]);
  });

  test("is forgotten with the ban that a person lifted", () => {
    const evaluator = new Evaluator([...RULES, score()]);
    const [first, second, third] = requests("/a", "/b", "/a");
    evaluator.evaluate([first!, second!]);
    evaluator.forget("192.0.2.7/32" as never);
    expect(evaluator.evaluate([third!])).toEqual([]);
  });

  test("does not go with `unless`", () => {
    expect(() => score({}, { unless: { match: {}, count: 1, window: "1m" } })).toThrow(/does not go with/);
  });

  test("of what one app reports is not completed by another, nor by what it may not ban for", () => {
    const reported = (id: string, name: string) => attack(id, "", { events: "audit", match: { name } });
    const rules = [
      reported("a", "input.rejected"),
      reported("b", "auth.failed"),
      score({}, { events: "audit" }),
    ];
    const report = (n: number, source: number) => ({
      ...audit("192.0.2.7", n, n % 2 === 0 ? "input.rejected" : "auth.failed"),
      source,
    });
    const of = (trustOf: typeof unlimited, events: readonly LogEvent[]) =>
      new Evaluator(rules, trustOf).evaluate(events).filter(({ rule }) => rule === "score");
    expect(
      of(
        unlimited,
        [0, 1, 2].map((n) => report(n, 5)),
      ),
    ).toHaveLength(1);
    expect(of(unlimited, [report(0, 5), report(1, 6), report(2, 5)])).toEqual([]);
    const limited = () => ({ name: "app", mayBan: ["input.rejected"], maxBanShare: 1, bansAlways: 9 });
    expect(
      of(
        limited,
        [0, 1, 2].map((n) => report(n, 5)),
      ),
    ).toEqual([]);
  });
});

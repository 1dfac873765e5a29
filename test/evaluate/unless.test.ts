import { expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { access } from "./events.ts";
import { ruleOf } from "./rules.ts";

const evaluatorWith = (unless: object) =>
  new Evaluator([
    ruleOf("r", {
      match: { status: 401 },
      unless,
      bucket: { kind: "threshold", count: 5, window: "1m" },
    }),
  ]);
const answers = (client: string, ...statuses: number[]) =>
  statuses.map((status, second) => access(client, second, { status }));
const LOGINS = { match: { status: 302 }, count: 2, window: "5m" };
const SHARE = { match: { status: 200 }, share: 0.5, window: "5m" };

test("as many good events as are asked for spare a subject, one fewer does not", () => {
  const few = answers("192.0.2.7", 302, 401, 401, 401, 401, 401);
  expect(evaluatorWith(LOGINS).evaluate(few)).toMatchObject([{ count: 5 }]);
  const office = answers("192.0.2.7", 302, 401, 401, 302, 401, 401, 401, 401, 401);
  expect(evaluatorWith(LOGINS).evaluate(office)).toEqual([]);
});

test("a share of good events spares a subject", () => {
  const half = answers("192.0.2.7", 200, 401, 200, 401, 200, 401, 200, 401, 200, 401, 401);
  expect(evaluatorWith(SHARE).evaluate(half.slice(0, 10))).toEqual([]);
  expect(evaluatorWith(SHARE).evaluate(half)).toHaveLength(1);
});

test("the good events of one subject spare no other, and none for longer than the window", () => {
  const good = answers("192.0.2.8", 302, 302, 302);
  const bad = answers("192.0.2.7", 401, 401, 401, 401, 401);
  expect(evaluatorWith(LOGINS).evaluate([...good, ...bad])).toHaveLength(1);
  const later = [0, 1, 2, 3, 4].map((second) => access("192.0.2.8", 400 + second, { status: 401 }));
  expect(evaluatorWith(LOGINS).evaluate([...good, ...later])).toHaveLength(1);
});

test("a good event is no hit", () => {
  expect(evaluatorWith(LOGINS).matching(access("192.0.2.7", 0, { status: 302 }))).toEqual([]);
});

test("what spares must have a number", () => {
  expect(() => evaluatorWith({ match: { status: 200 }, window: "5m" })).toThrow(
    /write count, share, or both/,
  );
});

test("where it counts only after a hit, what was good before it spares nobody, and what is good within the window after it does", () => {
  const afterHit = { ...SHARE, afterHit: true };
  const before = answers("192.0.2.7", 200, 200, 200, 200, 200, 200, 401, 401, 401, 401, 401);
  expect(evaluatorWith(SHARE).evaluate(before)).toEqual([]);
  expect(evaluatorWith(afterHit).evaluate(before)).toMatchObject([{ count: 5 }]);
  const between = answers("192.0.2.7", 401, 200, 200, 200, 200, 200, 401, 401, 401, 401);
  expect(evaluatorWith(afterHit).evaluate(between)).toEqual([]);
  const long = [401, 200, 200, 200, 200, 200].map((status, index) =>
    access("192.0.2.7", index === 0 ? 0 : 290 + index * 9, { status }),
  );
  const then = [0, 1, 2, 3].map((second) => access("192.0.2.7", 340 + second, { status: 401 }));
  const fifth = access("192.0.2.7", 345, { status: 401 });
  expect(evaluatorWith(afterHit).evaluate([...long, ...then, fifth])).toHaveLength(1);
});

test("where it counts only after a hit, whoever has none is not kept", () => {
  const visitor = answers("192.0.2.9", 200, 200, 200);
  const evaluator = evaluatorWith({ ...SHARE, afterHit: true });
  evaluator.evaluate(visitor);
  expect(evaluator.counting.subjects).toBe(0);
});

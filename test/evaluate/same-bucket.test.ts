import { expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { access } from "./events.ts";
import { ruleOf } from "./rules.ts";

const evaluatorWith = (bucket: object) => new Evaluator([ruleOf("r", { bucket })]);
const denied = (client: string, second: number, path: string, query: string | null = null) =>
  access(client, second, { status: 403, path, query });
const PATHS = Array.from({ length: 40 }, (_, each) => `/${each}`);

test("the same value again and again fires, as many hits spread over others do not", () => {
  const bucket = { kind: "threshold", count: 3, window: "1m", same: "path" };
  const spread = [0, 1].flatMap((round) =>
    PATHS.slice(0, 32).map((path, each) => denied("192.0.2.7", 10 * round + each * 0.1, path)),
  );
  expect(evaluatorWith(bucket).evaluate(spread)).toEqual([]);
  const found = evaluatorWith(bucket).evaluate([...spread, denied("192.0.2.7", 15, "/7")]);
  expect(found).toMatchObject([{ subject: "192.0.2.7", count: 3 }]);
  expect(found[0]!.evidence).toHaveLength(3);
});

test("clients do not add to each other's values, nor hits from before the window", () => {
  const bucket = { kind: "threshold", count: 3, window: "1m", same: "path" };
  const hits = ["192.0.2.7", "192.0.2.8", "192.0.2.7"].map((client, second) => denied(client, second, "/a"));
  expect(evaluatorWith(bucket).evaluate([...hits, denied("192.0.2.7", 61, "/a")])).toEqual([]);
  expect(evaluatorWith(bucket).evaluate([...hits, denied("192.0.2.7", 59, "/a")])).toHaveLength(1);
});

test("of one client 32 values are counted at a time, and the longest unseen gives way", () => {
  const bucket = { kind: "threshold", count: 3, window: "10m", same: "path" };
  const twice = [0, 1].map((second) => denied("192.0.2.7", second, "/0"));
  const others = (count: number) =>
    PATHS.slice(1, 1 + count).map((path, each) => denied("192.0.2.7", 2 + each, path));
  const last = denied("192.0.2.7", 100, "/0");
  expect(evaluatorWith(bucket).evaluate([...twice, ...others(31), last])).toHaveLength(1);
  expect(evaluatorWith(bucket).evaluate([...twice, ...others(32), last])).toEqual([]);
});

test("different values of a field are counted for each value of another", () => {
  const bucket = { kind: "distinct", of: "query", count: 3, window: "1m", same: "path" };
  const one = ["a=1", "a=2", "a=2"].map((query, second) => denied("192.0.2.7", second, "/a", query));
  expect(evaluatorWith(bucket).evaluate([...one, denied("192.0.2.7", 5, "/b", "a=3")])).toEqual([]);
  expect(evaluatorWith(bucket).evaluate([...one, denied("192.0.2.7", 5, "/a", "a=3")])).toHaveLength(1);
});

test("a bucket that has fired begins anew", () => {
  const bucket = { kind: "threshold", count: 3, window: "1m", same: "path" };
  const evaluator = new Evaluator([ruleOf("r", { bucket, cooldown: "1s" })]);
  const hits = (from: number) => [0, 1, 2].map((second) => denied("192.0.2.7", from + second, "/a"));
  expect(evaluator.evaluate([...hits(0), ...hits(10)])).toHaveLength(2);
});

test("a field that the events do not have is an error", () => {
  const bucket = { kind: "threshold", count: 3, window: "1m", same: "code" };
  expect(() => evaluatorWith(bucket)).toThrow(/events of kind access have no field 'code'/);
});

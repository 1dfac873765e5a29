import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { leastAsked, NOTHING_KNOWN, residual, soughtBy } from "../../src/evaluate/known.ts";
import type { MatcherSpec } from "../../src/evaluate/rule-schema.ts";
import type { AccessEvent } from "../../src/model/event.ts";
import { access } from "./events.ts";
import { ruleSpec } from "./rules.ts";

const noSite = { origins: new Set<string>() };

/** On all that is known of an event, on texts in it, and on neither. */
const CONDITIONS: readonly MatcherSpec[] = [
  { status: 200 },
  { status: [403, 404] },
  { status: { atLeast: 400 } },
  { method: "PURGE" },
  { method: ["GET", "POST"] },
  { handshake: true },
  { handshake: false },
  { query: { missing: true } },
  { query: { missing: false } },
  { query: { contains: "select" } },
  { user: { missing: true } },
  { user: { missing: false } },
  { user: "anna" },
  { bytes: { atLeast: 500 } },
  { bytes: { atLeast: 2_000 } },
  { bytes: { atMost: 1_000 } },
  { durationUs: { atLeast: 0 } },
  { durationUs: { atLeast: 9, atMost: 90 } },
  { path: { prefix: "/" } },
  { path: { prefix: "/admin" } },
  { path: { contains: "passwd" } },
  { path: { suffix: ".php" } },
  { userAgent: { contains: ["scanner", "crawler"] } },
  { userAgent: { missing: true } },
];
const condition = fc.constantFrom(...CONDITIONS);
const spec: fc.Arbitrary<MatcherSpec> = fc.letrec<{ node: MatcherSpec }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    condition,
    fc.record({ any: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ all: fc.array(tie("node"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: tie("node") }),
    fc.tuple(condition, fc.record({ not: tie("node") })).map(([one, other]) => ({ ...one, ...other })),
  ),
})).node;
const event: fc.Arbitrary<AccessEvent> = fc
  .record({
    status: fc.constantFrom(101, 200, 403, 404),
    method: fc.constantFrom("GET", "POST", "HEAD", "PURGE", null),
    query: fc.constantFrom(null, "", "a=1", "q=union select"),
    user: fc.constantFrom(null, undefined, "anna"),
    bytes: fc.constantFrom(null, 0, 700, 5_000),
    durationUs: fc.constantFrom(undefined, 0, 50),
    path: fc.constantFrom("/", "/admin/x.php", "/etc/passwd", "*", "http://other.example/"),
    userAgent: fc.constantFrom(null, "browser", "a crawler"),
    upgrade: fc.constantFrom(undefined, "websocket"),
  })
  .map((fields) => access("203.0.113.1", 0, fields as Partial<AccessEvent>));

describe("the rules that are asked about an event", () => {
  test("are all that match it, chosen by what is known of it or not", () => {
    fc.assert(
      fc.property(
        fc.array(spec, { minLength: 1, maxLength: 6 }),
        fc.array(event, { minLength: 1, maxLength: 6 }),
        (matches, events) => {
          const rules = compileRules(
            matches.map((match, index) => ({ id: `rule-${index}`, spec: ruleSpec("r", { match }) })),
            noSite,
          );
          const evaluator = new Evaluator(rules);
          for (const each of events) {
            const expected = rules.filter((rule) => rule.matches(each)).map(({ id }) => id);
            expect(evaluator.matching(each)).toEqual(expected);
          }
        },
      ),
    );
  });

  test("are all that match it when there are more kinds of events than choices are remembered for", () => {
    const matches: MatcherSpec[] = [
      { status: { atLeast: 400 } },
      { query: { contains: "select" } },
      { user: "anna" },
    ];
    const rules = compileRules(
      matches.map((match, index) => ({ id: `rule-${index}`, spec: ruleSpec("r", { match }) })),
      noSite,
    );
    const evaluator = new Evaluator(rules);
    for (let status = 100; status < 1_100; status++) {
      for (const user of [null, "anna"]) {
        const each = access("203.0.113.1", 0, { status, user, query: status % 2 === 0 ? "q=select" : null });
        expect(evaluator.matching(each)).toEqual(
          rules.filter((rule) => rule.matches(each)).map(({ id }) => id),
        );
      }
    }
  });

  test("are not those that ask for another status, method or kind, or for what it lacks", () => {
    const known = {
      ...NOTHING_KNOWN,
      status: 200,
      handshake: false,
      method: "GET",
      lacks: new Set(["user"] as const),
    };
    const canMatch = (match: MatcherSpec) => residual(match, known) !== null;
    expect(canMatch({ status: [403, 404], target: { contains: "/.env" } })).toBe(false);
    expect(canMatch({ method: ["POST", "PURGE"] })).toBe(false);
    expect(canMatch({ handshake: true })).toBe(false);
    expect(canMatch({ user: { missing: false } })).toBe(false);
    expect(canMatch({ user: { missing: true }, status: 200 })).toBe(true);
    expect(residual({ any: [{ status: 404 }, { path: "/x" }] }, known)).toEqual({ any: [{ path: "/x" }] });
  });

  test("are not those for other paths than such as begin with a slash, where its path does", () => {
    const proxied = { not: { path: { prefix: "/" } }, method: "CONNECT" };
    expect(residual(proxied, { ...NOTHING_KNOWN, rooted: true })).toBeNull();
    expect(residual(proxied, NOTHING_KNOWN)).toEqual(proxied);
    const narrower = { not: { path: { prefix: "/", suffix: ".php" } } };
    expect(residual(narrower, { ...NOTHING_KNOWN, rooted: true })).toEqual(narrower);
  });

  test("are not those for requests without a Referer, where it has one", () => {
    const unreferred = { referer: { missing: true }, status: 200 };
    expect(residual(unreferred, { ...NOTHING_KNOWN, referred: true })).toBeNull();
    expect(residual(unreferred, NOTHING_KNOWN)).toEqual(unreferred);
    const referred = { referer: { missing: false } };
    expect(residual(referred, { ...NOTHING_KNOWN, referred: true })).toEqual(referred);
    expect(residual(referred, { ...NOTHING_KNOWN, referred: false })).toBeNull();
    expect(residual(unreferred, { ...NOTHING_KNOWN, referred: false })).toEqual(unreferred);
  });
});

describe("what is sought", () => {
  test("is of alternatives one each, and nothing where one of them needs no text", () => {
    const texts = [{ path: { contains: "passwd" } }, { query: { contains: "select" } }];
    expect(soughtBy({ any: texts })?.map(({ field }) => field)).toEqual(["path", "query"]);
    expect(soughtBy({ any: [...texts, { status: 404 }] })).toBeNull();
  });
});

test("of a number the least that is asked at any depth is found", () => {
  const deep = { any: [{ all: [{ bytes: { atLeast: 70 } }] }, { not: { bytes: { atLeast: 50 } } }] };
  expect(leastAsked("bytes", [{ bytes: { atLeast: 90 } }, deep, { bytes: { atMost: 1 } }])).toBe(50);
  expect(leastAsked("bytes", [{ status: 200 }])).toBe(Number.POSITIVE_INFINITY);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRule, compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { type NamedRule, ruleSchema } from "../../src/evaluate/rule-schema.ts";
import { access, audit, errorEvent, opening } from "./events.ts";

const named = (match: unknown, events = "access", id = "r"): NamedRule => ({
  id,
  spec: ruleSchema.parse({
    title: { en: "r", ja: "r" },
    detects: "r",
    why: "r",
    severity: "low",
    events,
    match,
    bucket: { kind: "threshold", count: 1, window: "1m" },
  }),
});
const compiled = (match: unknown, events?: string) =>
  compileRule(named(match, events), { origins: new Set<string>() });
const matcher = (match: unknown, events?: string) => compiled(match, events).matches;
const asking = (path: string, query: string | null = null) => access("203.0.113.1", 0, { path, query });

describe("decoded texts", () => {
  const traversal = matcher({ target: { contains: "../", decode: true } });

  test("are compared only where a condition says so", () => {
    expect(traversal(asking("/%2e%2e/x"))).toBe(true);
    expect(traversal(asking("/x", "f=..%255cetc"))).toBe(true);
    expect(matcher({ target: { contains: "../" } })(asking("/%2e%2e/x"))).toBe(false);
    expect(matcher({ path: { prefix: "/../", decode: true } })(asking("/%2e%2e/x"))).toBe(true);
    expect(matcher({ path: { oneOf: ["/.env"], decode: true } })(asking("/%2eenv"))).toBe(true);
  });

  test("have slashes where literals are written with backslashes", () => {
    expect(matcher({ query: { contains: "..\\", decode: true } })(asking("/", "f=..%5cboot.ini"))).toBe(true);
  });

  test("are found as the plain text is, however it was encoded", () => {
    const literal = fc.string({
      unit: fc.constantFrom("a", ".", "/", "'", "<", " "),
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(literal, fc.integer({ min: 0, max: 3 }), (text, times) => {
        let sent = `a=${text}`;
        for (let time = 0; time < times; time++) sent = encodeURIComponent(sent);
        expect(matcher({ query: { contains: text, decode: true } })(asking("/", sent))).toBe(true);
      }),
    );
  });
});

describe("texts that several rules look for", () => {
  const site = { origins: new Set<string>() };

  test("are told apart by rule, field, case and decoding, one event after the other", () => {
    const rules = compileRules(
      [
        named({ path: { contains: ["/a", "/b"] } }, "access", "plain"),
        named({ path: { contains: "/A", ignoreCase: true } }, "access", "folded"),
        named({ path: { contains: "/b", decode: true } }, "access", "decoded"),
        named({ userAgent: { contains: "/b" } }, "access", "agent"),
      ],
      site,
    );
    const evaluator = new Evaluator(rules);
    const matching = (path: string, userAgent = "x") =>
      evaluator.matching(access("203.0.113.1", 0, { path, userAgent }));
    expect(matching("/a")).toEqual(["plain", "folded"]);
    expect(matching("/A")).toEqual(["folded"]);
    expect(matching("/%62")).toEqual(["decoded"]);
    expect(matching("/c")).toEqual([]);
    expect(matching("/c", "/b")).toEqual(["agent"]);
    expect(matching("/b", "/b")).toEqual(["plain", "decoded", "agent"]);
  });

  test("of error lines and audit events are found too", () => {
    const message = matcher({ message: { contains: "Invalid URI", ignoreCase: true } }, "error");
    expect(message(errorEvent("203.0.113.1", 0, "AH10244", "invalid uri path"))).toBe(true);
    expect(message(errorEvent("203.0.113.1", 0, "AH10244", "else"))).toBe(false);
    expect(matcher({ detail: { contains: "x" } }, "audit")(audit("203.0.113.1", 0, "auth.failed"))).toBe(
      false,
    );
  });

  test("prefixes and suffixes are found as comparing with one after the other finds them", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "B", "b", "/", "é", "日"), maxLength: 8 });
    const literals = fc.array(
      fc.string({ unit: fc.constantFrom("a", "b", "A", "/", "é", "日"), minLength: 1, maxLength: 4 }),
      { minLength: 1, maxLength: 5 },
    );
    const folded = (value: string) => value.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    fc.assert(
      fc.property(literals, text, fc.boolean(), (edges, path, ignoreCase) => {
        const fold = ignoreCase ? folded : (value: string) => value;
        const [prefix, suffix] = [
          matcher({ path: { prefix: edges, ignoreCase } }),
          matcher({ path: { suffix: edges, ignoreCase } }),
        ];
        expect(prefix(asking(path))).toBe(edges.some((edge) => fold(path).startsWith(fold(edge))));
        expect(suffix(asking(path))).toBe(edges.some((edge) => fold(path).endsWith(fold(edge))));
      }),
    );
  });

  test("a hundred prefixes or suffixes are a look-up for each length", () => {
    const many = Array.from({ length: 100 }, (_each, index) => `/dir${index}/`);
    const prefix = matcher({ path: { prefix: many } });
    expect(prefix(asking("/dir99/x"))).toBe(true);
    expect(prefix(asking("/dir100/x"))).toBe(false);
    expect(prefix(asking("/dir9"))).toBe(false);
    const suffix = matcher({ path: { suffix: ["~", ".old", "backup.zip"], ignoreCase: true } });
    expect(suffix(asking("/index.php~"))).toBe(true);
    expect(suffix(asking("/a/BACKUP.ZIP"))).toBe(true);
    expect(suffix(asking("/old"))).toBe(false);
  });
});

describe("a matcher in which no text is found", () => {
  const elsewhere = asking("/elsewhere");

  test.each([
    [{ any: [{ path: { contains: "/a" } }, { status: 200 }] }, true],
    [{ any: [{ path: { contains: "/a" } }, { query: { contains: "b" } }] }, false],
    [{ any: [{ path: { contains: "/a" } }, { all: [{ status: 200 }, { method: "GET" }] }] }, true],
    [{ all: [{ status: 200 }, { path: { contains: "/a" } }] }, false],
    [{ not: { path: { contains: "/a" } } }, true],
    [{ all: [{ not: { path: { contains: "/a" } } }, { path: { contains: "/else" } }] }, true],
    [{ path: { contains: "/else", prefix: "/a" } }, false],
  ])("holds where it can without: %j is %s", (match, expected) => {
    expect(matcher(match)(elsewhere)).toBe(expected);
  });
});

describe("what is not shown or was not sent", () => {
  const unshown = access("203.0.113.1", 0, { referer: undefined });
  const unsent = access("203.0.113.1", 0, { referer: null });

  test.each([
    { contains: "x" },
    { contains: "x", decode: true },
    { matches: "x" },
    { matches: ".*", decode: true },
  ])("meets no condition, not even a negated one when it is not shown: %j", (condition) => {
    expect(matcher({ referer: condition })(unshown)).toBe(false);
    expect(matcher({ referer: condition })(unsent)).toBe(false);
    expect(matcher({ not: { referer: condition } })(unshown)).toBe(false);
    expect(matcher({ not: { referer: condition } })(unsent)).toBe(true);
  });
});

describe("target", () => {
  test("is path and query with the question mark between them", () => {
    const login = matcher({ target: "/login?next=/" });
    expect(login(asking("/login", "next=/"))).toBe(true);
    expect(login(asking("/login"))).toBe(false);
    expect(matcher({ target: { suffix: "?" } })(asking("/login", ""))).toBe(true);
  });

  test("is known when a WebSocket opens, so that a rule on it judges the opening", () => {
    const rule = compiled({ target: { contains: "${jndi", decode: true }, handshake: true });
    expect(rule.atOpening).toBe(true);
    expect(rule.matches(opening("203.0.113.1", 0, { path: "/ws", query: "x=$%7Bjndi:" }))).toBe(true);
    expect(compiled({ referer: { contains: "x", decode: true } }).atOpening).toBe(false);
  });
});

describe("a regular expression", () => {
  test("fits anywhere in the text, over line ends, and beside other conditions", () => {
    const union = matcher({
      query: { contains: "union", matches: "union.+select", decode: true, ignoreCase: true },
    });
    expect(union(asking("/", "id=1%20UNION%0aSELECT"))).toBe(true);
    expect(union(asking("/", "id=1%20UNION"))).toBe(false);
    expect(matcher({ query: { contains: "x", matches: "y" } })(asking("/", "y"))).toBe(false);
  });

  test.each(["(a", "a{2,1}", "(?=a)", "(?<=a)b", "(a)\\1"])(
    "that RE2 does not know is refused: %s",
    (regex) => {
      expect(() => named({ path: { matches: regex } })).toThrow("is no regular expression of RE2");
    },
  );

  test.each([
    ["(a+)+$", "a"],
    ["(a|a)*(a|aa)*b", "a"],
    ["(.*a){12}b", "a"],
    ["(a|b)*a(a|b){14}c", "ab"],
    ["^(([a-z])+.)+[A-Z]([a-z])+$", "a"],
    ["\\s+$", " "],
  ])(
    "%s comes to an end on a text of a million characters, which takes a day where an expression goes back",
    (regex, unit) => {
      const fits = matcher({ query: { matches: regex } });
      expect(fits(asking("/", `${unit.repeat(1_000_000 / unit.length)}!`))).toBe(false);
    },
  );
});

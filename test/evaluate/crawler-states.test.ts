import { describe, expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { CrawlerStates } from "../../src/evaluate/crawler-states.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { parseIp, parseTarget } from "../../src/model/ip.ts";
import { access } from "./events.ts";
import { ruleSpec } from "./rules.ts";

const GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const RANGES = new Map([
  ["google", [parseTarget("192.0.2.0/28")!, parseTarget("2001:db8:66::/64")!]] as const,
]);
const ip = (text: string) => parseIp(text)!;

describe("who calls himself a search engine", () => {
  test("is verified within its ranges, whoever else is asked", () => {
    for (const asks of [true, false]) {
      const states = new CrawlerStates(RANGES, asks);
      expect(states.stateOf(ip("192.0.2.7"), GOOGLEBOT)).toBe("verified");
      expect(states.stateOf(ip("2001:db8:66::7"), GOOGLEBOT.toUpperCase())).toBe("verified");
      expect(states.takeAsked()).toEqual([]);
    }
  });

  test("says so at the beginning of a User-Agent, of which no more is remembered than any browser's has", () => {
    const states = new CrawlerStates(RANGES, true);
    expect(states.stateOf(ip("192.0.2.7"), `${GOOGLEBOT} ${"x".repeat(8_000)}`)).toBe("verified");
    expect(states.stateOf(ip("192.0.2.7"), `${"x".repeat(8_000)} ${GOOGLEBOT}`)).toBeNull();
  });

  test("is unverified beyond them until DNS has answered, and asked for once", () => {
    const states = new CrawlerStates(RANGES, true);
    const state = () => states.stateOf(ip("203.0.113.7"), GOOGLEBOT);
    const claim = { client: "203.0.113.7", crawler: "google" } as never;
    expect([state(), state()]).toEqual(["unverified", "unverified"]);
    expect(states.takeAsked()).toEqual([claim]);
    expect(state()).toBe("unverified");
    expect(states.takeAsked()).toEqual([]);
    states.noteVerdicts([{ ...(claim as object), isGenuine: null } as never]);
    expect(state()).toBe("unverified");
    expect(states.takeAsked()).toEqual([claim]);
    states.noteVerdicts([{ ...(claim as object), isGenuine: false } as never]);
    expect(state()).toBe("disproved");
    states.setRanges(new Map([["google", [parseTarget("203.0.113.0/24")!]]]));
    expect(state()).toBe("verified");
  });

  test("is judged by ranges alone where nobody can be asked, and left open where there are none", () => {
    expect(new CrawlerStates(RANGES, false).stateOf(ip("203.0.113.7"), GOOGLEBOT)).toBe("disproved");
    expect(new CrawlerStates(new Map(), false).stateOf(ip("203.0.113.7"), GOOGLEBOT)).toBe("unverified");
    const duck = new CrawlerStates(new Map([["duckduckgo", [parseTarget("192.0.2.0/28")!]]]), true);
    expect(duck.stateOf(ip("203.0.113.7"), "DuckDuckBot/1.1")).toBe("disproved");
  });

  test("is none of those who call themselves otherwise", () => {
    const states = new CrawlerStates(RANGES, true);
    expect(states.stateOf(ip("203.0.113.7"), "Mozilla/5.0 (X11; Linux x86_64)")).toBeNull();
    expect(states.takeAsked()).toEqual([]);
  });

  test("however many do, so many are asked for at a time", () => {
    const states = new CrawlerStates(RANGES, true);
    for (let n = 0; n < 5_000; n++) states.stateOf(ip(`10.0.${n >> 8}.${n & 255}`), GOOGLEBOT);
    expect(states.takeAsked()).toHaveLength(1_000);
  });
});

test("rules spare the verified, wait with the unverified, and find the disproved", () => {
  const crawlers = new CrawlerStates(RANGES, true);
  const specs = {
    lenient: { match: { status: 404, not: { crawler: ["verified", "unverified"] } } },
    strict: { match: { path: "/.env" } },
    fake: { match: { crawler: "disproved" } },
  };
  const rules = Object.entries(specs).map(([id, spec]) => ({
    id,
    spec: ruleSpec(id, { ...spec, bucket: { kind: "threshold", count: 2, window: "1m" } }),
  }));
  const evaluator = new Evaluator(compileRules(rules, { origins: new Set(), crawlers }));
  const found = (client: string, userAgent: string | null | undefined, path = "/x") =>
    evaluator
      .evaluate([0, 1].map((second) => access(client, second, { status: 404, userAgent, path })))
      .map(({ rule }) => rule);
  expect(found("192.0.2.7", GOOGLEBOT)).toEqual([]);
  expect(found("203.0.113.7", GOOGLEBOT)).toEqual([]);
  expect(found("203.0.113.7", GOOGLEBOT, "/.env")).toEqual(["strict"]);
  expect(found("203.0.113.8", "Firefox")).toEqual(["lenient"]);
  expect(found("203.0.113.9", null)).toEqual(["lenient"]);
  expect(found("203.0.113.10", undefined)).toEqual([]);
  const claims = crawlers.takeAsked();
  crawlers.noteVerdicts(claims.map((claim) => ({ ...claim, isGenuine: false })));
  expect(found("203.0.113.7", GOOGLEBOT)).toEqual(["lenient", "fake"]);
});

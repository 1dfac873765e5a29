import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { unixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";
import { readRuleSet } from "../../src/setup.ts";
import { generateLog } from "../bench/generate-log.ts";
import { INNOCENT, linesOf } from "./crowd.ts";

/** A busy machine needs longer than the ten seconds that tests have by default. */
const MINUTE = 60_000;

/** What the generator's attackers ask for and call themselves; nobody else of its clients does. */
const ATTACKER =
  /zgrab|Nikto|sqlmap|"curl\/|"-" "-"$|\.env|\.git|\.aws|wp-login|xmlrpc|phpmyadmin|phpunit|cgi-bin|union|%3Cscript|etc\/passwd|jndi|server-status|actuator|boaform|\/shell|\/backup\d/i;

test(
  "in a shop's day the shipped rules on attacks and probing find scanners and nobody else",
  () => {
    const rules = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules.filter(({ spec }) =>
      ["attack", "probing", "behaviour"].some((tag) => spec.tags.includes(tag)),
    );
    const evaluator = new Evaluator(compileRules(rules, { origins: new Set() }));
    const parser = createParser("access", "combined", "UTC");
    const now = unixMs(Date.UTC(2026, 10, 22));
    const attackers = new Set<string>();
    const found = new Set<string>();
    for (const piece of generateLog({ lines: 100_000, clients: 17_500, seed: 2, format: "combined" })) {
      const lines = piece.split("\n").filter((line) => line !== "");
      for (const line of lines) if (ATTACKER.test(line)) attackers.add(line.slice(0, line.indexOf(" ")));
      const findings = evaluator.evaluate(lines.map((line) => parser.parse(line, 1, now)));
      for (const { evidence } of findings) found.add(evidence[0]!.slice(0, evidence[0]!.indexOf(" ")));
    }
    expect(found.size).toBeGreaterThan(50);
    expect([...found].filter((client) => !attackers.has(client))).toEqual([]);
  },
  MINUTE,
);

describe("nobody is banned who looks like an attacker and is none", () => {
  const rules = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
  const evaluator = new Evaluator(compileRules(rules, { origins: new Set() }));
  const parser = createParser("access", "combined", "UTC");
  const now = unixMs(Date.UTC(2026, 10, 22));

  test.each([...linesOf(INNOCENT, 1)])("%s", (_, lines) => {
    const findings = evaluator.evaluate(lines.map(({ text }) => parser.parse(text, 1, now)));
    const bans = findings.filter(({ ban }) => ban !== null && ban !== "observe");
    expect(bans.map(({ rule, evidence }) => [rule, evidence[0]])).toEqual([]);
  });
});

test("searches, names, templates and addresses that look like attacks, one from each client, lead to no finding", () => {
  const rules = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
  const evaluator = new Evaluator(compileRules(rules, { origins: new Set() }));
  const parser = createParser("access", "combined", "UTC");
  const log = readFileSync(join(import.meta.dirname, "look-alikes.log"), "latin1");
  const events = log
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => parser.parse(line, 1, unixMs(Date.UTC(2026, 10, 22))));
  expect(events.length).toBeGreaterThan(280);
  expect(events.filter(({ kind }) => kind !== "access")).toEqual([]);
  expect(evaluator.evaluate(events).map(({ rule, evidence }) => [rule, evidence[0]])).toEqual([]);
});

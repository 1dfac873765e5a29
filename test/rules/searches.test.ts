import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { createParser } from "../../src/parse/formats.ts";
import { readRuleSet } from "../../src/setup.ts";

const RULES = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
const ATTACKS = compileRules(RULES, { origins: new Set() }).filter(
  ({ spec }) => spec.bucket.kind === "trigger" && spec.tags.includes("attack"),
);
const PARSER = createParser("access", "combined", "UTC");
const SITE = "https://www.site.example";
const SEARCH = /"GET (\/\S*[?&](?:q|s|query|search|keywords|text|title)=\S*) HTTP/;

const firedBy = (target: string, referer: string): string[] => {
  const line = `192.0.2.1 - - [20/Nov/2026:12:00:00 +0000] "GET ${target} HTTP/1.1" 200 512 "${referer}" "Mozilla/5.0"`;
  const event = PARSER.parse(line, 1, 0 as never);
  return ATTACKS.filter(({ matches }) => matches(event)).map(({ id }) => id);
};

/** The searches of all quiet logs, as an address says them and as a browser sends a form. */
function searches(): Set<string> {
  const found = new Set<string>();
  for (const rule of readdirSync(import.meta.dirname)) {
    const log = join(import.meta.dirname, rule, "quiet.log");
    if (!existsSync(log)) continue;
    for (const line of readFileSync(log, "latin1").split("\n")) {
      const target = SEARCH.exec(line)?.[1];
      if (target === undefined || !URL.canParse(target, SITE)) continue;
      const { pathname, search } = new URL(target, SITE);
      found.add(`${pathname}${search}`).add(`${pathname}?${new URLSearchParams(search)}`);
    }
  }
  return found;
}

test("a search that is no attack is none as the Referer of what its page brings along", () => {
  const innocent = [...searches()].filter((target) => firedBy(target, "-").length === 0);
  expect(innocent.length).toBeGreaterThan(300);
  expect(innocent.filter((target) => firedBy("/site.css", `${SITE}${target}`).length > 0)).toEqual([]);
});

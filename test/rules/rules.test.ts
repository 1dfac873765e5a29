import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Protected } from "../../src/decide/protected.ts";
import { compileRule } from "../../src/evaluate/compile-rule.ts";
import { parseTarget } from "../../src/model/ip.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { replay } from "../../src/replay/replay.ts";
import { readRuleSet } from "../../src/setup.ts";

const HOUR = 3_600_000 as DurationMs;
const RULES = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;

/** A score is of hits of other rules, and some count only while another does. */
function withOthers(rule: (typeof RULES)[number]) {
  if (rule.spec.bucket.kind === "score") return RULES;
  return RULES.filter(({ id }) => id === rule.id || id === rule.spec.while?.rule);
}

async function findingsIn(folder: string, log: string, rule: (typeof RULES)[number]) {
  const {
    verdict: { findings },
    events,
  } = await replay({
    files: [join(folder, log)],
    rules: withOthers(rule),
    origins: [],
    crawlers: new Map([
      ["google", ["198.51.100.0/24", "2001:db8:66::/48"].map((text) => parseTarget(text)!)],
    ]),
    policy: { ban: HOUR, factor: 2, max: HOUR, memory: HOUR },
    protectedTargets: Protected.nobody,
    format: null,
    timezone: "UTC",
    trustedProxies: [],
    onProgress: () => {},
  });
  expect(events.unparsed, `unparsed lines in ${log}`).toBe(0);
  return findings.filter((finding) => finding.rule === rule.id);
}

describe.each(RULES)("rule $id", (rule) => {
  const folder = join(import.meta.dirname, rule.id);

  test("fires on the lines that it is for, for IPv4 and IPv6", async () => {
    expect(existsSync(folder), `write test/rules/${rule.id}/: fires.log, quiet.log and expected.json`).toBe(
      true,
    );
    const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")) as unknown[];
    expect(expected.length).toBeGreaterThan(0);
    const findings = await findingsIn(folder, "fires.log", rule);
    expect(findings.map(({ subject, count }) => ({ subject, count }))).toEqual(expected);
    for (const finding of findings) expect(finding.evidence.length).toBeGreaterThan(0);
  });

  test("is quiet on what looks alike and is not it", async () => {
    expect(await findingsIn(folder, "quiet.log", rule)).toEqual([]);
  });

  test("says what it detects, why, and whom it may hit by mistake, in both languages", () => {
    const { title, detects, why, falsePositives } = rule.spec;
    for (const text of [title.en, title.ja, detects, why, ...falsePositives])
      expect(text.length).toBeGreaterThan(3);
    expect(title.ja).toMatch(/[\u3040-\u30ff\u4e00-\u9fff]/);
    expect(falsePositives.length).toBeGreaterThan(0);
    expect(() => compileRule(rule, { origins: new Set() })).not.toThrow();
  });
});

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRuleSet } from "../../src/config/load-rules.ts";
import { linesOf } from "../../src/demo/log-lines.ts";
import { DEMO_ORIGINS } from "../../src/demo/sample-attack.ts";
import { SCENES } from "../../src/demo/scenes.ts";
import { timeline } from "../../src/demo/timeline.ts";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { parseIp, subjectOf } from "../../src/model/ip.ts";
import { unixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";

const START = Date.UTC(2026, 10, 20, 12);
const HALF_HOUR = 1_800_000;
const rules = loadRuleSet(join(import.meta.dirname, "../../rules")).rules;
const parsers = {
  access: createParser("access", "sekisho", "UTC"),
  error: createParser("error", "auto", "UTC"),
  audit: createParser("audit", "auto", "UTC"),
};

/** The demo as the shipped rules see it. */
function play() {
  const evaluator = new Evaluator(compileRules(rules, { origins: new Set(DEMO_ORIGINS) }));
  const sockets = new Sockets();
  const events: LogEvent[] = [];
  const found: { at: number; rule: string; subject: string }[] = [];
  const opening = new Set<string>();
  const visitors = new Set<string>();
  for (const beat of timeline()) {
    if (beat.at >= HALF_HOUR) break;
    const now = unixMs(START + beat.at);
    const ours = linesOf(beat, now).map(([log, line]) => parsers[log].parse(line, 1, now));
    events.push(...ours);
    sockets.follow(ours);
    found.push(...evaluator.evaluate(ours).map(({ rule, subject }) => ({ at: beat.at, rule, subject })));
    const subject = subjectOf(parseIp(beat.client)!);
    if (/^(192\.0\.2\.|2001:db8:1:)/.test(beat.client)) visitors.add(subject);
    else if (beat.at < 15_000) opening.add(subject);
  }
  return { events, found, opening, visitors };
}

describe("the sample attack under the shipped rules", () => {
  const { events, found, opening, visitors } = play();

  test("every line parses, with its client and its time", () => {
    expect(events.filter(({ kind }) => kind === "unparsed")).toEqual([]);
    expect(events.filter(({ time }) => time < START || time >= START + HALF_HOUR)).toEqual([]);
    expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(["access", "opening", "error", "audit"]));
  });

  test("the first attacker is found within three seconds and all of them within twelve", () => {
    expect(opening.size).toBe(SCENES.length);
    expect(found[0]!.at).toBeLessThan(3_000);
    const inTime = new Set(found.filter(({ at }) => at < 12_000).map(({ subject }) => subject));
    expect([...opening].filter((subject) => !inTime.has(subject))).toEqual([]);
  });

  test("no visitor is ever found", () => {
    expect(visitors.size).toBe(40);
    expect(found.filter(({ subject }) => visitors.has(subject))).toEqual([]);
  });

  test("new attackers are found as long as it plays", () => {
    const late = found.filter(({ at }) => at > HALF_HOUR - 300_000);
    expect(new Set(late.map(({ subject }) => subject)).size).toBeGreaterThanOrEqual(SCENES.length);
  });
});

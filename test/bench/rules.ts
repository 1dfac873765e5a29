import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { type NamedRule, ruleSchema } from "../../src/evaluate/rule-schema.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { unixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";
import { readRuleSet } from "../../src/setup.ts";
import { type BenchOptions, markdown } from "./measure.ts";
import { Random } from "./random.ts";

const MAX_LINES = 200_000;
/** About as many lines are read at once. */
const BATCH = 2_000;
const MORE_TEXTS = 500;

/** Parsing alone, the shipped rules, and these with many more texts to look for, in one process and in turns. */
export async function rulesBench({ lines, rounds, log }: BenchOptions): Promise<string> {
  const shipped = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
  const ruleSets: readonly (readonly [what: string, rules: readonly NamedRule[]])[] = [
    [`${shipped.length} shipped rules`, shipped],
    [`and ${MORE_TEXTS} more texts in paths and queries`, [...shipped, manyTexts()]],
  ];
  const read = readFileSync(log(), "latin1").split("\n", Math.min(lines, MAX_LINES));
  const parsing: number[] = [];
  const evaluating: number[][] = ruleSets.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const { parsed, evaluated } = oneRound(
      read,
      ruleSets.map(([, rules]) => rules),
    );
    parsing.push(parsed);
    for (const [index, time] of evaluated.entries()) evaluating[index]!.push(time);
  }
  const least = Math.min(...parsing);
  const row = (what: string, times: readonly number[]): string[] => {
    const time = Math.min(...times);
    return [what, ((time / read.length) * 1e6).toFixed(0), (time / least).toFixed(2)];
  };
  return markdown(
    [`${read.length} lines`, "ns a line", "of parsing"],
    [row("parsing", parsing), ...ruleSets.map(([what], index) => row(what, evaluating[index]!))],
  );
}

/** Milliseconds of each. */
function oneRound(lines: readonly string[], ruleSets: readonly (readonly NamedRule[])[]) {
  const parser = createParser("access", "combined", "UTC");
  const now = unixMs(Date.UTC(2026, 10, 22));
  const evaluators = ruleSets.map((rules) => new Evaluator(compileRules(rules, { origins: new Set() })));
  const evaluated = ruleSets.map(() => 0);
  let parsed = 0;
  for (let at = 0, batch = 0; at < lines.length; at += BATCH, batch++) {
    const some = lines.slice(at, at + BATCH);
    let events: LogEvent[] = [];
    parsed += timeOf(() => {
      events = some.map((line) => parser.parse(line, 1, now));
    });
    // Whoever comes first finds the events cold: they take turns.
    for (let turn = 0; turn < evaluators.length; turn++) {
      const index = (turn + batch) % evaluators.length;
      evaluated[index]! += timeOf(() => {
        evaluators[index]!.evaluate(events);
        // As the pipeline does: what is over is let go of.
        evaluators[index]!.forgetOver(events.at(-1)!.time, events.length);
      });
    }
  }
  return { parsed, evaluated };
}

/** Milliseconds of processor time: other work on the machine takes turns with it. */
function timeOf(action: () => void): number {
  const started = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1_000;
}

/** A rule that looks for paths which nobody asks for. */
function manyTexts(): NamedRule {
  const random = new Random(1);
  const text = () =>
    `/${random.below(0x7fff_ffff).toString(36)}-${random.below(0x7fff_ffff).toString(36)}.php`;
  const spec = ruleSchema.parse({
    title: { en: "Many texts", ja: "多数の文字列" },
    detects: "nobody",
    why: "it is a bench",
    severity: "low",
    events: "access",
    match: {
      target: { contains: Array.from({ length: MORE_TEXTS }, text), decode: true, ignoreCase: true },
    },
    bucket: { kind: "trigger" },
  });
  return { id: "many-texts", spec };
}

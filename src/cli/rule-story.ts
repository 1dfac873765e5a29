import { existsSync } from "node:fs";
import { neededIn } from "../evaluate/buckets/bucket-of.ts";
import type { BucketSpec, NamedRule } from "../evaluate/rule-schema.ts";
import type { NearMissItem, RuleChange, RuleCounts, RuleItem, RuleMode } from "../model/rule-status.ts";
import { printable } from "../model/safe-text.ts";
import { ruleChange, ruleItem } from "../rule-items.ts";
import type { Setup } from "../setup.ts";
import type { CliContext } from "./context.ts";
import { runningPid } from "./daemon-file.ts";
import { NEAR_MISS_HEADS, nearMissCells } from "./near-miss-cells.ts";
import { count } from "./output.ts";
import { oneLine, wrapped } from "./prose.ts";
import { indented, table } from "./table.ts";

/** A rule as it is listed. Null is what only a running daemon knows. */
export interface ListedRule extends RuleItem {
  readonly change: RuleChange;
  readonly lastDay: RuleCounts | null;
  readonly nearMisses: readonly NearMissItem[] | null;
}

/** How a site changes a rule, and what has become of that. */
export interface ToldChange extends RuleChange {
  /** What the files say by now and the daemon has not read, as in `observe, 20 in 5m`; null: nothing. */
  readonly waiting: string | null;
  /** The daemon that reads them anew at SIGHUP. */
  readonly pid: number | null;
}

/** The rule as the files have it; undefined where only the daemon still runs it. */
export const configuredRule = ({ rules, off }: Setup, id: string): NamedRule | undefined =>
  [...rules, ...off].find((rule) => rule.id === id);

export function changeOf(setup: Setup, rule: ListedRule): ToldChange {
  const configured = configuredRule(setup, rule.id);
  return {
    ...ruleChange(setup, rule.id, configured?.spec),
    waiting: configured === undefined ? "it is gone" : waitingIn(ruleItem(configured), rule),
    pid: runningPid(setup.config.data),
  };
}

const waitingIn = (file: RuleItem, running: RuleItem): string | null =>
  file.mode === running.mode && file.firesAt === running.firesAt ? null : `${file.mode}, ${file.firesAt}`;

const MODES: Readonly<Record<RuleMode, string>> = {
  enforce: "enforce: it bans",
  observe: "observe: its findings are recorded and ban nobody",
  off: "off: it does not run",
};

/** All that there is to say of a rule, for whoever asks whether it is right. `bucket`: as the files have it. */
export function storyText(
  context: CliContext,
  rule: ListedRule,
  change: ToldChange,
  bucket: BucketSpec | undefined,
): string {
  const { id, title } = rule;
  const counts = bucket === undefined || neededIn(bucket) < Number.POSITIVE_INFINITY;
  return [
    `${id}: ${printable(title.en)} (${printable(title.ja)})\n`,
    table(context, facts(rule, change)),
    paragraphs(rule),
    ...(counts ? [nearMissText(context, rule)] : []),
    changeText(id, change),
  ].join("\n");
}

function facts(rule: ListedRule, { file, changes, changedBy, waiting }: ToldChange): string[][] {
  const { severity, events, subject, firesAt, cooldown, ban, lastDay } = rule;
  const ofDay = lastDay && `${count(lastDay.findings, "finding")}, ${count(lastDay.bans, "ban")}`;
  const changed = changes.length === 0 ? null : `${changes.join("; ")} in ${changedBy}`;
  return [
    ["mode", MODES[rule.mode]],
    ["severity", severity],
    ["looks at", `${events} events; the hits of each ${subject} count by themselves`],
    ["fires at", `${firesAt}; then it is quiet about the same one for ${cooldown}`],
    ["bans", ban === "default" ? "for as long as policy says" : ban === "none" ? "nobody" : `for ${ban}`],
    ["last day", ofDay],
    ["file", file],
    ["changed", changed],
    ["waiting", waiting && `the files say ${waiting}; the daemon reads them at SIGHUP`],
  ].filter((row): row is string[] => row[1] !== null);
}

const shown = (text: string): string => printable(oneLine(text));

function paragraphs({ detects, why, falsePositives, references }: ListedRule): string {
  return [
    ...wrapped("Detects: ", shown(detects), 2),
    ...wrapped("Why: ", shown(why), 2),
    falsePositives.length === 0 ? "May be mistaken: nothing known" : "May be mistaken:",
    ...falsePositives.flatMap((text) => wrapped("  - ", shown(text), 4)),
    ...(references.length === 0 ? [] : wrapped("References: ", shown(references.join(", ")), 2)),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function nearMissText(context: CliContext, { nearMisses }: ListedRule): string {
  if (nearMisses === null) return "Near misses: no daemon answers that would know.\n";
  if (nearMisses.length === 0) return "Near misses: none in the last day.\n";
  const rows = [NEAR_MISS_HEADS, ...nearMisses.map(nearMissCells)];
  return `Near misses of the last day\n${indented(table(context, rows))}`;
}

function changeText(id: string, { file, changedBy, example, pid }: ToldChange): string {
  const read = pid === null ? "then: sekisho check" : `then: sekisho check, and kill -HUP ${pid}`;
  const tryIt = `What it would find in an old log: sekisho replay LOG --rule ${id} --near-misses\n`;
  if (changedBy === null) return `To change it, edit ${printable(file)}; ${read}\n${tryIt}`;
  const verb = existsSync(changedBy) ? "edit" : "write";
  const lines = example.map((line) => `  ${line}\n`).join("");
  return `To change it, ${verb} ${printable(changedBy)}, with what you need of these:\n${lines}${read}\n${tryIt}`;
}

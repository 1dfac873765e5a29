import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { neededIn } from "../evaluate/buckets/bucket-of.ts";
import type { BucketSpec, NamedRule } from "../evaluate/rule-schema.ts";
import type { NearMissItem, RuleCounts, RuleItem, RuleMode } from "../model/rule-status.ts";
import { ruleItem, type Setup } from "../setup.ts";
import { runningPid } from "./client.ts";
import type { CliContext } from "./context.ts";
import { NEAR_MISS_HEADS, nearMissCells } from "./near-miss-cells.ts";
import { count, printable, table } from "./output.ts";

/** A rule as it is listed. Null is what only a running daemon knows. */
export interface ListedRule extends RuleItem {
  readonly lastDay: RuleCounts | null;
  readonly nearMisses: readonly NearMissItem[] | null;
}

/** Where a rule comes from, and how a site changes it. */
export interface RuleChange {
  /** The rule's own file. */
  readonly file: string;
  /** What the site has changed, as in `bucket.count 20, was 10`. */
  readonly changes: readonly string[];
  /** The file in which the site changes it, which need not be there yet; null where that is the rule's own. */
  readonly changedBy: string | null;
  /** Lines for that file. */
  readonly example: readonly string[];
  /** What the files say by now and the daemon has not read, as in `observe, 20 in 5m`; null: nothing. */
  readonly waiting: string | null;
  /** The daemon that reads them anew at SIGHUP. */
  readonly pid: number | null;
}

/** The rule as the files have it; undefined where only the daemon still runs it. */
export const configuredRule = ({ rules, off }: Setup, id: string): NamedRule | undefined =>
  [...rules, ...off].find((rule) => rule.id === id);

export function changeOf(setup: Setup, rule: ListedRule): RuleChange {
  const { id } = rule;
  const site = setup.site.find((each) => each.id === id);
  const configured = configuredRule(setup, id);
  const isOwn = site?.kind === "added";
  const folder = siteFolder(setup);
  return {
    file: isOwn ? site.file : join(setup.rulesFolder, `${id}.yaml`),
    changes: site?.changes ?? [],
    changedBy: isOwn || folder === null ? null : join(folder, `${id}.yaml`),
    example: [
      ...(configured === undefined ? [] : thresholdExample(configured.spec.bucket)),
      "mode: observe                        # it bans nobody; off: it does not run",
      "except: { client: [192.0.2.0/24] }   # not these",
    ],
    waiting: configured === undefined ? "it is gone" : waitingIn(ruleItem(configured), rule),
    pid: runningPid(setup.config.data),
  };
}

const waitingIn = (file: RuleItem, running: RuleItem): string | null =>
  file.mode === running.mode && file.firesAt === running.firesAt ? null : `${file.mode}, ${file.firesAt}`;

/** Null where the site keeps all rules in that folder itself. */
function siteFolder({ file, config: { siteRules, rules } }: Setup): string | null {
  const folder = siteRules ?? join(file === null ? "/etc/sekisho" : dirname(file), "rules.d");
  return folder === rules ? null : folder;
}

/** Twice as much as now. */
function thresholdExample(bucket: BucketSpec): string[] {
  const said = (key: string, now: number): string =>
    `${`bucket: { ${key}: ${now * 2} }`.padEnd(36)} # ${now} now`;
  if (bucket.kind === "trigger" || bucket.kind === "sequence") return [];
  return [bucket.kind === "leaky" ? said("capacity", bucket.capacity) : said("count", bucket.count)];
}

const MODES: Readonly<Record<RuleMode, string>> = {
  enforce: "enforce: it bans",
  observe: "observe: its findings are recorded and ban nobody",
  off: "off: it does not run",
};

/** All that there is to say of a rule, for whoever asks whether it is right. `bucket`: as the files have it. */
export function storyText(
  context: CliContext,
  rule: ListedRule,
  change: RuleChange,
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

function facts(rule: ListedRule, { file, changes, changedBy, waiting }: RuleChange): string[][] {
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

/** A rule's text may be folded over lines in its file. */
const oneLine = (text: string): string => printable(text.trim().replace(/\s+/g, " "));

function paragraphs({ detects, why, falsePositives, references }: ListedRule): string {
  return [
    `Detects: ${oneLine(detects)}`,
    `Why: ${oneLine(why)}`,
    falsePositives.length === 0 ? "May be mistaken: nothing known" : "May be mistaken:",
    ...falsePositives.map((text) => `  - ${oneLine(text)}`),
    ...(references.length === 0 ? [] : [`References: ${oneLine(references.join(", "))}`]),
  ]
    .map((line) => `${line}\n`)
    .join("");
}

function nearMissText(context: CliContext, { nearMisses }: ListedRule): string {
  if (nearMisses === null) return "Near misses: no daemon answers that would know.\n";
  if (nearMisses.length === 0) return "Near misses: none in the last day.\n";
  const rows = [NEAR_MISS_HEADS, ...nearMisses.map(nearMissCells)];
  return `Near misses of the last day\n${table(context, rows).replace(/^(?=.)/gm, "  ")}`;
}

function changeText(id: string, { file, changedBy, example, pid }: RuleChange): string {
  const read = pid === null ? "then: sekisho check" : `then: sekisho check, and kill -HUP ${pid}`;
  const tryIt = `What it would find in an old log: sekisho replay LOG --rule ${id} --near-misses\n`;
  if (changedBy === null) return `To change it, edit ${printable(file)}; ${read}\n${tryIt}`;
  const verb = existsSync(changedBy) ? "edit" : "write";
  const lines = example.map((line) => `  ${line}\n`).join("");
  return `To change it, ${verb} ${printable(changedBy)}, with what you need of these:\n${lines}${read}\n${tryIt}`;
}

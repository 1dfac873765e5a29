/** What is told of a rule: what it says of itself, how the site changes it, and what became of it. */
import { dirname, join } from "node:path";
import { neededIn } from "./evaluate/buckets/bucket-of.ts";
import { firesAt } from "./evaluate/fires-at.ts";
import type { NearMiss } from "./evaluate/near-misses.ts";
import type { BucketSpec, NamedRule } from "./evaluate/rule-schema.ts";
import type { NearMissItem, RuleChange, RuleCounts, RuleItem, RuleStatus } from "./model/rule-status.ts";
import { formatDuration, toIso } from "./model/time.ts";
import type { Setup } from "./setup.ts";

export const ruleItem = ({ id, spec }: NamedRule): RuleItem => {
  const { title, mode, severity, events, subject, detects, why, falsePositives, references, tags } = spec;
  const needed = neededIn(spec.bucket);
  return {
    id,
    title,
    mode,
    severity,
    events,
    subject,
    firesAt: firesAt(spec.bucket),
    needed: needed === Number.POSITIVE_INFINITY ? null : needed,
    cooldown: formatDuration(spec.cooldown),
    ban: typeof spec.ban === "number" ? formatDuration(spec.ban) : spec.ban,
    detects,
    why,
    falsePositives,
    references,
    tags,
  };
};

/** Where a rule is written and how the site changes it. `spec` is absent where the files have it no more. */
export function ruleChange(setup: Setup, id: string, spec: NamedRule["spec"] | undefined): RuleChange {
  const site = setup.site.find((each) => each.id === id);
  const isOwn = site?.kind === "added";
  const folder = siteFolder(setup);
  return {
    file: isOwn ? site.file : join(setup.rulesFolder, `${id}.yaml`),
    changes: site?.changes ?? [],
    changedBy: isOwn || folder === null ? null : join(folder, `${id}.yaml`),
    example: [
      ...(spec === undefined ? [] : thresholdExample(spec.bucket)),
      "mode: observe                        # it bans nobody; off: it does not run",
      "except: { client: [192.0.2.0/24] }   # not these",
    ],
  };
}

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

/** Rules with what became of them, in the order of their ids. */
export const ruleStatuses = (
  setup: Setup,
  counts: ReadonlyMap<string, RuleCounts>,
  nearMisses: ReadonlyMap<string, readonly NearMiss[]>,
): RuleStatus[] =>
  [...setup.rules, ...setup.off]
    .map((rule) => ({
      ...ruleItem(rule),
      change: ruleChange(setup, rule.id, rule.spec),
      lastDay: counts.get(rule.id) ?? { findings: 0, bans: 0 },
      nearMisses: (nearMisses.get(rule.id) ?? []).map(nearMissItem),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

export const nearMissItem = ({ at, ...miss }: NearMiss): NearMissItem => ({ ...miss, at: toIso(at) });

/** What the HTTP interface tells of rules. As in api.ts, fields are added freely, and none is renamed or dropped. */
import type { Mode } from "./api.ts";
import type { SourceKind } from "./event.ts";
import type { Severity } from "./finding.ts";

/** `observe`: its findings ban nobody. `off`: it does not run. */
export type RuleMode = Mode | "off";

/** A rule as it explains itself to whoever asks whether a ban is right. */
export interface RuleItem {
  readonly id: string;
  readonly title: { readonly en: string; readonly ja: string };
  readonly mode: RuleMode;
  readonly severity: Severity;
  /** The kind of event that it looks at. */
  readonly events: SourceKind;
  /** Whose hits are counted together, as its file says it. */
  readonly subject: string;
  /** How many hits are too many, as in `10 in 5m`. */
  readonly firesAt: string;
  /** Hits that make a finding; null where their number does not tell how near one is. */
  readonly needed: number | null;
  /** How long it makes no other finding for the same subject. */
  readonly cooldown: string;
  /** `default`, `none` or a length of time. */
  readonly ban: string;
  readonly detects: string;
  readonly why: string;
  readonly falsePositives: readonly string[];
  readonly references: readonly string[];
  readonly tags: readonly string[];
}

/** What a rule has led to within a day. */
export interface RuleCounts {
  readonly findings: number;
  readonly bans: number;
}

/** A finding of a rule, and the incident that has its evidence. */
export interface RuleFinding {
  readonly id: number;
  readonly incident: number;
  readonly subject: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
  /** Why policy did not ban the subject for it; null when it did not spare it. */
  readonly spared: string | null;
}

/** Somebody who came near a rule's threshold, and of whom it has made no finding within the day. */
export interface NearMissItem {
  readonly subject: string;
  /** The most hits that were counted together, of so many that make a finding. */
  readonly count: number;
  readonly of: number;
  readonly at: string;
}

/** Where a rule is written, and how a site changes it. */
export interface RuleChange {
  /** The rule's own file. */
  readonly file: string;
  /** What the site has changed, as in `bucket.count 20, was 10`. */
  readonly changes: readonly string[];
  /** The file in which the site changes it, which need not be there yet; null where that is the rule's own. */
  readonly changedBy: string | null;
  /** Lines for that file. */
  readonly example: readonly string[];
}

/** A rule and what became of it in the last day. */
export interface RuleStatus extends RuleItem {
  readonly change: RuleChange;
  readonly lastDay: RuleCounts;
  /** The nearest first, up to twenty. */
  readonly nearMisses: readonly NearMissItem[];
}

import { signal } from "@preact/signals";
import type { NearMissItem, RuleMode, RuleStatus } from "../src/model/rule-status.ts";

/** Which rules are shown, as a person chose. Empty: all. */
export const chosen = {
  text: signal(""),
  tag: signal(""),
  severity: signal(""),
  mode: signal<RuleMode | "">(""),
  what: signal<What | "">(""),
};

/** What is special about a rule. */
export const WHATS = {
  found: "with findings",
  near: "with near misses",
  changed: "changed or added here",
} as const;
type What = keyof typeof WHATS;

const HAS: Readonly<Record<What, (rule: RuleStatus) => boolean>> = {
  found: ({ lastDay }) => lastDay.findings > 0,
  near: ({ nearMisses }) => nearMisses.length > 0,
  changed: (rule) => isAdded(rule) || rule.change.changes.length > 0,
};

export const isChoosing = (): boolean => Object.values(chosen).some(({ value }) => value !== "");

export function chooseAll(): void {
  for (const each of Object.values(chosen)) each.value = "";
}

/** Whether the site keeps the rule itself. */
export const isAdded = ({ change }: RuleStatus): boolean => change.changedBy === null;

/** What the person asked for; those that found most within a day stand first, then in the order of their names. */
export function chosenOf(rules: Iterable<RuleStatus>): RuleStatus[] {
  const words = chosen.text.value.toLowerCase().split(/\s+/).filter(Boolean);
  return [...rules]
    .filter((rule) => isChosen(rule) && words.every((word) => textOf(rule).includes(word)))
    .sort((one, other) => other.lastDay.findings - one.lastDay.findings);
}

function isChosen(rule: RuleStatus): boolean {
  const { tag, severity, mode, what } = chosen;
  return (
    (tag.value === "" || rule.tags.includes(tag.value)) &&
    (severity.value === "" || rule.severity === severity.value) &&
    (mode.value === "" || rule.mode === mode.value) &&
    (what.value === "" || HAS[what.value](rule))
  );
}

const textOf = ({ id, title, detects, tags, references }: RuleStatus): string =>
  [id, title.en, title.ja, detects, ...tags, ...references].join("\n").toLowerCase();

export interface RuleNearMiss extends NearMissItem {
  readonly rule: RuleStatus;
}

/** Who came nearest to any rule stands first, and of those who are as near who was so last. */
export const nearMissesOf = (rules: Iterable<RuleStatus>): RuleNearMiss[] =>
  [...rules]
    .flatMap((rule) => rule.nearMisses.map((miss) => ({ ...miss, rule })))
    .sort((one, other) => other.count / other.of - one.count / one.of || (one.at < other.at ? 1 : -1));

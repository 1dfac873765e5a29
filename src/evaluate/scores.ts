import type { LogEvent } from "../model/event.ts";
import type { Severity } from "../model/finding.ts";
import type { Scored } from "./buckets/bucket.ts";
import type { CompiledRule } from "./compile-rule.ts";
import type { RuleSpec } from "./rule-schema.ts";

/** One rule's hit. */
export interface RuleHit {
  readonly position: number;
  /** The rule has made a finding of it: no score counts it any more. */
  readonly fired: boolean;
}

/** A rule that sums hits of others. */
export interface Score {
  readonly rule: CompiledRule;
  readonly position: number;
  /** What a hit of each rule that it sums is worth, by the rule's position. */
  readonly worth: ReadonlyMap<number, Scored>;
}

/**
 * Which rules are summed by which scores. A score is of hits that their own rules have made no finding of: hits of a rule
 * that fires are taken back.
 */
export class Scores {
  readonly #all: readonly Score[];
  /** By a rule's position. */
  readonly #summed: readonly boolean[];

  constructor(rules: readonly CompiledRule[]) {
    this.#all = rules.flatMap((rule, position) => {
      const worth = worthFor(rule.spec, rules);
      return worth === null ? [] : [{ rule, position, worth }];
    });
    this.#summed = rules.map((_, position) => this.#all.some(({ worth }) => worth.has(position)));
  }

  /** Whether hits of the rule at this position are summed anywhere. */
  sums(position: number): boolean {
    return this.#summed[position]!;
  }

  /** The scores that sum one of these hits. */
  of(event: LogEvent, hits: readonly RuleHit[]): Score[] {
    return this.#all.filter(
      ({ rule, worth }) => hits.some(({ position }) => worth.has(position)) && rule.matches(event),
    );
  }
}

/** Of the hits of one event the gravest: one request counts once. Null when its rule has fired. */
export function gravest({ worth }: Score, hits: readonly RuleHit[]): Scored | null {
  let best: Scored | null = null;
  let fired = false;
  for (const hit of hits) {
    const scored = worth.get(hit.position);
    if (scored === undefined || scored.points <= (best?.points ?? 0)) continue;
    best = scored;
    fired = hit.fired;
  }
  return fired ? null : best;
}

/**
 * Summed are rules that may ban and count the same subjects; none that has `unless`, since of innocent people it has hits as
 * well. Null for a rule that is no score.
 */
function worthFor(
  { bucket, events, subject }: RuleSpec,
  rules: readonly CompiledRule[],
): Map<number, Scored> | null {
  if (bucket.kind !== "score") return null;
  const worth = new Map<number, Scored>();
  rules.forEach(({ id, spec, ban }, position) => {
    if (spec.bucket.kind === "score" || spec.unless !== undefined) return;
    if (ban === null || ban === "observe") return;
    if (spec.events !== events || spec.subject !== subject) return;
    const points = bucket.points[spec.severity satisfies Severity];
    if (points > 0 && spec.tags.some((tag) => bucket.of.includes(tag)))
      worth.set(position, { rule: id, points });
  });
  return worth;
}

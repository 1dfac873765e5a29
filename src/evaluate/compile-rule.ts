import { SekishoError } from "../model/errors.ts";
import type { LogEvent, SourceKind } from "../model/event.ts";
import type { Finding, Severity } from "../model/finding.ts";
import { type DurationMs, PERMANENT } from "../model/time.ts";
import type { Bucket } from "./buckets/bucket.ts";
import { bucketFields, bucketMaker, neededIn, windowOf } from "./buckets/bucket-of.ts";
import type { Held } from "./buckets/evidence.ts";
import { UnlessBucket } from "./buckets/unless.ts";
import { FIELDS, type FieldName, OPENING_FIELDS } from "./fields.ts";
import { type Known, NOTHING_KNOWN, residual, type Sought, soughtBy } from "./known.ts";
import { compileMatcher, fieldsOf, type Matcher } from "./matcher.ts";
import { nearAt } from "./near-misses.ts";
import type { Site } from "./read-field.ts";
import type { MatcherSpec, NamedRule, RuleSpec } from "./rule-schema.ts";
import { keyReader, subjectField } from "./subject-kinds.ts";
import { textNamer } from "./text-names.ts";
import { TextViews } from "./text-views.ts";

/**
 * `nothing`: it may look at any such event. `impossible`: it looks at none. Else one of these texts must have been found, and
 * those are left out of which it is known that none can be.
 */
export type Needs = "nothing" | "impossible" | readonly Sought[];

/** A rule that runs. */
export interface CompiledRule {
  readonly id: string;
  readonly spec: RuleSpec;
  readonly title: string;
  /** What the text is called that made an event a hit. */
  readonly nameOf: (event: LogEvent) => string | null;
  readonly severity: Severity;
  readonly events: SourceKind;
  readonly matches: Matcher;
  /** What its bucket is given: beside hits what `unless` counts, unless it counts only after a hit. */
  readonly looksAt: Matcher;
  /** What is given to a bucket that has hits already; null for rules without such an `unless`. */
  readonly goodAfterHit: Matcher | null;
  /** Of what it looks at one must hold. */
  readonly looked: readonly MatcherSpec[];
  /** What it has to look for in events of which this is known: rules that find nothing there are never asked. */
  readonly needs: (known: Known) => Needs;
  /** The texts that it and the rules compiled with it look at. */
  readonly views: TextViews;
  /** Whether it reads nothing that only the line at a socket's end knows, and so judges the opening. */
  readonly atOpening: boolean;
  /** Whom an event counts for, null when its line does not say so; the whole is null for addresses. */
  readonly keyOf: ReturnType<typeof keyReader>;
  readonly newBucket: (held: Held) => Bucket;
  /** Hits that make a finding; infinite where hits do not tell how near one is. */
  readonly needed: number;
  /** From so many on a subject is near. */
  readonly nearAt: number;
  /** How long a bucket remembers. */
  readonly window: DurationMs;
  readonly cooldown: DurationMs;
  readonly ban: Finding["ban"];
}

/** Rules that run together, and look at each text once. Throws RULE_INVALID. */
export function compileRules(rules: readonly NamedRule[], site: Site): CompiledRule[] {
  const views = new TextViews(site);
  const compiled = rules.map((rule) => compileWith(rule, views));
  views.build();
  return compiled;
}

/** A rule that runs by itself. */
export const compileRule = (rule: NamedRule, site: Site): CompiledRule => compileRules([rule], site)[0]!;

function compileWith(rule: NamedRule, views: TextViews): CompiledRule {
  const { id, spec } = rule;
  const asked = fieldsAskedBy(spec);
  refuseUnknown(asked, rule);
  const { isGood, ...matchers } = matchersOf(spec, views);
  const needed = neededIn(spec.bucket);
  const compile = {
    matcher: (matcher: MatcherSpec) => compileMatcher(matcher, views),
    read: (field: FieldName) => views.view(field, false).read,
  };
  return {
    id,
    spec,
    title: spec.title.en,
    nameOf: textNamer(rule, views),
    severity: spec.severity,
    events: spec.events,
    ...matchers,
    views,
    atOpening: spec.events === "access" && asked.every((field) => OPENING_FIELDS.includes(field)),
    keyOf: keyReader(spec.subject),
    newBucket: sparing(spec, bucketMaker(spec.bucket, compile), matchers.matches, isGood),
    needed,
    nearAt: nearAt(needed),
    window: windowFor(rule),
    cooldown: spec.cooldown,
    ban: spec.ban === "none" ? null : spec.mode === "observe" ? "observe" : spec.ban,
  };
}

function fieldsAskedBy({ match, bucket, unless, subject }: RuleSpec): readonly FieldName[] {
  const ofSubject = subjectField(subject);
  return [
    ...fieldsOf(match),
    ...bucketFields(bucket),
    ...(unless === undefined ? [] : fieldsOf(unless.match)),
    ...(ofSubject === null ? [] : [ofSubject]),
  ];
}

/** Throws RULE_INVALID, naming the rule, when it asks its events for what they do not have. */
function refuseUnknown(asked: readonly FieldName[], { id, spec: { events } }: NamedRule): void {
  const known: readonly FieldName[] = FIELDS[events];
  const unknown = asked.find((field) => !known.includes(field));
  if (unknown === undefined) return;
  throw new SekishoError(
    "RULE_INVALID",
    `rule ${id}: events of kind ${events} have no field '${unknown}'`,
    `use one of ${known.join(", ")}`,
  );
}

/** Throws RULE_INVALID for a rule that would never forget. */
function windowFor({ id, spec: { bucket, unless } }: NamedRule): DurationMs {
  const window = Math.max(windowOf(bucket), unless?.window ?? 0) as DurationMs;
  if (window !== PERMANENT) return window;
  throw new SekishoError(
    "RULE_INVALID",
    `rule ${id}: a window cannot be permanent`,
    "write a length such as 10m",
  );
}

interface Matchers extends Pick<CompiledRule, "matches" | "looksAt" | "goodAfterHit" | "looked" | "needs"> {
  /** What `unless` counts; null for rules without. */
  readonly isGood: Matcher | null;
}

function matchersOf(spec: RuleSpec, views: TextViews): Matchers {
  const match = hitsOf(spec);
  const afterHit = spec.unless?.afterHit === true;
  const looked = spec.unless === undefined || afterHit ? [match] : [match, spec.unless.match];
  // A rule that is asked about every event all the same would only have more lines looked at closely.
  const seeks = Array.isArray(needsOf(looked, NOTHING_KNOWN));
  const matches = compileMatcher(match, views, seeks);
  const isGood =
    spec.unless === undefined ? null : compileMatcher(spec.unless.match, views, seeks && !afterHit);
  return {
    matches,
    isGood,
    looksAt: isGood === null || afterHit ? matches : (event) => matches(event) || isGood(event),
    goodAfterHit: isGood !== null && afterHit ? (event) => isGood(event) && !matches(event) : null,
    looked,
    needs: (known) => {
      const needs = needsOf(looked, known);
      return seeks || needs === "impossible" ? needs : "nothing";
    },
  };
}

function needsOf(looked: readonly MatcherSpec[], known: Known): Needs {
  const left = residual({ any: looked }, known);
  return left === null ? "impossible" : (soughtBy(left) ?? "nothing");
}

/** Of a sequence only what is one of its steps is a hit. */
const hitsOf = ({ match, bucket }: RuleSpec): MatcherSpec =>
  bucket.kind === "sequence" ? { all: [match, { any: bucket.steps }] } : match;

/** Buckets that do not fire while `unless` holds. */
function sparing(
  { unless }: RuleSpec,
  newBucket: CompiledRule["newBucket"],
  isHit: Matcher,
  isGood: Matcher | null,
): CompiledRule["newBucket"] {
  if (unless === undefined || isGood === null) return newBucket;
  const { count = Number.POSITIVE_INFINITY, share = Number.POSITIVE_INFINITY, window, afterHit } = unless;
  return (held) => new UnlessBucket({ isHit, isGood, count, share, window, afterHit }, newBucket(held), held);
}

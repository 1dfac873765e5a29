import { SekishoError } from "../model/errors.ts";
import type { LogEvent, SourceKind } from "../model/event.ts";
import type { Severity } from "../model/finding.ts";
import { type DurationMs, PERMANENT } from "../model/time.ts";
import { type Bucket, DistinctBucket, type Held, ThresholdBucket } from "./buckets.ts";
import { FIELDS, type FieldName, OPENING_FIELDS } from "./fields.ts";
import { compileMatcher, couldMatch, fieldsOf, type Matcher } from "./matcher.ts";
import type { Site } from "./read-field.ts";
import type { NamedRule } from "./rule-schema.ts";
import { TextViews } from "./text-views.ts";

/** A rule that runs. */
export interface CompiledRule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly events: SourceKind;
  readonly matches: Matcher;
  /** Whether any event with this status, and a handshake or not, can match: rules that cannot are never asked. */
  readonly concerns: (status: number, handshake: boolean) => boolean;
  /** Whether it reads nothing that only the line at a socket's end knows, and so judges the opening. */
  readonly atOpening: boolean;
  readonly newBucket: (held: Held) => Bucket;
  /** How long a bucket remembers. */
  readonly window: DurationMs;
  readonly cooldown: DurationMs;
  /** Null: report only. `default`: the policy's length. */
  readonly ban: DurationMs | "default" | null;
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

/** Throws RULE_INVALID, naming the rule, when it asks its events for what they do not have. */
function compileWith({ id, spec }: NamedRule, views: TextViews): CompiledRule {
  const known: readonly FieldName[] = FIELDS[spec.events];
  const asked = [...fieldsOf(spec.match), ...(spec.bucket.kind === "distinct" ? [spec.bucket.of] : [])];
  const unknown = asked.find((field) => !known.includes(field));
  if (unknown !== undefined) {
    throw new SekishoError(
      "RULE_INVALID",
      `rule ${id}: events of kind ${spec.events} have no field '${unknown}'`,
      `use one of ${known.join(", ")}`,
    );
  }
  if (spec.bucket.window === PERMANENT) {
    throw new SekishoError(
      "RULE_INVALID",
      `rule ${id}: a window cannot be permanent`,
      "write a length such as 10m",
    );
  }
  return {
    id,
    title: spec.title.en,
    severity: spec.severity,
    events: spec.events,
    matches: compileMatcher(spec.match, views),
    concerns: (status, handshake) => couldMatch(spec.match, { status, handshake }),
    atOpening: spec.events === "access" && asked.every((field) => OPENING_FIELDS.includes(field)),
    newBucket: bucketMaker(spec.bucket, views),
    window: spec.bucket.window,
    cooldown: spec.cooldown,
    ban: spec.ban === "none" ? null : spec.ban,
  };
}

function bucketMaker(bucket: NamedRule["spec"]["bucket"], views: TextViews): CompiledRule["newBucket"] {
  const { count, window } = bucket;
  if (bucket.kind === "threshold") return (held) => new ThresholdBucket(count, window, held);
  const { read } = views.view(bucket.of, false);
  const textOf = (event: LogEvent): string => String(read(event) ?? "");
  return (held) => new DistinctBucket(count, window, textOf, held);
}

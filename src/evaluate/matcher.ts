import type { LogEvent } from "../model/event.ts";
import { TargetSet, targetOf } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import { conditionMatcher, isDecoded, soughtTexts, valueMatcher } from "./condition.ts";
import type { FieldName } from "./fields.ts";
import type { Condition, MatcherSpec } from "./rule-schema.ts";
import type { TextView, TextViews } from "./text-views.ts";

/** A rule's predicate. Its cost is linear in the length of the event's fields. */
export type Matcher = (event: LogEvent) => boolean;

/** Views of which one must have found a literal for the matcher to hold; null when it may hold without. */
export function searchedViews(spec: MatcherSpec, views: TextViews): readonly TextView[] | null {
  for (const [key, value] of Object.entries(spec)) {
    const searched = value === undefined ? null : searchedBy(key, value, views);
    if (searched !== null) return searched;
  }
  return null;
}

function searchedBy(key: string, value: unknown, views: TextViews): readonly TextView[] | null {
  if (key === "client" || key === "not") return null;
  if (key === "all" || key === "any") {
    const parts = (value as readonly MatcherSpec[]).map((part) => searchedViews(part, views));
    if (key === "all") return parts.find((part) => part !== null) ?? null;
    return parts.includes(null) ? null : [...new Set(parts.flatMap((part) => part ?? []))];
  }
  const [field, condition] = [key as FieldName, value as Condition];
  return soughtTexts(field, condition) === null ? null : [views.view(field, isDecoded(condition))];
}

/**
 * Makes the predicate of a matcher. Its fields were checked by `compileRules`, which also builds `views`. `seeks`: whether
 * texts are looked for first that a value must have, which pays where nearly none has.
 */
export function compileMatcher(spec: MatcherSpec, views: TextViews, seeks = true): Matcher {
  const parts: Matcher[] = [];
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined) continue;
    if (key === "all") parts.push(every(spec.all!.map((each) => compileMatcher(each, views, seeks))));
    else if (key === "any") parts.push(some(spec.any!.map((each) => compileMatcher(each, views, seeks))));
    else if (key === "not") parts.push(not(spec.not!, views));
    else if (key === "client") parts.push(clientIn(new TargetSet(spec.client!)));
    else parts.push(conditionMatcher(key as FieldName, value as Condition, views, seeks));
  }
  return every(parts);
}

/** What rules for an event are chosen by. `method`: null for one of the rare ones, which may be any. */
export interface Known {
  readonly status: number;
  readonly handshake: boolean;
  readonly method: string | null;
}

/** False when what is known of an event already fails one of the conditions that must all hold. */
export function couldMatch(spec: MatcherSpec, known: Known): boolean {
  const fails = ({ status, handshake, method }: MatcherSpec): boolean =>
    (status !== undefined && !valueMatcher(() => known.status, status)(NO_EVENT)) ||
    (handshake !== undefined && !valueMatcher(() => known.handshake, handshake)(NO_EVENT)) ||
    (method !== undefined && known.method !== null && !valueMatcher(() => known.method, method)(NO_EVENT));
  return !fails(spec) && !(spec.all ?? []).some(fails);
}
const NO_EVENT: LogEvent = { kind: "unparsed", time: 0 as UnixMs, source: 0, line: "", reason: "format" };

function every(parts: readonly Matcher[]): Matcher {
  const [first, second] = parts;
  if (first === undefined) return () => true;
  if (second === undefined) return first;
  if (parts.length === 2) return (event) => first(event) && second(event);
  return (event) => {
    for (const part of parts) if (!part(event)) return false;
    return true;
  };
}

function some(parts: readonly Matcher[]): Matcher {
  return (event) => {
    for (const part of parts) if (part(event)) return true;
    return false;
  };
}

/** Nothing follows from a field that the log format cannot show, not even the contrary. Many rules leave out the same. */
function not(spec: MatcherSpec, views: TextViews): Matcher {
  return views.shared(spec, () => {
    const inner = compileMatcher(spec, views, false);
    const reads = [...new Set(fieldsOf(spec))].map((field) => views.view(field, false).read);
    return (event) => {
      for (const read of reads) if (read(event) === undefined) return false;
      return !inner(event);
    };
  });
}

/** All fields that a matcher reads, at any depth. */
export function fieldsOf(spec: MatcherSpec): FieldName[] {
  const fields: FieldName[] = [];
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined || key === "client") continue;
    if (key === "all" || key === "any") fields.push(...(value as MatcherSpec[]).flatMap(fieldsOf));
    else if (key === "not") fields.push(...fieldsOf(value as MatcherSpec));
    else fields.push(key as FieldName);
  }
  return fields;
}

function clientIn(targets: TargetSet): Matcher {
  return (event) =>
    event.kind !== "unparsed" && event.client !== null && targets.covering(targetOf(event.client)) !== null;
}

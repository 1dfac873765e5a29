import type { LogEvent } from "../model/event.ts";
import { TargetSet, targetOf } from "../model/ip.ts";
import { conditionMatcher } from "./condition.ts";
import type { FieldName } from "./fields.ts";
import type { Condition, MatcherSpec } from "./rule-schema.ts";
import type { TextViews } from "./text-views.ts";

/** A rule's predicate. Its cost is linear in the length of the event's fields. */
export type Matcher = (event: LogEvent) => boolean;

/**
 * Makes the predicate of a matcher. Its fields were checked by `compileRules`, which also builds `views`. `seeks`: whether
 * texts are looked for first that a value must have, which pays where nearly none has.
 */
export function compileMatcher(spec: MatcherSpec, views: TextViews, seeks = true): Matcher {
  const parts: Matcher[] = [];
  for (const [key, value] of cheapestFirst(spec)) {
    if (key === "all") parts.push(every(spec.all!.map((each) => compileMatcher(each, views, seeks))));
    else if (key === "any") parts.push(some(spec.any!.map((each) => compileMatcher(each, views, seeks))));
    else if (key === "not") parts.push(not(spec.not!, views));
    else if (key === "client") parts.push(clientIn(new TargetSet(spec.client!)));
    else parts.push(conditionMatcher(key as FieldName, value as Condition, views, seeks));
  }
  return every(parts);
}

/** What is left out comes last: mostly an expression over the whole text, where others only look for words. */
const DEARER = ["all", "any", "not"];

/** The parts of a matcher, of which each must hold, in the order in which they are asked. */
const cheapestFirst = (spec: MatcherSpec): [key: string, value: unknown][] =>
  Object.entries(spec)
    .filter(([, value]) => value !== undefined)
    .sort(([one], [other]) => DEARER.indexOf(one) - DEARER.indexOf(other));

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

import { SekishoError } from "../model/errors.ts";
import type { AccessEvent, LogEvent, OpeningEvent, SourceKind } from "../model/event.ts";
import { TargetSet, targetOf } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import type { FieldName } from "./fields.ts";
import type { Condition, ListReference, MatcherSpec } from "./rule-schema.ts";

/** A rule's predicate. Its cost is linear in the length of the event's fields. */
export type Matcher = (event: LogEvent) => boolean;
type Value = string | number | boolean | null | undefined;
type Read = (event: LogEvent) => Value;
type Check = (value: string | number | boolean) => boolean;

/** What a matcher needs to know of the site. */
export interface Site {
  /** Web origins that may open WebSockets; empty means: those of the host that was asked for. */
  readonly origins: ReadonlySet<string>;
}

/** Makes the predicate of a matcher for events of one kind. Its fields were checked by `compileRule`. */
export function compileMatcher(spec: MatcherSpec, kind: SourceKind, site: Site): Matcher {
  const parts: Matcher[] = [];
  for (const [key, value] of Object.entries(spec)) {
    if (value === undefined) continue;
    if (key === "all") parts.push(every(spec.all!.map((each) => compileMatcher(each, kind, site))));
    else if (key === "any") parts.push(some(spec.any!.map((each) => compileMatcher(each, kind, site))));
    else if (key === "not") parts.push(not(spec.not!, kind, site));
    else if (key === "client") parts.push(clientIn(new TargetSet(spec.client!)));
    else parts.push(fieldMatcher(reader(key as FieldName, site), value as Condition));
  }
  return every(parts);
}

/** False when what is known of an event already fails one of the conditions that must all hold. */
export function couldMatch(
  spec: MatcherSpec,
  known: { readonly status: number; readonly handshake: boolean },
): boolean {
  const fails = ({ status, handshake }: MatcherSpec): boolean =>
    (status !== undefined && !fieldMatcher(() => known.status, status)(NO_EVENT)) ||
    (handshake !== undefined && !fieldMatcher(() => known.handshake, handshake)(NO_EVENT));
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

/** Nothing follows from a field that the log format cannot show, not even the contrary. */
function not(spec: MatcherSpec, kind: SourceKind, site: Site): Matcher {
  const inner = compileMatcher(spec, kind, site);
  const reads = fieldsOf(spec).map((field) => reader(field, site));
  return (event) => {
    for (const read of reads) if (read(event) === undefined) return false;
    return !inner(event);
  };
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

function fieldMatcher(read: Read, condition: Condition): Matcher {
  if (typeof condition !== "object") return (event) => read(event) === condition;
  if (Array.isArray(condition)) {
    const values = new Set<Value>(condition);
    return (event) => values.has(read(event));
  }
  if (condition.missing !== undefined) {
    const { missing, ...rest } = condition;
    const others = Object.keys(rest).length === 0 ? null : fieldMatcher(read, rest);
    return (event) => {
      const value = read(event);
      return value !== undefined && (value === null) === missing && (others === null || others(event));
    };
  }
  const checks = checksOf(condition);
  return (event) => {
    const value = read(event);
    if (value === null || value === undefined) return false;
    for (const check of checks) if (!check(value)) return false;
    return true;
  };
}

function checksOf(condition: Exclude<Condition, string | number | boolean | unknown[]>): Check[] {
  const fold = condition.ignoreCase === true ? lowerCased : asItIs;
  const { is, oneOf, prefix, suffix, contains, atLeast, atMost } = condition;
  const checks: Check[] = [];
  if (is !== undefined) {
    const wanted = fold(is);
    checks.push((value) => fold(value) === wanted);
  }
  if (oneOf !== undefined) {
    const wanted = new Set(literals(oneOf).map(fold));
    checks.push((value) => wanted.has(fold(value)));
  }
  if (prefix !== undefined) checks.push(anyText(prefix, fold, (text, part) => text.startsWith(part)));
  if (suffix !== undefined) checks.push(anySuffix(suffix, fold));
  if (contains !== undefined) checks.push(anyText(contains, fold, (text, part) => text.includes(part)));
  if (atLeast !== undefined) checks.push((value) => typeof value === "number" && value >= atLeast);
  if (atMost !== undefined) checks.push((value) => typeof value === "number" && value <= atMost);
  return checks;
}

type Fold = <T>(value: T) => T;
const asItIs: Fold = (value) => value;
const lowerCased: Fold = <T>(value: T): T => (typeof value === "string" ? value.toLowerCase() : value) as T;

function anyText(texts: Texts, fold: Fold, holds: (text: string, part: string) => boolean): Check {
  const parts = literals(texts).map(fold);
  return (value) => {
    if (typeof value !== "string") return false;
    const text = fold(value);
    for (const part of parts) if (holds(text, part)) return true;
    return false;
  };
}

/** File endings (`.css`) cost one look-up, however many there are; most paths of a flood have none. */
function anySuffix(texts: Texts, fold: Fold): Check {
  const parts = literals(texts).map(fold);
  if (!parts.every((part) => part.lastIndexOf(".") === 0)) {
    return anyText(parts, fold, (text, part) => text.endsWith(part));
  }
  const endings = new Set(parts);
  const longest = Math.max(...parts.map(({ length }) => length));
  return (value) => {
    if (typeof value !== "string") return false;
    const dot = value.lastIndexOf(".");
    return dot !== -1 && value.length - dot <= longest && endings.has(fold(value.slice(dot)));
  };
}

type Texts = string | readonly string[] | ListReference;

/** Lists were put in their place when the rule was loaded: one that is left was not. */
function literals<T>(texts: string | readonly T[] | ListReference): readonly T[] {
  if (typeof texts === "string") return [texts as T];
  if ("list" in texts)
    throw new SekishoError("RULE_INVALID", `the list '${texts.list}' was not read`, "write its texts out");
  return texts;
}

function reader(field: FieldName, site: Site): Read {
  if (field === "handshake")
    return (event) => event.kind === "opening" || (event.kind === "access" && isHandshake(event));
  if (field === "foreignOrigin") {
    return (event) =>
      event.kind === "access" || event.kind === "opening" ? isForeignOrigin(event, site) : undefined;
  }
  return READERS[field];
}

/** One accessor a field, so that each reads one place of one shape. */
const READERS: Readonly<Record<Exclude<FieldName, "handshake" | "foreignOrigin">, Read>> = Object.fromEntries(
  [
    "method path query protocol status bytes referer userAgent origin upgrade host user vhost durationUs",
    "bytesIn bytesOut level module code message severity requestId name app connection detail",
  ]
    .flatMap((names) => names.split(" "))
    .map((name) => [name, (event: LogEvent) => (event as unknown as Record<string, Value>)[name]]),
) as Record<Exclude<FieldName, "handshake" | "foreignOrigin">, Read>;

/** RFC 6455, 4.1: Upgrade is a list that holds `websocket` in any case. 101 is what a format without it shows. */
export function isHandshake(event: AccessEvent): boolean {
  if (event.status === 101) return true;
  return event.upgrade?.toLowerCase().includes("websocket") === true;
}

/**
 * Undefined where nothing can be concluded: the format shows no Origin, none was sent, or neither `origins` nor the
 * line tells which origin is the site's own.
 */
function isForeignOrigin(event: AccessEvent | OpeningEvent, site: Site): boolean | undefined {
  const { origin } = event;
  if (origin === null || origin === undefined) return undefined;
  const sent = origin.toLowerCase();
  if (site.origins.size > 0) return !site.origins.has(sent);
  const host = event.host ?? event.vhost;
  if (host === null || host === undefined) return undefined;
  const own = host.toLowerCase().replace(/:\d+$/, "");
  return sent.replace(/^https?:\/\//, "").replace(/:\d+$/, "") !== own;
}

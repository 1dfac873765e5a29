import type { LogEvent } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";
import { isDecoded, minimumOf, needsValue, soughtTexts, valueMatcher } from "./condition.ts";
import type { FieldName } from "./fields.ts";
import type { Condition, MatcherSpec } from "./rule-schema.ts";

/** What rules for an event are chosen by. Null: not known. */
export interface Known {
  readonly status: number | null;
  readonly handshake: boolean | null;
  readonly method: string | null;
  /** Its path begins with a slash. */
  readonly rooted: boolean;
  /** Whether it has a Referer. */
  readonly referred: boolean | null;
  /** Fields that the event does not have; of numbers also those that are less than any rule asks for. */
  readonly lacks: ReadonlySet<FieldName>;
}

export const NOTHING_KNOWN: Known = {
  status: null,
  handshake: null,
  method: null,
  rooted: false,
  referred: null,
  lacks: new Set(),
};

/** Texts of which a field must have one, case aside, for a matcher to hold. */
export interface Sought {
  readonly field: FieldName;
  readonly decode: boolean;
  readonly texts: readonly string[];
}

/** What is left to ask of an event of which this is known, without alternatives that cannot hold; null when nothing can. */
export function residual(spec: MatcherSpec, known: Known): MatcherSpec | null {
  const { all, any, not, client: _client, ...conditions } = spec;
  for (const [field, condition] of Object.entries(conditions))
    if (condition !== undefined && fails(field as FieldName, condition, known)) return null;
  if (known.rooted && not !== undefined && isRootedPath(not)) return null;
  const left: { all?: MatcherSpec[]; any?: MatcherSpec[] } = {};
  if (all !== undefined) {
    left.all = all.flatMap((each) => residual(each, known) ?? []);
    if (left.all.length < all.length) return null;
  }
  if (any !== undefined) {
    left.any = any.flatMap((each) => residual(each, known) ?? []);
    if (left.any.length === 0) return null;
  }
  return { ...spec, ...left };
}

function fails(field: FieldName, condition: Condition, known: Known): boolean {
  const { status, handshake, method, referred, lacks } = known;
  const isNot = (value: string | number | boolean | null) =>
    value !== null && !valueMatcher(() => value, condition)(NO_EVENT);
  if (field === "status") return isNot(status);
  if (field === "handshake") return isNot(handshake);
  if (field === "method") return isNot(method);
  if (field === "referer" && referred !== null) return needsValue(condition) !== referred;
  return lacks.has(field) && (isNumber(field) ? minimumOf(condition) !== null : needsValue(condition));
}
/** Whether every path that begins with a slash meets it. */
const isRootedPath = ({ path, ...rest }: MatcherSpec): boolean =>
  typeof path === "object" &&
  "prefix" in path &&
  path.prefix === "/" &&
  Object.keys(rest).length === 0 &&
  Object.keys(path).length === 1;

const NO_EVENT: LogEvent = { kind: "unparsed", time: 0 as UnixMs, source: 0, line: "", reason: "format" };

/** Fields of which an event is known to have none, where it has none. */
export const TEXTS = ["query", "user", "tls", "host"] as const;
/** Fields of which an event is known to have less than any rule asks for, or none. */
export const NUMBERS = ["durationUs", "bytes", "bytesOut"] as const;
const isNumber = (field: FieldName): boolean => (NUMBERS as readonly FieldName[]).includes(field);

/** Texts of which an event must have one; null when the matcher may hold without. */
export function soughtBy(spec: MatcherSpec): readonly Sought[] | null {
  for (const [key, value] of Object.entries(spec)) {
    const sought = value === undefined ? null : soughtByPart(key, value);
    if (sought !== null) return sought;
  }
  return null;
}

function soughtByPart(key: string, value: unknown): readonly Sought[] | null {
  if (key === "client" || key === "not") return null;
  if (key === "all" || key === "any") {
    const parts = (value as readonly MatcherSpec[]).map(soughtBy);
    if (key === "all") return parts.find((part) => part !== null) ?? null;
    return parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
  }
  const [field, condition] = [key as FieldName, value as Condition];
  const texts = soughtTexts(field, condition);
  return texts === null ? null : [{ field, decode: isDecoded(condition), texts }];
}

/** The least that any of these matchers asks a number to be. */
export function leastAsked(field: FieldName, specs: readonly MatcherSpec[]): number {
  const asked = specs.map(({ all = [], any = [], not, ...rest }) => {
    const condition = rest[field];
    const own = condition === undefined ? null : minimumOf(condition);
    const inner = leastAsked(field, [...all, ...any, ...(not === undefined ? [] : [not])]);
    return Math.min(own ?? Number.POSITIVE_INFINITY, inner);
  });
  return Math.min(Number.POSITIVE_INFINITY, ...asked);
}

import { RE2JS } from "re2js";
import { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import { slashes } from "./decode.ts";
import { EdgeTable } from "./edge-table.ts";
import type { FieldName } from "./fields.ts";
import type { Read, Value } from "./read-field.ts";
import type { Condition, ListReference } from "./rule-schema.ts";
import type { TextViews } from "./text-views.ts";

type Matcher = (event: LogEvent) => boolean;
type Check = (value: string | number | boolean) => boolean;
type Conditions = Exclude<Condition, string | number | boolean | unknown[]>;

/** The predicate of a condition on a field. What costs least is looked at first, a regular expression last. */
export function conditionMatcher(
  field: FieldName,
  condition: Condition,
  views: TextViews,
  seeks = true,
): Matcher {
  const { matches, ignoreCase = false } = asObject(condition);
  const view = views.view(field, isDecoded(condition));
  const parts: Matcher[] = [];
  const sought = seeks ? soughtTexts(field, condition) : textsInside(condition);
  if (sought !== null) parts.push(view.holdsAny(sought, ignoreCase));
  if (asksOfValue(asObject(condition))) parts.push(valueMatcher(view.read, condition));
  if (matches !== undefined) parts.push(regexMatcher(view.read, matches, ignoreCase));
  const [first, second] = parts;
  if (second === undefined) return first!;
  return (event) => {
    for (const part of parts) if (!part(event)) return false;
    return true;
  };
}

/** Shorter ones are in too many values to be worth looking for first. */
const WORTH_SEEKING = 5;
/** So many are compared one by one only when one of them is there. */
const MANY = 20;
/** The others are short, or the same in nearly every event. */
const SOUGHT_IN: readonly FieldName[] = ["path", "query", "target", "userAgent", "referer"];

/** What must be somewhere in the value. */
function textsInside(condition: Condition): readonly string[] | null {
  const { contains, decode } = asObject(condition);
  return contains === undefined ? null : literals(contains).map(formOf({ decode }));
}

/** Texts of which a value that meets the condition has one, if it pays to look for them first; else null. */
export function soughtTexts(field: FieldName, condition: Condition): readonly string[] | null {
  const inside = textsInside(condition);
  if (inside !== null) return inside;
  const { is, oneOf, prefix, suffix, decode } = asObject(condition);
  if (!SOUGHT_IN.includes(field)) return null;
  const texts = literals(is === undefined ? (oneOf ?? prefix ?? suffix ?? []) : [is]).map(formOf({ decode }));
  const isText = (text: unknown): text is string => typeof text === "string";
  if (texts.length === 0 || !texts.every(isText)) return null;
  return texts.length >= MANY || texts.every(({ length }) => length >= WORTH_SEEKING) ? texts : null;
}

/** Whether no field without a value meets it. */
export const needsValue = (condition: Condition): boolean => asObject(condition).missing !== true;

/** The least that a number must be to meet it; null when it does not say. */
export const minimumOf = (condition: Condition): number | null => asObject(condition).atLeast ?? null;

/** Whether it looks at the decoded value. */
export const isDecoded = (condition: Condition): boolean => asObject(condition).decode === true;

const asObject = (condition: Condition): Conditions =>
  typeof condition !== "object"
    ? { is: condition }
    : Array.isArray(condition)
      ? { oneOf: condition }
      : condition;

/** Whether a condition asks for more than `contains` and `matches`, which no missing value meets. */
const asksOfValue = ({ contains, matches, decode: _decode, ignoreCase: _ignoreCase, ...rest }: Conditions) =>
  (contains === undefined && matches === undefined) || Object.values(rest).some((each) => each !== undefined);

/** The predicate of what a value alone tells: all of a condition but `contains` and `matches`. */
export function valueMatcher(read: Read, condition: Condition): Matcher {
  if (typeof condition !== "object") return (event) => read(event) === condition;
  if (Array.isArray(condition)) {
    const values = new Set<Value>(condition);
    return (event) => values.has(read(event));
  }
  const { missing } = condition;
  const checks = checksOf(condition);
  if (missing === true) return (event) => read(event) === null && checks.length === 0;
  return (event) => {
    const value = read(event);
    if (value === null || value === undefined) return false;
    for (const check of checks) if (!check(value)) return false;
    return true;
  };
}

/** RE2 has no choice to go back to: its time is linear in the text, whatever the expression. */
function regexMatcher(read: Read, regex: string, ignoreCase: boolean): Matcher {
  let compiled: RE2JS | null = null;
  return (event) => {
    const value = read(event);
    if (typeof value !== "string") return false;
    // Not before it is needed, which most are never: compiling all takes a tenth of a second.
    compiled ??= RE2JS.compile(regex, RE2JS.DOTALL | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
    return compiled.test(value);
  };
}

function checksOf(condition: Conditions): Check[] {
  const ignoreCase = condition.ignoreCase === true;
  const fold = ignoreCase ? lowerCased : asItIs;
  const form = formOf(condition);
  const formed = (texts: Texts): string[] => literals(texts).map(form);
  const { is, oneOf, prefix, suffix, atLeast, atMost } = condition;
  const checks: Check[] = [];
  if (is !== undefined) {
    const wanted = fold(form(is));
    checks.push((value) => fold(value) === wanted);
  }
  if (oneOf !== undefined) {
    const wanted = new Set(literals(oneOf).map((each) => fold(form(each))));
    checks.push((value) => wanted.has(fold(value)));
  }
  if (prefix !== undefined) checks.push(edgeCheck(formed(prefix), "prefix", ignoreCase));
  if (suffix !== undefined) checks.push(edgeCheck(formed(suffix), "suffix", ignoreCase));
  if (atLeast !== undefined) checks.push((value) => typeof value === "number" && value >= atLeast);
  if (atMost !== undefined) checks.push((value) => typeof value === "number" && value <= atMost);
  return checks;
}

type Fold = <T>(value: T) => T;
const asItIs: Fold = (value) => value;
const lowerCased: Fold = <T>(value: T): T => (typeof value === "string" ? value.toLowerCase() : value) as T;

/** A literal as the values that it is compared with have it. */
const formOf = ({ decode }: Conditions): Fold =>
  decode === true ? <T>(value: T): T => (typeof value === "string" ? slashes(value) : value) as T : asItIs;

/** Whether a text begins, or ends, with one of the literals. */
function edgeCheck(literals: readonly string[], edge: "prefix" | "suffix", ignoreCase: boolean): Check {
  // Not before it is needed, which most are never.
  let table: EdgeTable | null = null;
  return (value) => {
    if (typeof value !== "string") return false;
    table ??= new EdgeTable(literals, edge, ignoreCase);
    return table.fits(value);
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

import { RE2JS } from "re2js";
import { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import { slashes } from "./decode.ts";
import type { FieldName } from "./fields.ts";
import type { Read, Value } from "./read-field.ts";
import type { Condition, ListReference } from "./rule-schema.ts";
import type { TextViews } from "./text-views.ts";

type Matcher = (event: LogEvent) => boolean;
type Check = (value: string | number | boolean) => boolean;
type Conditions = Exclude<Condition, string | number | boolean | unknown[]>;

/** The predicate of a condition on a field. What costs least is looked at first, a regular expression last. */
export function conditionMatcher(field: FieldName, condition: Condition, views: TextViews): Matcher {
  if (typeof condition !== "object" || Array.isArray(condition))
    return valueMatcher(views.view(field, false).read, condition);
  const { contains, matches, decode = false, ignoreCase = false } = condition;
  const view = views.view(field, decode);
  const parts: Matcher[] = [];
  const edges = prefixOrSuffix(condition);
  if (edges.length >= MANY_EDGES) parts.push(view.holdsAny(edges, ignoreCase));
  if (asksOfValue(condition)) parts.push(valueMatcher(view.read, condition));
  if (contains !== undefined)
    parts.push(view.holdsAny(literals(contains).map(formOf(condition)), ignoreCase));
  if (matches !== undefined) parts.push(regexMatcher(view.read, matches, ignoreCase));
  const [first, second] = parts;
  if (second === undefined) return first!;
  return (event) => {
    for (const part of parts) if (!part(event)) return false;
    return true;
  };
}

/** So many prefixes or suffixes are looked for with all other literals first, and compared only when one is there. */
const MANY_EDGES = 20;

function prefixOrSuffix(condition: Conditions): string[] {
  const { prefix, suffix } = condition;
  const texts = prefix ?? suffix;
  return texts === undefined ? [] : literals(texts).map(formOf(condition));
}

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
  const compiled = RE2JS.compile(regex, RE2JS.DOTALL | (ignoreCase ? RE2JS.CASE_INSENSITIVE : 0));
  return (event) => {
    const value = read(event);
    return typeof value === "string" && compiled.test(value);
  };
}

function checksOf(condition: Conditions): Check[] {
  const fold = condition.ignoreCase === true ? lowerCased : asItIs;
  const form = formOf(condition);
  const folded = (texts: Texts): string[] => literals(texts).map((text) => fold(form(text)));
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
  if (prefix !== undefined)
    checks.push(anyEdge(folded(prefix), fold, (text, length) => text.slice(0, length)));
  if (suffix !== undefined) checks.push(anySuffix(folded(suffix), fold));
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

/** One look-up for each different length of the literals, however many these are. */
function anyEdge(
  literals: readonly string[],
  fold: Fold,
  edge: (text: string, length: number) => string,
): Check {
  const wanted = new Set(literals);
  const lengths = [...new Set(literals.map(({ length }) => length))];
  return (value) => {
    if (typeof value !== "string") return false;
    for (const length of lengths) if (wanted.has(fold(edge(value, length)))) return true;
    return false;
  };
}

/** File endings (`.css`) cost one look-up; most paths of a flood have none. */
function anySuffix(literals: readonly string[], fold: Fold): Check {
  if (!literals.every((literal) => literal.lastIndexOf(".") === 0))
    return anyEdge(literals, fold, (text, length) => text.slice(-length));
  const endings = new Set(literals);
  const longest = Math.max(...literals.map(({ length }) => length));
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

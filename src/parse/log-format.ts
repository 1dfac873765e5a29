import { SekishoError } from "../model/errors.ts";
import { type Directive, meaningOf } from "./directives.ts";
import * as slot from "./slots.ts";
import { COMMON_TIME, isMoment, type TimePart, timeParts } from "./time-format.ts";
import { TimeReader } from "./time-reader.ts";
import { openZone, TIMES_OF_REQUESTS, type Zone } from "./zone.ts";

/** A part of a line: text that always stands there, a time, or the value of a directive. */
export type Item =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "time"; readonly reader: TimeReader; readonly kept: boolean }
  | Value;

export interface Value {
  readonly kind: "word" | "loose" | "number";
  readonly slot: slot.Slot;
  /** An IP address, which may hold colons. */
  readonly address: boolean;
  /**
   * How many colons the format itself writes behind an address before the next space, tab or quote: one in
   * `%a:%{remote}p`, four in `%a:%t`. An IPv6 address has colons of its own, so its end is counted from the right.
   */
  readonly colons: number;
  /** `%u` writes an empty name as `""`, the only quotes in a value that Apache does not escape. */
  readonly quotedWhenEmpty: boolean;
}

export interface LogFormat {
  /** No two texts stand side by side; text holds neither newlines nor backslashes. */
  readonly items: readonly Item[];
  /** True where a tab stands only between values: Apache escapes those in values. */
  readonly tabs: boolean;
  /** Slots whose `-` proves nothing, since the directive is logged for some statuses only. */
  readonly conditional: ReadonlySet<slot.Slot>;
  /** Microseconds in one unit of the duration. */
  readonly durationUnit: number;
}

/**
 * Compiles an Apache LogFormat string. Quotes may be written plain or as `\"`, as they stand in Apache's
 * configuration. Throws LOG_FORMAT_INVALID. `timezone` is for times that the format writes without a zone, `since` the
 * newest of them that is known.
 */
export function compileLogFormat(format: string, timezone: string | null, since?: number | null): LogFormat {
  const tokens = mergePathAndQuery(tokenise(format));
  const kept = chooseDirectives(tokens);
  const zone = openZone(timezone, { patience: TIMES_OF_REQUESTS, since });
  const joined = joinTimes(tokens);
  const items = setBorders(toItems(joined, kept, zone));
  const shows = (wanted: slot.Slot) => items.some((item) => "slot" in item && item.slot === wanted);
  demand(shows(slot.CLIENT), "the client's address", "%a (%{c}a is the proxy's, headers can be forged)");
  demand(shows(slot.STATUS), "the status", "%>s");
  const hasTime = items.some((item) => item.kind === "time" && item.kept);
  demand(hasTime, "the whole time", "%t, or all its parts side by side: %{%Y-%m-%dT%H:%M:%S%z}t");
  return {
    items,
    tabs: !joined.some((token) => Array.isArray(token) && token.some(isTab)),
    conditional: new Set([...kept.values()].filter(({ conditional }) => conditional).map((d) => d.slot)),
    durationUnit: kept.get(slot.DURATION)?.unit ?? 1,
  };
}

function toItems(
  tokens: readonly (Token | TimePart[])[],
  kept: ReadonlyMap<slot.Slot, Directive>,
  zone: Zone,
): Item[] {
  let hasTime = false;
  return tokens.map((token) => {
    if (typeof token === "string") return { kind: "text", text: token };
    if (!Array.isArray(token)) return toValue(token, kept);
    const isFirst = !hasTime && isMoment(token);
    hasTime ||= isFirst;
    return { kind: "time", reader: new TimeReader(token, zone), kept: isFirst };
  });
}

const toValue = (directive: Directive, kept: ReadonlyMap<slot.Slot, Directive>): Value => ({
  kind: directive.trust === "word" && slot.isNumber(directive.slot) ? "number" : directive.trust,
  slot: kept.get(directive.slot) === directive ? directive.slot : slot.DROPPED,
  address: directive.address,
  colons: 0,
  quotedWhenEmpty: directive.slot === slot.USER,
});

function demand(present: boolean, what: string, directive: string): void {
  if (present) return;
  const hint = `add ${directive}, with a space or a quote on either side`;
  throw new SekishoError("LOG_FORMAT_INVALID", `the log format does not show ${what}`, hint);
}

function invalid(position: number, what: string, hint: string): SekishoError {
  return new SekishoError("LOG_FORMAT_INVALID", `log format, position ${position}: ${what}`, hint);
}

type Token = string | Directive;

function tokenise(format: string): Token[] {
  const tokens: Token[] = [];
  let text = "";
  let at = 0;
  while (at < format.length) {
    if (format[at] === "%" && format[at + 1] !== "%") {
      if (text !== "") tokens.push(text);
      text = "";
      const directive = readDirective(format, at);
      tokens.push(directive);
      at += directive.text.length;
      continue;
    }
    const escaped = format[at] === "\\" || format[at] === "%";
    text += escaped ? unescapeLiteral(format, at) : format[at];
    at += escaped ? 2 : 1;
  }
  if (text !== "") tokens.push(text);
  return tokens;
}

function unescapeLiteral(format: string, at: number): string {
  switch (format[at + 1]) {
    case "%":
      return "%";
    case '"':
      return '"';
    case "t":
      return "\t";
    case "n":
      throw invalid(at + 1, "\\n writes several lines for one request", "keep a request on one line");
    default:
      // It would make a quote that follows look like one that a client sent.
      throw invalid(
        at + 1,
        "a backslash in the log cannot be told from Apache's own escapes",
        'write \\" for a quote and \\t for a tab, and no other backslash',
      );
  }
}

function readDirective(format: string, start: number): Directive {
  let argument = "";
  let original = "";
  let conditional = false;
  let at = start + 1;
  for (; at < format.length; at++) {
    const character = format[at]!;
    if (character === "{") {
      const end = format.indexOf("}", at);
      if (end === -1) throw invalid(at + 1, "{ is never closed", "add the missing }");
      argument = format.slice(at + 1, end);
      at = end;
    } else if (character === "<" || character === ">") original = character;
    else if (character >= "0" && character <= "9") conditional = true;
    else if (character !== "!" && character !== ",") break;
  }
  const name = format[at] === "^" ? format.slice(at, at + 3) : (format[at] ?? "");
  const text = format.slice(start, at + name.length);
  const meaning = meaningOf(name, argument, original);
  if (meaning === null) {
    throw invalid(
      start + 1,
      `${text} is not one of Apache's directives`,
      "write %% for a percent sign, or see mod_log_config",
    );
  }
  return { rank: 1, unit: 1, address: false, ...meaning, text, position: start + 1, conditional, argument };
}

/** `%U%q` is one value to a reader: a decoded path may hold a question mark, so there is no border between the two. */
function mergePathAndQuery(tokens: readonly Token[]): Token[] {
  const merged: Token[] = [];
  for (const token of tokens) {
    const last = merged.at(-1);
    const pair = typeof token === "object" && typeof last === "object" && last.slot === slot.PATH;
    if (pair && token.slot === slot.QUERY) merged[merged.length - 1] = { ...last, slot: slot.TARGET };
    else merged.push(token);
  }
  return merged;
}

/** The one directive for each slot. */
function chooseDirectives(tokens: readonly Token[]): Map<slot.Slot, Directive> {
  const chosen = new Map<slot.Slot, Directive>();
  for (const token of tokens) {
    if (typeof token === "string" || token.slot === slot.DROPPED || token.slot === slot.TIME) continue;
    const best = chosen.get(token.slot);
    if (best === undefined || isBetter(token, best)) chosen.set(token.slot, token);
  }
  return chosen;
}

/** What is logged for every status is worth more than what is not. */
const isBetter = (one: Directive, other: Directive): boolean =>
  one.conditional === other.conditional ? one.rank > other.rank : other.conditional;

/** Puts time directives that stand side by side, and what is written between them, into one time. */
function joinTimes(tokens: readonly Token[]): (Token | TimePart[])[] {
  const joined: (Token | TimePart[])[] = [];
  let moment = "";
  for (const token of tokens) {
    if (typeof token === "string" || token.slot !== slot.TIME) {
      joined.push(token);
      continue;
    }
    const parts = readTime(token);
    const which = /^end(:|$)/.test(token.argument) ? "end" : "begin";
    const before = joined.at(-1);
    const open = Array.isArray(before) ? before : joined.at(-2);
    const isOpen = which === moment && Array.isArray(open) && (open === before || isPlain(before));
    moment = which;
    if (!isOpen) {
      joined.push(parts);
      continue;
    }
    if (typeof before === "string") {
      joined.pop();
      open.push({ kind: "text", text: before, width: before.length });
    }
    open.push(...parts);
  }
  return joined;
}

const isTab = (part: TimePart): boolean => part.kind === "text" && part.text.includes("\t");

/** A quote is a border that the careful reader counts, so it never goes into a time. */
const isPlain = (token: unknown): boolean => typeof token === "string" && !token.includes('"');

function readTime({ argument, position, text }: Directive): TimePart[] {
  const format = argument.replace(/^(begin|end)(:|$)/, "");
  const parts = timeParts(format === "" ? COMMON_TIME : format);
  if (typeof parts !== "string") return parts;
  throw invalid(
    position,
    `${parts} in ${text} is not understood`,
    "write %t, or the time with %Y %m %d %H %M %S and %z",
  );
}

/** Between two values that touch there is no border, so neither can be trusted to end where it should. */
function setBorders(items: readonly Item[]): Item[] {
  return items.map((item, index) => {
    if (item.kind === "text" || item.kind === "time") return item;
    const apart = [items[index - 1], items[index + 1]].every(
      (next) => next === undefined || next.kind === "text",
    );
    if (apart) return { ...item, colons: item.address ? colonsIn(items.slice(index + 1)) : 0 };
    const read = item.kind === "number" || item.address ? slot.DROPPED : item.slot;
    return { ...item, kind: "loose", slot: read };
  });
}

function colonsIn(following: readonly Item[]): number {
  const [next] = following;
  if (next?.kind !== "text" || !next.text.startsWith(":")) return 0;
  let colons = 0;
  for (const item of following) {
    if (item.kind !== "text" && item.kind !== "time") continue;
    const text = item.kind === "text" ? item.text : item.reader.text;
    const run = text.split(/[ "\t]/)[0]!;
    colons += run.split(":").length - 1;
    if (run !== text) break;
  }
  return colons;
}

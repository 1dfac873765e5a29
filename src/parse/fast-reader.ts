import type { Item } from "./log-format.ts";
import { closingQuote, type Positions, readNumber, wordEnd } from "./positions.ts";
import { bordersIn, isValue, regionsOf } from "./regions.ts";
import { CLIENT, DROPPED } from "./slots.ts";
import type { TimeReader } from "./time-reader.ts";

/** How a value ends. */
const TIME = 0;
const AT_SPACE = 1;
const AT_QUOTE = 2;
/** As AT_QUOTE, for a value that must not be empty nor hold a space. */
const WORD_AT_QUOTE = 3;
const AT_STOP = 4;
const AT_END = 5;
const WORD_AT_END = 6;
/** The text behind the last value; no value follows. */
const NOTHING = 7;
const NUMBER = 8;
/** As AT_QUOTE, where a tab is a border too. */
const AT_TAB = 9;
/** These end by finding the first character of the text behind them. */
const FINDS_NEXT = [AT_SPACE, AT_QUOTE, WORD_AT_QUOTE, AT_STOP, AT_TAB];
const SPACE = 32;
const DASH = 45;

/** One value and the text before it. Numbers and constants only: a million lines a second pass through these. */
interface Step {
  readonly before: string;
  readonly length: number;
  /** False when `before` is nothing but the character that ended the value before it. */
  readonly checked: boolean;
  /** The first three characters of `before`, -1 where it is shorter or where the value before ended by finding it. */
  readonly first: number;
  readonly second: number;
  readonly third: number;
  /**
   * Position in `before` of its first quote, when the values since the quote before it might hold one; else -1.
   * Then that quote must be the first one since, or the values are not where they seem to be.
   */
  readonly closes: number;
  /** Position in `before` behind its last quote; -1 when it has none. */
  readonly opens: number;
  readonly end: number;
  /** True for a value that nothing keeps from holding a quote. */
  readonly doubtful: boolean;
  readonly stop: string;
  readonly colons: number;
  readonly slot: number;
  readonly reader: TimeReader | null;
  readonly kept: boolean;
}

/**
 * One strict pass from left to right. A value that stands outside quotes ends at the first space and is never empty,
 * so a line passes only with exactly as many spaces as its format has: a client that writes one more (a user name
 * `x y`) cannot shift a column, since the line then fails here and goes to the careful reader.
 * Null for a format whose values can end in other ways.
 */
export function compileFastReader(items: readonly Item[], tabs: boolean): FastReader | null {
  const steps: Step[] = [];
  const looseCounts = regionsOf(items, tabs).map((region) => region.looseCount);
  let region = 0;
  let text = "";
  let doubtful = false;
  for (const [index, item] of [...items, null].entries()) {
    if (item?.kind === "text") {
      text = item.text;
      continue;
    }
    const closes = doubtful ? text.indexOf('"') : -1;
    region += bordersIn(text, tabs);
    if (text.includes('"')) doubtful = false;
    const end = endOf(items, index, looseCounts[region]!, tabs);
    if (end === null) return null;
    const found = steps.length > 0 && FINDS_NEXT.includes(steps.at(-1)!.end);
    const step = toStep(text, found, closes, items, index, end);
    steps.push(step);
    doubtful ||= step.doubtful;
    text = "";
  }
  return new FastReader(steps);
}

/** False for what is checked character by character, and for what ends at the first quote. */
function mayHoldQuote(item: Item, end: number): boolean {
  if (item.kind === "time") return !item.kept;
  return end !== NUMBER && end !== AT_QUOTE && end !== WORD_AT_QUOTE && isValue(item) && item.slot !== CLIENT;
}

function endOf(items: readonly Item[], index: number, looseInRegion: number, tabs: boolean): number | null {
  const item = items[index];
  const next = items[index + 1];
  if (item === undefined) return NOTHING;
  if (item.kind === "time") return TIME;
  if (item.kind === "number") return NUMBER;
  const free = item.kind === "loose" && looseInRegion === 1;
  if (next === undefined) return free ? AT_END : WORD_AT_END;
  if (next.kind !== "text") return null;
  if (next.text.startsWith('"')) return free ? AT_QUOTE : WORD_AT_QUOTE;
  if (next.text.startsWith(" ")) return AT_SPACE;
  if (tabs && next.text.startsWith("\t")) return free ? AT_TAB : AT_STOP;
  return item.kind === "word" ? AT_STOP : null;
}

function toStep(
  before: string,
  found: boolean,
  closes: number,
  items: readonly Item[],
  index: number,
  end: number,
): Step {
  const item = items[index];
  const next = items[index + 1];
  const value = item !== undefined && isValue(item) ? item : null;
  const time = item?.kind === "time" ? item : null;
  const code = (at: number) => (at < before.length ? before.charCodeAt(at) : -1);
  return {
    before,
    length: before.length,
    checked: before.length > (found ? 1 : 0) || before.includes('"'),
    first: found ? -1 : code(0),
    second: code(1),
    third: code(2),
    closes,
    opens: before.lastIndexOf('"') + 1 || -1,
    end,
    doubtful: item !== undefined && mayHoldQuote(item, end),
    stop: next?.kind === "text" ? next.text[0]! : "",
    colons: value?.colons ?? 0,
    slot: value?.slot ?? DROPPED,
    reader: time?.reader ?? null,
    kept: time?.kept ?? false,
  };
}

export class FastReader {
  readonly #steps: readonly Step[];

  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** False when the line needs the careful reader; `into` then holds nothing of use. `escaped`: it has a backslash. */
  read(line: string, into: Positions, escaped: boolean): boolean {
    const { starts, ends } = into;
    const steps = this.#steps;
    let at = 0;
    let region = 0;
    let doubt = false;
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index]!;
      if (step.checked) {
        if (step.first !== -1 && line.charCodeAt(at) !== step.first) return false;
        if (step.second !== -1 && line.charCodeAt(at + 1) !== step.second) return false;
        if (step.third !== -1 && line.charCodeAt(at + 2) !== step.third) return false;
        if (step.length > 3 && !line.startsWith(step.before, at)) return false;
        if (step.closes !== -1 && doubt && line.indexOf('"', region) !== at + step.closes) return false;
        if (step.opens !== -1) {
          region = at + step.opens;
          doubt = false;
        }
      }
      at += step.length;
      if (step.end === AT_SPACE && line.charCodeAt(at) === DASH && line.charCodeAt(at + 1) === SPACE) {
        // Most values outside quotes are `-`.
        starts[step.slot] = at;
        ends[step.slot] = ++at;
        continue;
      }
      const end = valueEnd(line, at, step, into, escaped);
      if (end === -1) return false;
      if (step.doubtful) doubt = true;
      starts[step.slot] = at;
      ends[step.slot] = end;
      at = end;
    }
    return at === line.length && (region === at || closingQuote(line, region) === -1);
  }
}

function readTime(line: string, at: number, step: Step, into: Positions): number {
  const reader = step.reader!;
  if (step.kept) {
    const time = reader.read(line, at);
    if (Number.isNaN(time)) return -1;
    into.time[0] = time;
  }
  return reader.width === null ? reader.endFrom(line, at) : at + reader.width;
}

/** -1 when the value does not end as it must. */
function valueEnd(line: string, at: number, step: Step, into: Positions, escaped: boolean): number {
  switch (step.end) {
    case AT_SPACE:
      return aboveOrNone(line.indexOf(" ", at), at);
    case NUMBER:
      return readNumber(line, at, into, step.slot);
    case TIME:
      return readTime(line, at, step, into);
    case AT_QUOTE:
      return escaped ? closingQuote(line, at) : line.indexOf('"', at);
    case AT_TAB:
      return line.indexOf("\t", at);
    case WORD_AT_QUOTE:
      return wordOrNone(line, at, closingQuote(line, at));
    case AT_STOP:
      return wordOrNone(line, at, wordEnd(line, at, step.stop, step.colons));
    case AT_END:
      return line.length;
    case NOTHING:
      return at;
    default:
      return wordOrNone(line, at, line.length);
  }
}

const aboveOrNone = (end: number, at: number): number => (end > at ? end : -1);

function wordOrNone(line: string, at: number, end: number): number {
  if (end <= at) return -1;
  const space = line.indexOf(" ", at);
  return space === -1 || space >= end ? end : -1;
}

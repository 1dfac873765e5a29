import { SLOT_COUNT } from "./slots.ts";

export const NO_NUMBER = -1;
/** 15 digits: more would not be exact. */
const LONGEST_NUMBER = 15;

/** Where a line's values are: what a reader finds and an event is built from. One object serves all lines. */
export class Positions {
  /** Position of a slot's first character; -1 when the line does not show the slot. */
  readonly starts = new Int32Array(SLOT_COUNT).fill(-1);
  readonly ends = new Int32Array(SLOT_COUNT).fill(-1);
  /** Numbers by their slot; NO_NUMBER where the line says `-` or does not show the slot. */
  readonly numbers = new Float64Array(SLOT_COUNT).fill(NO_NUMBER);
  /** 1 for slots whose `-` proves nothing: the format logs them for some statuses only. */
  readonly conditional = new Uint8Array(SLOT_COUNT);
  /**
   * The line's moment; NO_NUMBER when the line does not show it, NaN when what stands there is no time.
   * A typed array, so that storing it allocates nothing.
   */
  readonly time = new Float64Array(1).fill(NO_NUMBER);

  clear(): void {
    this.starts.fill(-1);
    this.numbers.fill(NO_NUMBER);
    this.time[0] = NO_NUMBER;
  }
}

/**
 * Reads the number that starts at `at` into a slot. The position behind it, -1 when there is none. A lone `-` is
 * NO_NUMBER; a negative duration, which a clock that was set back gives, is 0.
 */
export function readNumber(line: string, at: number, into: Positions, slot: number): number {
  let digit = line.charCodeAt(at) - 48;
  const negative = digit === -3;
  const start = negative ? at + 1 : at;
  if (negative) digit = line.charCodeAt(start) - 48;
  let end = start;
  let value = 0;
  while (digit >= 0 && digit <= 9) {
    value = value * 10 + digit;
    digit = line.charCodeAt(++end) - 48;
  }
  if (end === at || end - start > LONGEST_NUMBER) return -1;
  into.starts[slot] = at;
  into.numbers[slot] = !negative ? value : end === start ? NO_NUMBER : 0;
  return end;
}

/** The first quote at or behind `from` that is not escaped; -1 when there is none. Values start at or before `from`. */
export function closingQuote(line: string, from: number): number {
  let at = line.indexOf('"', from);
  while (at > from && line.charCodeAt(at - 1) === 92 && isEscaped(line, from, at))
    at = line.indexOf('"', at + 1);
  return at;
}

/** An odd number of backslashes before a character escapes it; an even number escapes each other. */
function isEscaped(line: string, from: number, at: number): boolean {
  let first = at;
  while (first > from && line.charCodeAt(first - 1) === 92) first--;
  return (at - first) % 2 === 1;
}

/**
 * Where a word that starts at `at` ends: before the first `stop`, or behind the address that `colons` colons
 * follow. -1 when there is no such end.
 */
export function wordEnd(line: string, at: number, stop: string, colons: number): number {
  if (colons === 0) return line.indexOf(stop, at);
  let end = at;
  while (end < line.length && !isBorder(line.charCodeAt(end))) end++;
  for (let left = colons; left > 0 && end > at; left--) end = line.lastIndexOf(":", end - 1);
  return end;
}

const isBorder = (code: number): boolean => code === 32 || code === 34 || code === 9;

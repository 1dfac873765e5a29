import type { Item } from "./log-format.ts";
import { closingQuote, NO_NUMBER, type Positions, readNumber, wordEnd } from "./positions.ts";
import type { Region } from "./regions.ts";

/**
 * Reads the lines on which the fast reader gives up: a user name with spaces, an empty one, a line that was cut.
 * It counts the borders, quotes that are not escaped, which splits the line into the format's regions, and in each region
 * reads forward up to the first loose value and backward down to the last. One loose value is what is left between
 * them; of several nothing is said, since nothing tells where one ends and the next starts.
 */
export class CarefulReader {
  readonly #regions: readonly Region[];
  readonly #users: number;
  readonly #tabs: boolean;

  constructor(regions: readonly Region[]) {
    this.#tabs = regions.some(({ opens }) => opens === "\t");
    this.#regions = regions;
    this.#users = regions.reduce((sum, { users }) => sum + users, 0);
  }

  /** False when the line does not have the format's shape. A `cut` line is read as far as it goes. */
  read(line: string, into: Positions, cut: boolean): boolean {
    const expected = this.#regions.length - 1;
    const whenEmpty = expected + 2 * this.#users;
    const borders = bordersOf(line, whenEmpty + 1, this.#tabs);
    const fits = (wanted: number) => (cut ? borders.length <= wanted : borders.length === wanted);
    if (fits(expected) && this.#readRegions(line, borders, into, false, cut)) return true;
    return this.#users > 0 && fits(whenEmpty) && this.#readRegions(line, borders, into, true, cut);
  }

  /** `emptyUser`: every `%u` of the line is the `""` of an empty name. */
  #readRegions(
    line: string,
    borders: readonly number[],
    into: Positions,
    emptyUser: boolean,
    cut: boolean,
  ): boolean {
    into.clear();
    let start = 0;
    let border = 0;
    for (const region of this.#regions) {
      if (start > 0 && line[start - 1] !== region.opens) return false;
      if (emptyUser) {
        for (let pair = 0; pair < region.users; pair++, border += 2) {
          if (borders[border + 1] !== borders[border]! + 1) return false;
        }
      }
      const end = borders[border++] ?? line.length;
      // What a cut line holds behind its last quote may be half a value.
      if (cut && end === line.length) return readForward(line, region.left, start, end, into, true) !== -1;
      if (!readRegion(line, region, start, end, into, emptyUser)) return false;
      start = end + 1;
    }
    return true;
  }
}

function bordersOf(line: string, limit: number, tabs: boolean): number[] {
  const borders: number[] = [];
  let quote = closingQuote(line, 0);
  let tab = tabs ? line.indexOf("\t") : -1;
  while ((quote !== -1 || tab !== -1) && borders.length < limit) {
    const isTab = quote === -1 || (tab !== -1 && tab < quote);
    borders.push(isTab ? tab : quote);
    if (isTab) tab = line.indexOf("\t", tab + 1);
    else quote = closingQuote(line, quote + 1);
  }
  return borders;
}

function readRegion(
  line: string,
  region: Region,
  start: number,
  end: number,
  into: Positions,
  emptyUser: boolean,
): boolean {
  const left = readForward(line, region.left, start, end, into, false);
  if (left === -1) return false;
  if (region.looseCount === 0) return left === end;
  const right = readBackward(line, region.right, left, end, into);
  if (right === -1) return false;
  if (region.loose === null) return true;
  // Nothing but the two quotes may stand there then.
  if (emptyUser && region.loose.quotedWhenEmpty && right - left !== 2) return false;
  keep(into, region.loose.slot, left, right);
  return true;
}

function keep(into: Positions, slot: number, start: number, end: number): void {
  into.starts[slot] = start;
  into.ends[slot] = end;
}

/** The position behind the last item, -1 when one does not fit. `open`: the text may end anywhere. */
function readForward(
  line: string,
  items: readonly Item[],
  start: number,
  end: number,
  into: Positions,
  open: boolean,
): number {
  let at = start;
  for (const [index, item] of items.entries()) {
    const following = items[index + 1];
    const stop = following?.kind === "text" ? following.text[0]! : null;
    if (open && isCutIn(item, line, at, end, into, stop)) return end;
    const next = endOf(item, line, at, end, into, stop);
    if (next === -1 || next > end) return -1;
    at = next;
  }
  return at;
}

/** Whether a line that ends at `end` ends within an item that starts at `at`. `stop`: what follows a word. */
function isCutIn(
  item: Item,
  line: string,
  at: number,
  end: number,
  into: Positions,
  stop: string | null,
): boolean {
  switch (item.kind) {
    case "text":
      return at + item.text.length > end && item.text.startsWith(line.slice(at, end));
    case "time":
      return item.reader.endFrom(line, at) >= end;
    case "number":
      if (readNumber(line, at, into, item.slot) < end) return false;
      into.numbers[item.slot] = NO_NUMBER;
      return true;
    default:
      return stop === null || wordEnd(line, at, stop, item.colons) === -1;
  }
}

/** Reads an item that starts at `at`: where it ends, -1 when it does not fit. */
function endOf(
  item: Item,
  line: string,
  at: number,
  end: number,
  into: Positions,
  stop: string | null,
): number {
  switch (item.kind) {
    case "text":
      return line.startsWith(item.text, at) ? at + item.text.length : -1;
    case "time":
      if (item.kept) into.time[0] = item.reader.read(line, at);
      return item.reader.endFrom(line, at);
    case "number":
      return readNumber(line, at, into, item.slot);
    default: {
      const found = stop === null ? end : wordEnd(line, at, stop, item.colons);
      if (!isWord(line, at, found)) return -1;
      keep(into, item.slot, at, found);
      return found;
    }
  }
}

/** The position where the first item starts, -1 when one does not fit between `left` and `end`. */
function readBackward(
  line: string,
  items: readonly Item[],
  left: number,
  end: number,
  into: Positions,
): number {
  let at = end;
  for (let index = items.length - 1; index >= 0; index--) {
    const before = items[index - 1];
    at = startOf(items[index]!, line, left, at, into, before?.kind === "text" ? before.text.at(-1)! : null);
    if (at < left) return -1;
  }
  return at;
}

/** Reads an item that ends at `end`: where it starts, -1 when it does not fit behind `left`. `stop`: what precedes a word. */
function startOf(
  item: Item,
  line: string,
  left: number,
  end: number,
  into: Positions,
  stop: string | null,
): number {
  switch (item.kind) {
    case "text": {
      const start = end - item.text.length;
      return start >= left && line.startsWith(item.text, start) ? start : -1;
    }
    case "time": {
      const start = item.reader.startFrom(line, end);
      if (start >= left && item.kept) into.time[0] = item.reader.read(line, start);
      return start;
    }
    case "number": {
      let start = end;
      while (start > left && isDigit(line.charCodeAt(start - 1))) start--;
      // A lone dash.
      if (start === end) start--;
      return start >= left && readNumber(line, start, into, item.slot) === end ? start : -1;
    }
    default: {
      // Nothing tells where an address starts behind a character that it may hold itself.
      if (stop === null || (item.address && /[0-9a-fA-F:.]/.test(stop))) return -1;
      const start = line.lastIndexOf(stop, end - 1) + 1;
      if (start < left || !isWord(line, start, end)) return -1;
      keep(into, item.slot, start, end);
      return start;
    }
  }
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function isWord(line: string, start: number, end: number): boolean {
  if (end <= start) return false;
  const space = line.indexOf(" ", start);
  return space === -1 || space >= end;
}

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
    let next: number;
    if (item.kind === "text") {
      if (open && at + item.text.length > end && item.text.startsWith(line.slice(at, end))) return end;
      next = line.startsWith(item.text, at) ? at + item.text.length : -1;
    } else if (item.kind === "time") {
      next = item.reader.endFrom(line, at);
      if (open && next >= end) return end;
      if (item.kept) into.time[0] = item.reader.read(line, at);
    } else if (item.kind === "number") {
      next = readNumber(line, at, into, item.slot);
      if (open && next >= end) {
        into.numbers[item.slot] = NO_NUMBER;
        return end;
      }
    } else {
      const following = items[index + 1];
      const stop = following?.kind === "text" ? following.text[0]! : "";
      const found = stop === "" ? end : wordEnd(line, at, stop, item.colons);
      if (open && (stop === "" || found === -1)) return end;
      next = isWord(line, at, found) ? found : -1;
      if (next !== -1) keep(into, item.slot, at, next);
    }
    if (next === -1 || next > end) return -1;
    at = next;
  }
  return at;
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
    const item = items[index]!;
    let next: number;
    if (item.kind === "text") {
      next = at - item.text.length;
      if (next < left || !line.startsWith(item.text, next)) return -1;
    } else if (item.kind === "time") {
      next = item.reader.startFrom(line, at);
      if (next < left) return -1;
      if (item.kept) into.time[0] = item.reader.read(line, next);
    } else if (item.kind === "number") {
      next = at;
      while (next > left && isDigit(line.charCodeAt(next - 1))) next--;
      if (next === at) next--;
      if (next < left || readNumber(line, next, into, item.slot) !== at) return -1;
    } else {
      const before = items[index - 1];
      const stop = before?.kind === "text" ? before.text.at(-1)! : "";
      // Nothing tells where an address starts behind a character that it may hold itself.
      if (stop === "" || (item.address && /[0-9a-fA-F:.]/.test(stop))) return -1;
      next = line.lastIndexOf(stop, at - 1) + 1;
      if (next < left || !isWord(line, next, at)) return -1;
      keep(into, item.slot, next, at);
    }
    at = next;
  }
  return at;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function isWord(line: string, start: number, end: number): boolean {
  if (end <= start) return false;
  const space = line.indexOf(" ", start);
  return space === -1 || space >= end;
}

import { DAY_MS, HOUR_MS } from "../model/time.ts";

/** Lines of one file are this late at most where their times are written in order. */
const LATE_MS = 10_000;
/** No zone in use today changes its offset anywhere but on a quarter of an hour. */
const QUARTER_HOUR = 900_000;
/** Older than what is known by more than this is no line that was late, but a file that is read anew. */
const ANEW_MS = 2 * HOUR_MS;
/** A busy log is never silent for so long. */
const SILENT_MS = HOUR_MS / 4;

/**
 * How many times in a row must go back before the clock is believed to have been set back: one where lines bear the
 * time at which they are written, more where they bear that of a request's beginning.
 */
export const TIMES_OF_WRITING = 1;
export const TIMES_OF_REQUESTS = 10;
/** So many times as many where the log would have been silent before: WebSockets end together at a restart. */
const AFTER_SILENCE = 10;

export interface ZoneOptions {
  readonly patience: number;
  /** The last time that is known of the log, milliseconds since 1970. */
  readonly since?: number | null | undefined;
}

/** Null is the host's zone. Throws RangeError for a name that the runtime does not know. */
export const openZone = (
  timezone: string | null,
  options: ZoneOptions = { patience: TIMES_OF_REQUESTS },
): Zone => new Zone(timezone === null ? hostOffset : namedOffset(timezone), options);

/**
 * Turns wall-clock times of one time zone into UTC. It remembers how far the log has come: when the clock goes back, one
 * hour happens twice, and only the order of the lines tells which of the two is meant. What does not tell is the first.
 * An hour that never happens (the clock goes forward) is read by the offset before the change.
 */
export class Zone {
  readonly #offsetAt: (utc: number) => number;
  readonly #patience: number;
  #newest: number;
  /** Times in a row that were behind the newest. */
  #behind = 0;
  #quarter = Number.NaN;
  #first = 0;
  #second = 0;
  /** When the clock goes back, of a time that happens twice. */
  #change = Number.POSITIVE_INFINITY;

  constructor(offsetAt: (utc: number) => number, { patience, since }: ZoneOptions) {
    this.#offsetAt = offsetAt;
    this.#patience = patience;
    this.#newest = since ?? Number.NEGATIVE_INFINITY;
  }

  /** True when the time that was asked for last happens twice: the same text may mean another time on the next line. */
  get isTwofold(): boolean {
    return this.#first !== this.#second;
  }

  /** `wall` is the wall clock's time written as if it were UTC, in milliseconds. */
  toUtc(wall: number): number {
    const quarter = Math.floor(wall / QUARTER_HOUR);
    if (quarter !== this.#quarter) this.#findOffsets(quarter);
    const first = wall - this.#first;
    const second = wall - this.#second;
    if (this.isTwofold && this.#newest >= this.#change && second >= this.#newest - ANEW_MS) {
      // A line that was late by seconds may be from before the change: no log is silent for the whole hour instead.
      return this.#accept(first >= this.#newest - LATE_MS ? first : second);
    }
    if (first >= this.#newest - LATE_MS) return this.#accept(first);
    const isBack = this.isTwofold && this.#newest < this.#change;
    const isSilent = this.#patience > 1 && isBack && second - this.#newest > SILENT_MS;
    if (++this.#behind < this.#patience * (isSilent ? AFTER_SILENCE : 1)) return first;
    // Where no change of the zone's explains it the clock was wrong before, or the file is read anew.
    this.#newest = isBack ? second : first;
    this.#behind = 0;
    return this.#newest;
  }

  #accept(moment: number): number {
    if (moment <= this.#newest) return moment;
    this.#newest = moment;
    this.#behind = 0;
    return moment;
  }

  #findOffsets(quarter: number): void {
    this.#quarter = quarter;
    const wall = quarter * QUARTER_HOUR;
    const before = this.#offsetAt(wall - DAY_MS);
    const after = this.#offsetAt(wall + DAY_MS);
    const isBefore = before === after || this.#offsetAt(wall - before) === before;
    const isAfter = this.#offsetAt(wall - after) === after;
    this.#first = isBefore || !isAfter ? before : after;
    this.#second = isAfter ? after : this.#first;
    if (this.isTwofold) this.#change = this.#changeWithin(wall - DAY_MS, wall + DAY_MS, after);
  }

  /** The first quarter of an hour with that offset, between one that has another and one that has it. */
  #changeWithin(before: number, after: number, offset: number): number {
    if (after - before <= QUARTER_HOUR) return after;
    const middle = before + Math.floor((after - before) / QUARTER_HOUR / 2) * QUARTER_HOUR;
    return this.#offsetAt(middle) === offset
      ? this.#changeWithin(before, middle, offset)
      : this.#changeWithin(middle, after, offset);
  }
}

const hostOffset = (utc: number): number => -new Date(utc).getTimezoneOffset() * 60_000;

function namedOffset(timezone: string): (utc: number) => number {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (utc) => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(utc)) part[type] = Number(value);
    return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second) - utc;
  };
}

import type { TimePart, TimeUnit } from "./time-format.ts";
import type { Zone } from "./zone.ts";

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The parts that differ from line to line; the rest is compared with the time before. */
const CHANGING: readonly TimePart["kind"][] = ["second", "millisecond", "microsecond"];

/** %e, %k and %l, and the C library's own dates, pad these with a space. */
const PADDED: readonly TimePart["kind"][] = ["day", "hour", "hour12"];

/**
 * Reads times of one shape. The lines of one minute share everything but seconds and fraction, so the last text and
 * its moment are kept, and a line that has the same text is only read where it may differ.
 */
export class TimeReader {
  readonly #parts: readonly TimePart[];
  readonly #zone: Zone;
  /** Length of the text; null when a part has no fixed one. */
  readonly width: number | null;
  /** Where the seconds and the fraction start, -1 when the shape has none; and where the last of them ends. */
  readonly #secondAt: number;
  readonly #fractionAt: number;
  readonly #fractionWidth: number;
  readonly #headWidth: number;
  /** What stands between the seconds and the fraction. */
  readonly #middle: string;
  readonly #middleAt: number;
  readonly #tailAt: number;
  readonly #tailWidth: number;
  /** False for shapes that put the date between seconds and fraction, or that have no fixed width. */
  readonly #cacheable: boolean;
  #head = "\n";
  #tail = "\n";
  #base = Number.NaN;

  constructor(parts: readonly TimePart[], zone: Zone) {
    this.#parts = parts;
    this.#zone = zone;
    this.width = widthOf(parts);
    const isFraction = ({ kind }: TimePart) => kind === "millisecond" || kind === "microsecond";
    this.#secondAt = offsetOf(
      parts,
      parts.findIndex(({ kind }) => kind === "second"),
    );
    this.#fractionAt = offsetOf(parts, parts.findIndex(isFraction));
    this.#fractionWidth = parts.find(isFraction)?.width ?? 0;
    const first = parts.findIndex(({ kind }) => CHANGING.includes(kind));
    const last = parts.findLastIndex(({ kind }) => CHANGING.includes(kind));
    const between = first === -1 ? [] : parts.slice(first, last + 1);
    const isPlain = between.every(({ kind }) => kind === "text" || CHANGING.includes(kind));
    this.#cacheable = this.width !== null && between.length <= 3 && isPlain;
    this.#middle = between.map((part) => (part.kind === "text" ? part.text : "")).join("");
    this.#middleAt = offsetOf(parts, first) + (between[0]?.width ?? 0);
    this.#headWidth = first === -1 ? (this.width ?? 0) : offsetOf(parts, first);
    this.#tailAt = first === -1 ? (this.width ?? 0) : offsetOf(parts, last + 1);
    this.#tailWidth = (this.width ?? 0) - this.#tailAt;
  }

  /** What stands in every time of the shape, without what stands between. */
  get text(): string {
    return this.#parts.map((part) => (part.kind === "text" ? part.text : "")).join("");
  }

  /** Milliseconds since 1970; NaN when no time of this shape starts at `at`. */
  read(line: string, at: number): number {
    // Measured: for text of this length `slice` and `===` take two thirds of `startsWith`.
    if (line.slice(at, at + this.#headWidth) !== this.#head) return this.#parse(line, at);
    const tailAt = at + this.#tailAt;
    if (line.slice(tailAt, tailAt + this.#tailWidth) !== this.#tail) return this.#parse(line, at);
    let moment = this.#base;
    if (this.#secondAt !== -1) {
      const second = digits(line, at + this.#secondAt, 2);
      if (second < 0 || second > 60) return Number.NaN;
      moment += second * 1_000;
    }
    if (this.#fractionAt === -1) return moment;
    if (!line.startsWith(this.#middle, at + this.#middleAt)) return Number.NaN;
    const fraction = digits(line, at + this.#fractionAt, this.#fractionWidth);
    return fraction < 0
      ? Number.NaN
      : moment + (this.#fractionWidth === 3 ? fraction : Math.floor(fraction / 1_000));
  }

  /** Where a time that starts at `at` ends; -1 when its letters cannot be told. */
  endFrom(line: string, at: number): number {
    if (this.width !== null) return at + this.width;
    for (const part of this.#parts) {
      if (part.width !== null) at += part.width;
      else while (isNameCharacter(line.charCodeAt(at))) at++;
    }
    return at;
  }

  /** Where a time that ends at `end` starts. */
  startFrom(line: string, end: number): number {
    if (this.width !== null) return end - this.width;
    for (const part of this.#parts.toReversed()) {
      if (part.width !== null) end -= part.width;
      else while (end > 0 && isNameCharacter(line.charCodeAt(end - 1))) end--;
    }
    return end;
  }

  #parse(line: string, at: number): number {
    const moment = parseMoment(line, at, this.#parts, this.#zone);
    if (!this.#cacheable || Number.isNaN(moment) || this.#zone.isTwofold) return moment;
    this.#head = flat(line.slice(at, at + this.#headWidth));
    this.#tail = flat(line.slice(at + this.#tailAt, at + this.width!));
    this.#base = 0;
    this.#base = moment - this.read(line, at);
    return moment;
  }
}

/** A copy: a slice would keep its chunk of the log in memory, and comparing with one is ten times as slow. */
const flat = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

const widthOf = (parts: readonly TimePart[]): number | null =>
  parts.reduce<number | null>((sum, { width }) => (sum === null || width === null ? null : sum + width), 0);

/** Where a part starts; -1 for one that is not there. Only shapes of fixed width are read by it. */
const offsetOf = (parts: readonly TimePart[], index: number): number =>
  index === -1 ? -1 : (widthOf(parts.slice(0, index)) ?? 0);

interface Fields {
  year: number;
  month: number;
  day: number;
  hour: number;
  half: number;
  minute: number;
  second: number;
  fraction: number;
  /** Minutes east of Greenwich; null when the text has none. */
  offset: number | null;
  /** Milliseconds since 1970 when the text counts them itself. */
  epoch: number | null;
}

function parseMoment(line: string, start: number, parts: readonly TimePart[], zone: Zone): number {
  const fields: Fields = {
    year: 0,
    month: 0,
    day: 0,
    hour: 0,
    half: 0,
    minute: 0,
    second: 0,
    fraction: 0,
    offset: null,
    epoch: null,
  };
  let at = start;
  for (const part of parts) {
    let width = part.width;
    if (width === null) {
      let end = at;
      while (isNameCharacter(line.charCodeAt(end))) end++;
      width = end - at;
    }
    if (at + width > line.length || !readPart(line, at, width, part, fields)) return Number.NaN;
    at += width;
  }
  if (fields.epoch !== null) return fields.epoch + fields.fraction;
  return toMoment(fields, zone);
}

/** False when the text is not what the part should be. */
function readPart(line: string, at: number, width: number, part: TimePart, fields: Fields): boolean {
  switch (part.kind) {
    case "text":
      return line.startsWith(part.text, at);
    case "skip":
      return width > 0;
    case "monthName":
      fields.month = monthNamed(line.slice(at, at + 3));
      return fields.month > 0;
    case "half": {
      const half = line.slice(at, at + 2).toUpperCase();
      fields.half = half === "PM" ? 12 : 0;
      return half === "AM" || half === "PM";
    }
    case "offset": {
      const sign = line[at];
      const hours = digits(line, at + 1, 2);
      const minutes = digits(line, at + 3, 2);
      fields.offset = (sign === "-" ? -1 : 1) * (hours * 60 + minutes);
      return (sign === "+" || sign === "-") && hours >= 0 && minutes >= 0;
    }
    default: {
      const padded = PADDED.includes(part.kind) && line.charCodeAt(at) === 32;
      const value = padded ? digits(line, at + 1, 1) : digits(line, at, width);
      if (value >= 0) setNumber(part.kind, value, fields);
      return value >= 0;
    }
  }
}

type NumericUnit = Exclude<TimeUnit, "skip" | "monthName" | "half" | "offset">;

function setNumber(kind: NumericUnit, value: number, fields: Fields): void {
  switch (kind) {
    case "shortYear":
      fields.year = value < 69 ? 2000 + value : 1900 + value;
      return;
    case "hour12":
      fields.hour = value >= 1 && value <= 12 ? value % 12 : Number.NaN;
      return;
    case "millisecond":
      fields.fraction = value;
      return;
    case "microsecond":
      fields.fraction = Math.floor(value / 1_000);
      return;
    case "seconds":
      fields.epoch = value * 1_000;
      return;
    case "milliseconds":
      fields.epoch = value;
      return;
    case "microseconds":
      fields.epoch = Math.floor(value / 1_000);
      return;
    default:
      fields[kind] = value;
  }
}

/** NaN for a day or an hour that does not exist. A leap second is the second after it. */
function toMoment(fields: Fields, zone: Zone): number {
  const { year, month, day, minute, second, fraction, offset } = fields;
  const hour = fields.hour + fields.half;
  const inRange =
    year >= 1970 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 60;
  if (!inRange || day > daysIn(year, month)) return Number.NaN;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  return fraction + (offset === null ? zone.toUtc(wall) : wall - offset * 60_000);
}

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return DAYS_IN_MONTH[month - 1]! + (leap ? 1 : 0);
}

function monthNamed(name: string): number {
  const at = MONTHS.indexOf(name);
  return name.length === 3 && at % 3 === 0 ? at / 3 + 1 : 0;
}

/** -1 when not all `width` characters are digits. */
function digits(line: string, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index++) {
    const digit = line.charCodeAt(index) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Weekdays, months and zone abbreviations: `Friday`, `CEST`, `+03`. */
const isNameCharacter = (code: number): boolean =>
  (code >= 65 && code <= 90) ||
  (code >= 97 && code <= 122) ||
  (code >= 48 && code <= 57) ||
  code === 43 ||
  code === 45;

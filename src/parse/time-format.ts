import type { Zone } from "./zone.ts";

/** One part of a written time. `width` null: a run of letters, digits and signs of any length. */
export type TimePart =
  | { readonly kind: "text"; readonly text: string; readonly width: number }
  | { readonly kind: TimeUnit; readonly width: number | null };

/**
 * What a part says. `skip` is matched by its width alone (a weekday); `seconds`, `milliseconds` and
 * `microseconds` are whole times since 1970, ten, thirteen and sixteen digits until the year 2286.
 */
export type TimeUnit =
  | "year"
  | "shortYear"
  | "month"
  | "monthName"
  | "day"
  | "hour"
  | "hour12"
  | "half"
  | "minute"
  | "second"
  | "offset"
  | "millisecond"
  | "microsecond"
  | "seconds"
  | "milliseconds"
  | "microseconds"
  | "skip";

const unit = (kind: TimeUnit, width: number | null): TimePart => ({ kind, width });
const text = (value: string): TimePart => ({ kind: "text", text: value, width: value.length });

/** strftime in Apache's C locale; a string stands for other conversions. */
const CONVERSIONS: Readonly<Record<string, TimePart | string>> = {
  Y: unit("year", 4),
  y: unit("shortYear", 2),
  m: unit("month", 2),
  b: unit("monthName", 3),
  h: unit("monthName", 3),
  B: unit("monthName", null),
  d: unit("day", 2),
  e: unit("day", 2),
  H: unit("hour", 2),
  k: unit("hour", 2),
  I: unit("hour12", 2),
  l: unit("hour12", 2),
  p: unit("half", 2),
  M: unit("minute", 2),
  S: unit("second", 2),
  z: unit("offset", 5),
  s: unit("seconds", 10),
  a: unit("skip", 3),
  A: unit("skip", null),
  Z: unit("skip", null),
  j: unit("skip", 3),
  u: unit("skip", 1),
  w: unit("skip", 1),
  U: unit("skip", 2),
  V: unit("skip", 2),
  W: unit("skip", 2),
  t: text("\t"),
  "%": text("%"),
  F: "%Y-%m-%d",
  T: "%H:%M:%S",
  R: "%H:%M",
  D: "%m/%d/%y",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
  r: "%I:%M:%S %p",
  c: "%a %b %e %H:%M:%S %Y",
};

/** Apache's own words for `%{…}t`. */
const WORDS: Readonly<Record<string, TimePart>> = {
  sec: unit("seconds", 10),
  msec: unit("milliseconds", 13),
  usec: unit("microseconds", 16),
  msec_frac: unit("millisecond", 3),
  usec_frac: unit("microsecond", 6),
};

export const COMMON_TIME = "[%d/%b/%Y:%H:%M:%S %z]";

/** The parts of `%{format}t` without its `begin:` or `end:`; a string names the conversion that is not understood. */
export function timeParts(format: string): TimePart[] | string {
  if (Object.hasOwn(WORDS, format)) return [WORDS[format]!];
  const parts: TimePart[] = [];
  for (let at = 0; at < format.length; at++) {
    if (format[at] !== "%") {
      const next = format.indexOf("%", at);
      const end = next === -1 ? format.length : next;
      parts.push(text(format.slice(at, end)));
      at = end - 1;
      continue;
    }
    at++;
    const letter = format[at] ?? "";
    if (!Object.hasOwn(CONVERSIONS, letter)) return `%${letter}`;
    const conversion = CONVERSIONS[letter]!;
    if (typeof conversion === "string") parts.push(...(timeParts(conversion) as TimePart[]));
    else parts.push(conversion);
  }
  return parts;
}

/** True when the parts tell one moment, at least to the minute. */
export function isMoment(parts: readonly TimePart[]): boolean {
  const has = (...kinds: TimePart["kind"][]) => parts.some(({ kind }) => kinds.includes(kind));
  if (has("seconds", "milliseconds", "microseconds")) return true;
  const date = has("year", "shortYear") && has("month", "monthName") && has("day");
  return date && has("minute") && (has("hour") || (has("hour12") && has("half")));
}

const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The parts that differ from line to line; the rest is compared with the time before. */
const CHANGING: readonly TimePart["kind"][] = ["second", "millisecond", "microsecond"];

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
    this.#cacheable =
      this.width !== null && between.every(({ kind }) => kind === "text" || CHANGING.includes(kind));
    this.#middle = between.map((part) => (part.kind === "text" ? part.text : "")).join("");
    this.#middleAt = offsetOf(parts, first) + (between[0]?.width ?? 0);
    this.#headWidth = first === -1 ? (this.width ?? 0) : offsetOf(parts, first);
    this.#tailAt = first === -1 ? (this.width ?? 0) : offsetOf(parts, last + 1);
    this.#tailWidth = (this.width ?? 0) - this.#tailAt;
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
    if (!this.#cacheable || Number.isNaN(moment)) return moment;
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
      // %e, %k and %l, and the C library's own dates, pad with a space.
      const padded = width === 2 && line.charCodeAt(at) === 32;
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

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
  P: unit("half", 2),
  M: unit("minute", 2),
  S: unit("second", 2),
  z: unit("offset", 5),
  s: unit("seconds", 10),
  a: unit("skip", 3),
  A: unit("skip", null),
  Z: unit("skip", null),
  j: unit("skip", 3),
  C: unit("skip", 2),
  G: unit("skip", 4),
  g: unit("skip", 2),
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
    // %EY and %Od: other calendars and digits, which the C locale does not have.
    if (/[EO]/.test(format[at] ?? "")) at++;
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

import type { Brand } from "./brand.ts";

/** Milliseconds since 1970 in UTC. `Infinity` is "never" (a permanent ban's `until`). */
export type UnixMs = Brand<number, "UnixMs">;

/** A length of time in milliseconds. `Infinity` is "permanent". */
export type DurationMs = Brand<number, "DurationMs">;

/**
 * The clock is a parameter wherever it decides something: replay and tests pass their own. `main.ts` and the ingestion thread
 * have the real one.
 */
export interface Clock {
  now(): UnixMs;
}

/** setTimeout fires at once for anything longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const unixMs = (value: number): UnixMs => value as UnixMs;
export const NEVER = Infinity as UnixMs;
export const PERMANENT = Infinity as DurationMs;

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** Three hundred years. What ends later than a Date can tell (the year 275760) would make every list of bans fail. */
const LONGEST_MS = 300 * 365 * DAY_MS;

/** `90s`, `15m`, `4h`, `7d`, `2w` or `permanent`; null when the text is none of these or a length beyond reason. */
export function parseDuration(text: string): DurationMs | null {
  if (text === "permanent") return PERMANENT;
  const match = /^(\d{1,9})([smhdw])$/.exec(text);
  if (match === null) return null;
  const length = Number(match[1]) * UNITS[match[2]!]!;
  return length > 0 && length <= LONGEST_MS ? (length as DurationMs) : null;
}

/** The shortest exact spelling that `parseDuration` reads back: 14400000 is `4h`. */
export function formatDuration(length: DurationMs): string {
  if (length === PERMANENT) return "permanent";
  for (const unit of ["w", "d", "h", "m"]) {
    if (length % UNITS[unit]! === 0) return `${length / UNITS[unit]!}${unit}`;
  }
  return `${Math.round(length / 1000)}s`;
}

export const later = (time: UnixMs, length: DurationMs): UnixMs => unixMs(time + length);

/** RFC 3339 in UTC, as every interface prints times. */
export const toIso = (time: UnixMs): string => new Date(time).toISOString();

/** As `toIso`, with null for "never". */
export const toIsoOrNull = (time: UnixMs): string | null => (time === NEVER ? null : toIso(time));

/** Turns wall-clock times of one time zone into UTC. */
export interface Zone {
  /**
   * `wall` is the wall clock's time written as if it were UTC, in milliseconds.
   * An hour that happens twice (clocks go back) is taken as its first; one that never happens
   * (clocks go forward) by the offset before the change.
   */
  toUtc(wall: number): number;
}

/** No zone in use today changes its offset anywhere but on a quarter of an hour. */
const QUARTER_HOUR = 900_000;
const DAY = 86_400_000;

/** Null is the host's zone. Throws RangeError for a name that the runtime does not know. */
export function openZone(timezone: string | null): Zone {
  const offsetOf = timezone === null ? hostOffset : namedOffset(timezone);
  let quarter = Number.NaN;
  let offset = 0;
  return {
    toUtc(wall) {
      const now = Math.floor(wall / QUARTER_HOUR);
      if (now !== quarter) {
        offset = offsetOf(now * QUARTER_HOUR);
        quarter = now;
      }
      return wall - offset;
    },
  };
}

/** Date's own local arithmetic, which treats double and missing hours as promised above. */
function hostOffset(wall: number): number {
  const { year, month, day, hour, minute } = wallFields(wall);
  return wall - new Date(year, month, day, hour, minute).getTime();
}

function namedOffset(timezone: string): (wall: number) => number {
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
  const offsetAt = (utc: number): number => {
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(utc)) part[type] = Number(value);
    return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second) - utc;
  };
  return (wall) => {
    const before = offsetAt(wall - DAY);
    const after = offsetAt(wall + DAY);
    if (before === after || offsetAt(wall - before) === before) return before;
    return offsetAt(wall - after) === after ? after : before;
  };
}

function wallFields(wall: number) {
  const date = new Date(wall);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
  };
}

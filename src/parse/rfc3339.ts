import type { Zone } from "./zone.ts";

const SHAPE =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/** Milliseconds since 1970; NaN for what is no RFC 3339 time. Without a `zone`, a time must name its own. */
export function parseRfc3339(text: string, zone: Zone | null): number {
  const match = SHAPE.exec(text);
  if (match === null) return Number.NaN;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  // Date rolls 31 February over into March. A leap second may roll over, whatever its day.
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!exists || hour > 23 || minute > 59 || second > 60 || year < 1970) return Number.NaN;
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const fraction = Number((match[7] ?? "").slice(0, 3).padEnd(3, "0"));
  if (match[8] !== undefined) return wall + fraction;
  if (match[9] === undefined) return zone === null ? Number.NaN : zone.toUtc(wall) + fraction;
  const offset = (Number(match[10]) * 60 + Number(match[11])) * 60_000;
  return wall + fraction + (match[9] === "-" ? offset : -offset);
}

/** How times, numbers and hints are written on the page. Times in milliseconds since 1970, in the browser's zone. */

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;

const count = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 2 });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "long" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" });
const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

export const formatCount = (value: number): string => count.format(value);
export const formatMoment = (time: number): string => moment.format(time);
export const formatDay = (time: number): string => day.format(time);
export const formatClock = (time: number): string => clock.format(time);

/** The browser's zone as it is at that time: `UTC`, `GMT+9`. */
export const formatZone = (time: number): string =>
  zone.formatToParts(time).find(({ type }) => type === "timeZoneName")?.value ?? "";

/** `12 s ago`; a time ahead (a server's clock a little off) is `now`. */
export function formatAgo(time: number, now: number): string {
  const age = now - time;
  if (age < 2 * SECOND) return "now";
  return `${roughly(age)} ago`;
}

/** `in 12 min`; a time that has passed is `now`. */
export function formatAhead(time: number, now: number): string {
  return time - now < SECOND ? "now" : `in ${roughly(time - now)}`;
}

/** `12 min`. */
export const formatLength = roughly;

function roughly(length: number): string {
  if (length < 100 * SECOND) return `${Math.floor(length / SECOND)} s`;
  if (length < 100 * MINUTE) return `${Math.floor(length / MINUTE)} min`;
  if (length < 48 * HOUR) return `${Math.floor(length / HOUR)} h`;
  return `${Math.floor(length / DAY)} d`;
}

/** What is left until `until`, to the second: `3:59:42`, `6 d 03:59:42`; null once it has passed. */
export function formatRemaining(until: number, now: number): string | null {
  const seconds = Math.ceil((until - now) / SECOND);
  if (seconds <= 0) return null;
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  const tail = [Math.floor(seconds / 60) % 60, seconds % 60].map(twoDigits).join(":");
  return days > 0 ? `${days} d ${twoDigits(hours)}:${tail}` : `${hours}:${tail}`;
}

const twoDigits = (value: number): string => String(value).padStart(2, "0");

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  const value = bytes / 1024 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1]}`;
}

/** `0.02%` of the whole; null where there is no whole. */
export const formatShare = (share: number, whole: number): string | null =>
  whole === 0 ? null : percent.format(share / whole);

/** A hint of the server with a capital letter; a path, a key or our command at its beginning stays as it is. */
export const sentence = (hint: string): string =>
  hint.replace(/^(?!sekisho )[a-z]+(?=[\s,:;]|$)/, (word) => word[0]!.toUpperCase() + word.slice(1));

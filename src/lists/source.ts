import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { type Downloaded, download, shown, type Validators } from "../download/download.ts";
import { isWebAddress } from "../model/web-address.ts";

/** What a list may weigh: half a million lines of sixty bytes. */
export const MOST_BYTES = 32 * 2 ** 20;
const TIME_LIMIT_MS = 60_000;

/** Where a list comes from, as people may see it. */
export const shownSource = (from: string): string => (isWebAddress(from) ? shown(from) : from);

/** What a list's source has, unless it has what is known. Throws when it cannot be had. */
export const fetchSource = (
  from: string,
  known: Validators | null,
  signal: AbortSignal,
): Promise<Downloaded> =>
  isWebAddress(from)
    ? download(from, { mostBytes: MOST_BYTES, timeLimitMs: TIME_LIMIT_MS, known, signal })
    : readSource(from, known, signal);

/** A file tells by its number, size and time whether it is the one that was read. */
async function readSource(path: string, known: Validators | null, signal: AbortSignal): Promise<Downloaded> {
  // Not blocking: a pipe that nobody writes to would be waited for without end.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = await file.stat({ bigint: true });
  if (!stat.isFile()) throw new Error(`${path} is no file`);
  const etag = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join("-");
  if (known?.etag === etag) return { kind: "unchanged" };
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of file.createReadStream({ autoClose: false, signal })) {
    bytes += (part as Buffer).length;
    if (bytes > MOST_BYTES) throw new Error(`${path} is longer than ${MOST_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  return { kind: "new", bytes: Buffer.concat(parts), validators: { etag, lastModified: null } };
}

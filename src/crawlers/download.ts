import type { CrawlerName } from "../model/crawler.ts";
import { messageOf } from "../model/errors.ts";
import { MOST_BYTES, parseRanges, storedRanges, storeRanges } from "./ranges.ts";

const TIME_LIMIT_MS = 20_000;

/** The text at an address. Throws when it is too long, takes too long or leads elsewhere. */
export async function download(url: string, timeLimitMs = TIME_LIMIT_MS): Promise<string> {
  const answer = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(timeLimitMs),
    headers: { accept: "application/json" },
  });
  if (!answer.ok || answer.body === null) throw new Error(`${url} answered ${answer.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error(`${url} is longer than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/**
 * Fetches each list and keeps it in the data folder. What fails leaves the last good copy as it is; afterwards all that
 * failed is thrown as one error.
 */
export async function downloadRanges(
  data: string,
  urls: Readonly<Partial<Record<CrawlerName, string>>>,
): Promise<void> {
  const failed: string[] = [];
  for (const [name, url] of Object.entries(urls) as [CrawlerName, string][]) {
    if (url === "off") continue;
    try {
      const text = await download(url);
      parseRanges(text);
      storeRanges(data, name, text);
    } catch (error) {
      failed.push(`${name}: ${firstLine(error)}`);
    }
  }
  if (failed.length === 0) return;
  throw new Error(
    `ranges of crawlers were not fetched, copies stay: ${failed.join("; ")}. Where this host may not fetch them set crawlers.ranges to off, each`,
  );
}

/** Fetches each list, and hands over what there is then, whatever failed. */
export async function refreshRanges(
  data: string,
  urls: Readonly<Partial<Record<CrawlerName, string>>>,
  use: (ranges: ReturnType<typeof storedRanges>) => Promise<unknown>,
): Promise<void> {
  try {
    await downloadRanges(data, urls);
  } finally {
    await use(storedRanges(data));
  }
}

/** What zod says of a list that is none has a line for each entry. */
const firstLine = (error: unknown): string => {
  const cause = error instanceof Error && error.cause !== undefined ? ` (${messageOf(error.cause)})` : "";
  return `${messageOf(error).replace(/\s+/g, " ").slice(0, 200)}${cause}`;
};

import { download, failure } from "../download/download.ts";
import type { CrawlerName } from "../model/crawler.ts";
import { MOST_BYTES, parseRanges, storedRanges, storeRanges } from "./ranges.ts";

/**
 * Fetches each list and keeps it in the data folder. What fails leaves the last good copy as it is; afterwards all that
 * failed is thrown as one error.
 */
async function downloadRanges(
  data: string,
  urls: Readonly<Partial<Record<CrawlerName, string>>>,
): Promise<void> {
  const failed: string[] = [];
  for (const [name, url] of Object.entries(urls) as [CrawlerName, string][]) {
    if (url === "off") continue;
    try {
      const fetched = await download(url, { mostBytes: MOST_BYTES, accept: "application/json" });
      if (fetched.kind === "unchanged") continue;
      const text = fetched.bytes.toString("utf8");
      parseRanges(text);
      storeRanges(data, name, text);
    } catch (error) {
      failed.push(`${name}: ${failure(error)}`);
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

import type { Job } from "./scheduler.ts";

/** Fetches the ranges that search engines publish of their crawlers. Where that fails the last copies go on. */
export const fetchCrawlerRanges = (schedule: string, fetch: () => Promise<void>): Job => ({
  name: "fetch-crawler-ranges",
  schedule,
  run: fetch,
});

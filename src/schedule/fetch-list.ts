import type { Job } from "./scheduler.ts";

/** The name of the job that fetches this list. */
export const listJobName = (list: string): string => `fetch-list-${list}`;

/** Fetches an imported list. What is wrong with its source is told with the list. */
export const fetchList = (list: string, schedule: string, fetch: () => Promise<void>): Job => ({
  name: listJobName(list),
  schedule,
  run: fetch,
});

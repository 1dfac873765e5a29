import { type DurationMs, PERMANENT, type UnixMs, unixMs } from "../model/time.ts";
import type { Job } from "./scheduler.ts";

/**
 * Deletes events that are older than `retention` and, while the database is over its disk budget, the oldest. A step at a
 * time, so that ingestion goes on in between; `deleteSome` answers whether there may be more.
 */
export const deleteOldEvents = (
  retention: DurationMs,
  deleteSome: (before: UnixMs | null) => Promise<boolean>,
): Job => ({
  name: "delete-old-events",
  // A flood must not fill the disk within an hour.
  schedule: "* * * * *",
  run: async () => {
    while (await deleteSome(retention === PERMANENT ? null : unixMs(Date.now() - retention)));
  },
});

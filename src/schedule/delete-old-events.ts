import { type DurationMs, PERMANENT, type UnixMs, unixMs } from "../model/time.ts";
import type { Job } from "./scheduler.ts";

/** Deletes events that are older than `retention`, a few at a time so that ingestion goes on in between. */
export const deleteOldEvents = (
  retention: DurationMs,
  deleteSome: (before: UnixMs) => Promise<number>,
): Job => ({
  name: "delete-old-events",
  schedule: "23 * * * *",
  run: async () => {
    if (retention === PERMANENT) return;
    while ((await deleteSome(unixMs(Date.now() - retention))) > 0);
  },
});

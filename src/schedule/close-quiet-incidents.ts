import { DAY_MS, type UnixMs, unixMs } from "../model/time.ts";
import type { Job } from "./scheduler.ts";

/** An incident that nothing was added to for a week is over, whether or not a person looked at it. */
const QUIET_MS = 7 * DAY_MS;

export const closeQuietIncidents = (close: (lastSeenBefore: UnixMs) => Promise<unknown>): Job => ({
  name: "close-quiet-incidents",
  schedule: "41 * * * *",
  run: async () => void (await close(unixMs(Date.now() - QUIET_MS))),
});

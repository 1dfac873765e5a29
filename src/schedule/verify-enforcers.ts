import type { Job } from "./scheduler.ts";

/** Compares what is blocked with what should be, and repairs what somebody or something changed. */
export const verifyEnforcers = (verify: () => Promise<unknown>): Job => ({
  name: "verify-enforcers",
  schedule: "*/5 * * * *",
  isAlsoForJumps: true,
  run: async () => void (await verify()),
});

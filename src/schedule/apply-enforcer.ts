import type { Job } from "./scheduler.ts";

/** Brings into force what an enforcer has waiting: one graceful reload for all changes since the last. */
export const applyEnforcer = (name: string, schedule: string, apply: () => Promise<unknown>): Job => ({
  name: `apply-${name}`,
  schedule,
  run: async () => void (await apply()),
});

import type { Job } from "./scheduler.ts";

/** Looks again which addresses and gateways this host has, since they are never banned. */
export const refreshAddresses = (refresh: () => Promise<unknown>): Job => ({
  name: "refresh-addresses",
  schedule: "* * * * *",
  run: async () => void (await refresh()),
});

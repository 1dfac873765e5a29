import { DryRun } from "../../src/enforce/dry-run.ts";
import { parseIp, type Target, TargetSet } from "../../src/model/ip.ts";
import type { World } from "./world.ts";

export async function dryRunWorld(): Promise<World> {
  const enforcer = new DryRun();
  return {
    enforcer: () => enforcer,
    refuses: async (address) => {
      const held = new TargetSet(await enforcer.blocked());
      return held.covering(`${parseIp(address)!}/${address.includes(":") ? 128 : 32}` as Target) !== null;
    },
    outside: null,
    cannotCarry: [],
    broken: [],
    [Symbol.asyncDispose]: async () => {},
  };
}

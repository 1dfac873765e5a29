import type { UnixMs } from "./time.ts";

/**
 * What keeps rules from banning until a person lets them go on. `breaker`: too many bans at once; those that were made
 * stay. `panic`: a person lifted everything, and nothing is enforced.
 */
export type HaltName = "breaker" | "panic";

export interface Halt {
  readonly name: HaltName;
  readonly since: UnixMs;
  readonly reason: string;
  /** Bans by rules that were decided from then on led to it. */
  readonly from: UnixMs;
}

import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";

/** Targets, and when the block of each ends. */
export type Ends = ReadonlyMap<Target, UnixMs>;

export const endsOf = (blocks: readonly Block[]): Map<Target, UnixMs> =>
  new Map(blocks.map(({ target, until }) => [target, until]));

export function areSame(one: Ends, other: Ends): boolean {
  if (one.size !== other.size) return false;
  for (const [target, until] of other) if (one.get(target) !== until) return false;
  return true;
}

import type { Block } from "../model/decision.ts";
import { isIpv4, network, prefixOf, type Target } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";

/** From how many banned targets of one prefix on enforcers are given the prefix; 0: never. */
export interface Aggregation {
  readonly prefix: number;
  readonly atLeast: number;
}
export interface AggregateSettings {
  readonly ipv4: Aggregation;
  readonly ipv6: Aggregation;
}

export interface Aggregated {
  readonly blocks: readonly Block[];
  /** The range that stands for a target. */
  readonly rangeOf: ReadonlyMap<Target, Target>;
}

const NOTHING: ReadonlyMap<Target, Target> = new Map();

/**
 * What enforcers are given for these blocks: where enough of one prefix are banned, the prefix in their place. It blocks
 * its other addresses too, so it holds only while that many bans run: until the time when fewer are left. `mayCover`
 * tells whether nobody in a range is to be spared.
 */
export function aggregate(
  blocks: readonly Block[],
  settings: AggregateSettings | null,
  mayCover: (range: Target) => boolean,
): Aggregated {
  if (settings === null || settings.ipv4.atLeast + settings.ipv6.atLeast === 0) {
    return { blocks, rangeOf: NOTHING };
  }
  const banned = new Set(blocks.map(({ target }) => target));
  const rangeOf = new Map<Target, Target>();
  const ranges: Block[] = [];
  for (const [range, members] of byRange(blocks, settings)) {
    const { atLeast } = isIpv4(range) ? settings.ipv4 : settings.ipv6;
    // A range that is banned itself needs no other ban to stand for, and ends when its own ban does.
    if (members.length < atLeast || banned.has(range) || !mayCover(range)) continue;
    ranges.push({ target: range, until: whenFewerAreLeft(members, atLeast), ...listOf(members) });
    for (const { target } of members) rangeOf.set(target, range);
  }
  const alone = blocks.filter(({ target }) => !rangeOf.has(target));
  return { blocks: [...ranges, ...alone], rangeOf };
}

/** Blocks that are narrower than the prefix, by the prefix that holds them. */
function byRange(blocks: readonly Block[], { ipv4, ipv6 }: AggregateSettings): Map<Target, Block[]> {
  const ranges = new Map<Target, Block[]>();
  for (const block of blocks) {
    const { prefix, atLeast } = isIpv4(block.target) ? ipv4 : ipv6;
    const { address, bits } = prefixOf(block.target);
    if (atLeast === 0 || bits <= prefix) continue;
    const range = network(address, prefix);
    const members = ranges.get(range);
    if (members === undefined) ranges.set(range, [block]);
    else members.push(block);
  }
  return ranges;
}

/** A range of listed targets alone is a list's too. */
const listOf = (members: readonly Block[]): Pick<Block, "list"> => {
  const [{ list } = {}] = members as readonly Partial<Block>[];
  const isListed = list !== undefined && members.every((member) => member.list !== undefined);
  return isListed ? { list } : {};
};

const whenFewerAreLeft = (members: readonly Block[], atLeast: number): UnixMs =>
  members.map(({ until }) => until).sort((a, b) => (a > b ? -1 : a < b ? 1 : 0))[atLeast - 1]!;

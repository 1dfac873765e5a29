import { type BlockChanges, changedBlocks } from "../model/block-changes.ts";
import type { Block } from "../model/decision.ts";
import { isIpv4, network, prefixOf, type Target } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";

/** From how many banned targets of one prefix on enforcers are given the prefix; 0: never. */
export interface AggregateSetting {
  readonly prefix: number;
  readonly atLeast: number;
}
export interface AggregateSettings {
  readonly ipv4: AggregateSetting;
  readonly ipv6: AggregateSetting;
}

export interface Aggregated {
  readonly blocks: readonly Block[];
  /** The range that stands for a target. */
  readonly rangeOf: ReadonlyMap<Target, Target>;
}

const NOTHING: ReadonlyMap<Target, Target> = new Map();

/**
 * What enforcers are given for blocks: where enough of one prefix are banned, the prefix in their place. It blocks its other
 * addresses too, so it holds only while that many bans run: until the time when fewer are left. `mayCover` tells whether
 * nobody in a range is to be spared; it is asked each time, as that changes without any ban.
 *
 * Between two lists only prefixes with a change are counted, and a range that stays is the same object.
 */
export class Aggregation {
  readonly #settings: AggregateSettings | null;
  readonly #mayCover: (range: Target) => boolean;
  #blocks: readonly Block[] = [];
  /** Blocks that are narrower than the prefix, by the prefix that holds them. */
  readonly #members = new Map<Target, Map<Target, Block>>();
  /** Prefixes that are banned themselves. */
  readonly #whole = new Set<Target>();
  /** Prefixes with enough members. */
  readonly #full = new Set<Target>();
  readonly #ranges = new Map<Target, Block>();
  readonly #rangeOf = new Map<Target, Target>();

  constructor(settings: AggregateSettings | null, mayCover: (range: Target) => boolean) {
    const isOff = settings === null || settings.ipv4.atLeast + settings.ipv6.atLeast === 0;
    this.#settings = isOff ? null : settings;
    this.#mayCover = mayCover;
  }

  of(blocks: readonly Block[]): Aggregated {
    if (this.#settings === null) return { blocks, rangeOf: NOTHING };
    const changed = this.#count(changedBlocks(this.#blocks, blocks));
    this.#blocks = blocks;
    for (const range of changed) if (!this.#full.has(range)) this.#dissolve(range);
    for (const range of this.#full) {
      // A range that is banned itself needs no other ban to stand for, and ends when its own ban does.
      if (this.#whole.has(range) || !this.#mayCover(range)) this.#dissolve(range);
      else if (changed.has(range) || !this.#ranges.has(range)) this.#standFor(range);
    }
    const alone =
      this.#rangeOf.size === 0 ? blocks : blocks.filter(({ target }) => !this.#rangeOf.has(target));
    return { blocks: [...this.#ranges.values(), ...alone], rangeOf: this.#rangeOf };
  }

  /** Takes note of changes; the prefixes whose members changed. */
  #count({ gone, come }: BlockChanges): ReadonlySet<Target> {
    const changed = new Set<Target>();
    for (const { target } of gone.values()) {
      this.#whole.delete(target);
      this.#rangeOf.delete(target);
      const range = this.#rangeFor(target);
      if (range !== null && this.#members.get(range)?.delete(target)) changed.add(range);
    }
    for (const block of come.values()) {
      const range = this.#rangeFor(block.target);
      if (range === null) {
        if (this.#isPrefix(block.target)) this.#whole.add(block.target);
        continue;
      }
      const members = this.#members.get(range);
      if (members === undefined) this.#members.set(range, new Map([[block.target, block]]));
      else members.set(block.target, block);
      changed.add(range);
    }
    for (const range of changed) {
      const { size } = this.#members.get(range)!;
      if (size >= this.#atLeast(range)) this.#full.add(range);
      else this.#full.delete(range);
      if (size === 0) this.#members.delete(range);
    }
    return changed;
  }

  #standFor(range: Target): void {
    const members = [...this.#members.get(range)!.values()];
    const until = whenFewerAreLeft(members, this.#atLeast(range));
    const block: Block = { target: range, until, ...listOf(members) };
    const known = this.#ranges.get(range);
    if (known?.until !== block.until || known.list !== block.list) this.#ranges.set(range, block);
    for (const { target } of members) this.#rangeOf.set(target, range);
  }

  #dissolve(range: Target): void {
    if (!this.#ranges.delete(range)) return;
    for (const target of this.#members.get(range)?.keys() ?? []) this.#rangeOf.delete(target);
  }

  #settingFor = (target: Target): AggregateSetting =>
    isIpv4(target) ? this.#settings!.ipv4 : this.#settings!.ipv6;
  #atLeast = (range: Target): number => this.#settingFor(range).atLeast;
  #isPrefix = (target: Target): boolean => prefixOf(target).bits === this.#settingFor(target).prefix;

  /** The prefix that could stand for a target; null where it is as wide, or none may. */
  #rangeFor(target: Target): Target | null {
    const { prefix, atLeast } = this.#settingFor(target);
    const { address, bits } = prefixOf(target);
    return atLeast === 0 || bits <= prefix ? null : network(address, prefix);
  }
}

/** As `Aggregation`, for a single list. */
export const aggregate = (
  blocks: readonly Block[],
  settings: AggregateSettings | null,
  mayCover: (range: Target) => boolean,
): Aggregated => new Aggregation(settings, mayCover).of(blocks);

/** A range of listed targets alone is a list's too. */
const listOf = (members: readonly Block[]): Pick<Block, "list"> => {
  const [{ list } = {}] = members as readonly Partial<Block>[];
  const isListed = list !== undefined && members.every((member) => member.list !== undefined);
  return isListed ? { list } : {};
};

const whenFewerAreLeft = (members: readonly Block[], atLeast: number): UnixMs =>
  members.map(({ until }) => until).sort((a, b) => (a > b ? -1 : a < b ? 1 : 0))[atLeast - 1]!;

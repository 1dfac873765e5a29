import { changedBlocks } from "../model/block-changes.ts";
import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import type { PackedTargets } from "../model/packed-targets.ts";

/**
 * Joins bans and what lists ask for: bans first; of a target that is in both, the ban, until the later end. What is in both
 * is known from before, so that one more ban is not looked for in half a million blocks.
 */
export class BesideBans {
  #bans: readonly Block[] = [];
  #listed: readonly Block[] = [];
  /** Those of the lists that are not banned as well. */
  #beside: readonly Block[] = [];
  /** The others. */
  readonly #both = new Map<Target, Block>();
  /** Bans that last as long as a list has them. */
  readonly #longer = new Map<Target, Block>();

  /** `entries` has at least the targets of `listed`. */
  join(bans: readonly Block[], listed: readonly Block[], entries: PackedTargets): readonly Block[] {
    const { gone, come } = changedBlocks(listed === this.#listed ? this.#bans : [], bans);
    const both = new Set(listed === this.#listed ? this.#both.keys() : []).difference(gone);
    for (const target of come.keys()) if (entries.has(target)) both.add(target);
    if (listed !== this.#listed || both.symmetricDifference(this.#both).size > 0) this.#part(listed, both);
    this.#bans = bans;
    this.#listed = listed;
    if (this.#both.size === 0) return bans.concat(listed);
    return [...bans.map((ban) => this.#lasting(ban)), ...this.#beside];
  }

  #part(listed: readonly Block[], both: ReadonlySet<Target>): void {
    this.#both.clear();
    this.#longer.clear();
    this.#beside = listed.filter((block) => {
      if (!both.has(block.target)) return true;
      this.#both.set(block.target, block);
      return false;
    });
  }

  #lasting(ban: Block): Block {
    const listed = this.#both.get(ban.target);
    if (listed === undefined || listed.until <= ban.until) return ban;
    let longer = this.#longer.get(ban.target);
    if (longer === undefined) {
      longer = { ...ban, until: listed.until };
      this.#longer.set(ban.target, longer);
    }
    return longer;
  }
}

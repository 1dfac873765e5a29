import { changedBlocks } from "../model/block-changes.ts";
import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";

/** The targets of the newest list of blocks. Lists that follow each other differ little, so one set is brought up to date. */
export class TargetsOf {
  #blocks: readonly Block[] = [];
  readonly #targets = new Set<Target>();

  of(blocks: readonly Block[]): ReadonlySet<Target> {
    if (blocks === this.#blocks) return this.#targets;
    const { gone, come } = changedBlocks(this.#blocks, blocks);
    for (const target of gone.keys()) this.#targets.delete(target);
    for (const target of come.keys()) this.#targets.add(target);
    this.#blocks = blocks;
    return this.#targets;
  }
}

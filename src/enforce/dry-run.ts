import { changedBlocks } from "../model/block-changes.ts";
import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "./enforcer.ts";

export interface DryRunOptions {
  /** Told what a real enforcer would have been asked to change. */
  readonly onChange?: (change: {
    readonly block: readonly Target[];
    readonly lift: readonly Target[];
  }) => void;
}

/** Holds the set in memory and blocks nobody: to see what would happen, and for the demonstration. */
export class DryRun implements Enforcer {
  readonly name = "dry-run";
  readonly level: Enforcer["level"] = "request";
  readonly schedule: string | null = null;
  readonly #onChange: NonNullable<DryRunOptions["onChange"]>;
  #asked: readonly Block[] = [];
  readonly #held = new Set<Target>();
  #enforced = NOTHING_ENFORCED;

  constructor(options: DryRunOptions = {}) {
    this.#onChange = options.onChange ?? (() => {});
  }

  async probe(): Promise<void> {}

  async blocked(): Promise<ReadonlySet<Target>> {
    return new Set(this.#held);
  }

  async reconcile(want: readonly Block[]): Promise<Enforced> {
    const wanted = want.slice();
    const { gone, come } = changedBlocks(this.#asked, wanted);
    this.#asked = wanted;
    const change = {
      block: [...come.keys()].filter((each) => !this.#held.has(each)),
      lift: [...gone.keys()],
    };
    for (const target of change.lift) this.#held.delete(target);
    for (const target of change.block) this.#held.add(target);
    this.#enforced = { ...NOTHING_ENFORCED, inForce: this.#held };
    if (change.block.length > 0 || change.lift.length > 0) this.#onChange(change);
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }
}

import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "./enforcer.ts";
import { TargetsOf } from "./targets-of.ts";

/** Holds the set in memory and blocks nobody: to see what would happen, and for the demonstration. */
export class DryRun implements Enforcer {
  readonly name = "dry-run";
  readonly level: Enforcer["level"] = "request";
  readonly schedule: string | null = null;
  readonly #held = new TargetsOf();
  #enforced = NOTHING_ENFORCED;

  async probe(): Promise<void> {}

  async blocked(): Promise<ReadonlySet<Target>> {
    return new Set(this.#enforced.inForce);
  }

  async reconcile(want: readonly Block[]): Promise<Enforced> {
    // A copy: whoever asks may go on with the same list.
    this.#enforced = { ...NOTHING_ENFORCED, inForce: this.#held.of(want.slice()) };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }
}

import { afterEach, beforeEach, vi } from "vitest";
import { DryRun } from "../../src/enforce/dry-run.ts";
import { Enforcement, type EnforcementOptions } from "../../src/enforce/enforcement.ts";
import { type Enforced, NOTHING_ENFORCED } from "../../src/enforce/enforcer.ts";
import type { Block } from "../../src/model/decision.ts";
import type { Target } from "../../src/model/ip.ts";
import { type UnixMs, unixMs } from "../../src/model/time.ts";

export const clock = { now: (): UnixMs => unixMs(Date.now()) };
export const FIRST = "198.51.100.1/32";
export const SECOND = "198.51.100.2/32";

/** A dry run that can be slow, failing, undone by somebody, or scheduled, and that remembers what it was asked. */
export class Trying extends DryRun {
  readonly asked: { readonly want: readonly Target[]; readonly verify: boolean }[] = [];
  override schedule: string | null = null;
  override level: "packet" | "request" = "request";
  applied = 0;
  failing: Error | null = null;
  drift: number[] = [];
  gate: Promise<void> = Promise.resolve();

  override async reconcile(want: readonly Block[], verify = false): Promise<Enforced> {
    this.asked.push({ want: want.map((wanted) => wanted.target), verify });
    await this.gate;
    if (this.failing !== null) throw this.failing;
    return { ...(await super.reconcile(want)), drift: verify ? (this.drift.shift() ?? 0) : 0 };
  }

  override async apply(): Promise<Enforced> {
    this.applied++;
    return super.apply();
  }
}

/** One whose blocks and lifts are in force from its next `apply` on, as those of a list that Apache includes. */
export class Reloaded extends Trying {
  override schedule = "17 * * * *";
  #listed: ReadonlySet<Target> = new Set();
  #running: ReadonlySet<Target> = new Set();

  override async reconcile(want: readonly Block[], verify = false): Promise<Enforced> {
    this.#listed = new Set((await super.reconcile(want, verify)).inForce);
    return this.#held();
  }

  override async apply(): Promise<Enforced> {
    await super.apply();
    this.#running = this.#listed;
    return this.#held();
  }

  #held(): Enforced {
    const [listed, running] = [this.#listed, this.#running];
    return {
      ...NOTHING_ENFORCED,
      inForce: listed.intersection(running),
      waiting: listed.difference(running),
      lingering: running.difference(listed),
    };
  }
}

/** Made anew before each test of a file that calls `makeAnew`, in a time that tests move. */
export let enforcer: Trying;
export let enforcement: Enforcement;
export const make = (more: Partial<EnforcementOptions> = {}): Enforcement => {
  enforcement = new Enforcement({ mode: "enforce", enforcers: [enforcer], clock, onChange() {}, ...more });
  return enforcement;
};
export const state = (at = 0): string => enforcement.statuses()[at]!.state;

/** Called at the top of a file: files share this one, and hooks are a file's own. */
export function makeAnew(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 12) });
    enforcer = new Trying();
  });
  afterEach(async () => {
    await enforcement[Symbol.asyncDispose]();
    vi.useRealTimers();
  });
}

import type { Enforcer } from "../../src/enforce/enforcer.ts";
import { type UnixMs, unixMs } from "../../src/model/time.ts";

export const clock = { now: (): UnixMs => unixMs(Date.now()) };

/** An enforcer's world, and how to look at it from outside. */
export interface World extends AsyncDisposable {
  /** A new one on the same world, as after a restart of the daemon. */
  enforcer(): Enforcer;
  /** Whether a client with this address is turned away. */
  refuses(address: string): Promise<boolean>;
  /** For those whose world somebody else can touch. */
  readonly outside: {
    /** Takes this block away and adds one that nobody asked for. */
    tamper(lifted: string, added: string): void;
    /** Puts something there that is not ours; returns a look at it. */
    addForeign(): () => string;
    /** Changes when the block of this target is written again. */
    trace(block: string): string | Promise<string>;
  } | null;
  /** What it cannot carry, and why. */
  readonly cannotCarry: readonly string[];
  /** An enforcer whose blocks would have no effect, and the code that says so. */
  readonly broken: readonly { readonly enforcer: () => Enforcer; readonly code: string }[];
}

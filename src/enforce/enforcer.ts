import type { Block } from "../model/decision.ts";
import type { SekishoError } from "../model/errors.ts";
import type { GenerationChanges, GenerationList } from "../model/generation.ts";
import type { Target } from "../model/ip.ts";

export type EnforcerName =
  | "apache-directory"
  | "apache-include"
  | "ufw"
  | "nftables"
  | "exec"
  | "guard"
  | "dry-run";

/** What an enforcer holds after a reconciliation. */
export interface Enforced {
  /** Targets in force now: as they are, not as they were when this was told. */
  readonly inForce: ReadonlySet<Target>;
  /** Written, in force after the next `apply`. */
  readonly waiting: ReadonlySet<Target>;
  /** No longer asked for, and still refused until the next `apply`. */
  readonly lingering: ReadonlySet<Target>;
  /** Wanted, but this enforcer cannot carry them or has no room. */
  readonly unenforced: readonly Target[];
  /** True while something written (an added or a lifted block) waits for `apply`. */
  readonly pending: boolean;
  /** Differences that reading the world found against the last state; all of them are repaired now. */
  readonly drift: number;
}

/** Before the first reconciliation. */
export const NOTHING_ENFORCED: Enforced = {
  inForce: new Set(),
  waiting: new Set(),
  lingering: new Set(),
  unenforced: [],
  pending: false,
  drift: 0,
};

/** What a real request showed: whether whom the enforcer should refuse is refused. */
export type Proven =
  | { readonly kind: "refused" }
  | { readonly kind: "passed"; readonly error: SekishoError }
  | { readonly kind: "unknown"; readonly why: string };

/** The generations of what an enforcer writes, to any of which a person can go back. */
export interface Generations {
  list(): Promise<GenerationList>;
  /** Throws NOT_FOUND. */
  changes(generation: number): Promise<GenerationChanges>;
  /** From the next reconciliation on nothing is blocked that this generation did not block; null: on again. Throws NOT_FOUND. */
  hold(generation: number | null): Promise<void>;
}

/**
 * Applies blocks. It is given the wanted set and makes the outside world equal it; how it gets there is its own
 * affair. It touches only what it made. All implementations pass the suite in test/contract/.
 */
export interface Enforcer {
  readonly name: EnforcerName;
  /**
   * `packet`: it sees the address of the TCP peer. `request`: it sees the client that Apache tells (mod_remoteip). Behind a
   * trusted proxy the peer is that proxy, so a packet-level enforcer is not asked to block there.
   */
  readonly level: "packet" | "request";
  /** node-cron expression of its `apply`; null when a reconciliation is in force at once. */
  readonly schedule: string | null;
  /** Throws a SekishoError when blocks would have no effect. Looks only: what is missing but can be made is fine. */
  probe(signal: AbortSignal): Promise<void>;
  /** Begins to read the world for the first reconciliation, while whom to block is still being found out. */
  lookAhead?(signal: AbortSignal): void;
  /** What is blocked in the outside world, read in full. */
  blocked(signal: AbortSignal): Promise<ReadonlySet<Target>>;
  /**
   * Makes the outside world equal `want`, which names each target once. Idempotent. A block that stays is never taken away in between.
   * `verify` reads the world in full first (at start, on a timer, after an error) instead of trusting the last state.
   */
  reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced>;
  /** Brings what waits into force (a graceful reload). Does nothing when nothing waits. */
  apply(signal: AbortSignal): Promise<Enforced>;
  /** What it holds now, where that changes without anybody asking. */
  current?(): Enforced;
  /** What a person should know beside its state; shown as it is. */
  note?(): string | null;
  /** What is wrong though its last call went well; shown as a failure. */
  complaint?(): SekishoError | null;
  /**
   * Asks for a real request to be refused. Takes as long as that takes, so no call waits for it. Null: there is nothing to ask.
   */
  prove?(signal: AbortSignal): Promise<Proven | null>;
  readonly generations?: Generations;
}

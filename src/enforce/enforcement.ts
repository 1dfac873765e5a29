import type { CutStatus, EnforcerStatus, Mode } from "../model/api.ts";
import type { Block } from "../model/decision.ts";
import type { History } from "../model/generation.ts";
import type { Target } from "../model/ip.ts";
import { type Clock, LONGEST_TIMER_MS, NEVER, type UnixMs } from "../model/time.ts";
import { type AggregateSettings, Aggregation } from "./aggregate.ts";
import { behindProxy } from "./behind-proxy.ts";
import { Cutting } from "./cutting.ts";
import type { Enforcer } from "./enforcer.ts";
import { Lane } from "./lane.ts";
import type { SocketCutter } from "./socket-cutter.ts";
import { TargetsOf } from "./targets-of.ts";

/** So long enforcers are waited for where somebody waits: for an answer, or for the start. */
export const ENFORCER_PATIENCE_MS = 10_000;

export interface EnforcementOptions {
  readonly mode: Mode;
  readonly enforcers: readonly Enforcer[];
  readonly clock: Clock;
  /** Called after each change of a status. */
  readonly onChange: () => void;
  /** When the schedule next calls `apply`, and when after that; without it nothing is known of schedules. */
  readonly nextApplies?: (enforcer: string) => readonly UnixMs[];
  /** Where there are any, enforcers at the packet level are not asked to block. */
  readonly trustedProxies?: readonly Target[];
  /** When enforcers are given a prefix in the place of many bans, and whether nobody in a range is to be spared. */
  readonly aggregation?: AggregateSettings;
  readonly mayCover?: (range: Target) => boolean;
  /** Closes open connections of whom blocks come into force; null or none: they stay open. */
  readonly cutter?: SocketCutter | null;
}

/**
 * Drives all configured enforcers towards the wanted set, each on its own, so that one that fails does not hold up
 * the others. Drops blocks by itself when their time has passed. In observe mode it asks nothing of the world, but
 * takes away what an earlier run in enforce mode left there.
 */
export class Enforcement implements AsyncDisposable {
  readonly #options: EnforcementOptions;
  readonly #lanes: readonly Lane[];
  readonly #cutting: Cutting | null;
  #mode: Mode;
  #blocks: readonly Block[] = [];
  readonly #targets = new TargetsOf();
  readonly #aggregation: Aggregation;
  #expiry: NodeJS.Timeout | null = null;

  constructor(options: EnforcementOptions) {
    this.#options = options;
    this.#mode = options.mode;
    const { mode, clock, cutter = null, aggregation = null, mayCover = () => true } = options;
    this.#aggregation = new Aggregation(aggregation, mayCover);
    const onChange = (): void => {
      this.#cutting?.look();
      options.onChange();
    };
    const isRefused = (target: Target): boolean =>
      this.#lanes.some((lane) => lane.enforcer.name !== "dry-run" && lane.holds(target));
    this.#cutting = cutter === null ? null : new Cutting(cutter, isRefused, options.onChange);
    this.#lanes = options.enforcers.map((enforcer) => {
      const nextApplies = () => options.nextApplies?.(enforcer.name) ?? [];
      const refusal = behindProxy(enforcer, options.trustedProxies ?? []);
      return new Lane({ enforcer, mode, clock, onChange, nextApplies, refusal });
    });
  }

  /** Before `start`, where there is something else to do meanwhile. Changes nothing. */
  lookAhead(): void {
    for (const lane of this.#lanes) lane.lookAhead();
  }

  /** Reads the world in full, makes it equal `blocks`, and resolves as `settled` does. Never throws. */
  async start(blocks: readonly Block[], patienceMs?: number): Promise<void> {
    this.#blocks = this.#mode === "observe" ? [] : blocks;
    this.#askForActive();
    await this.settled(patienceMs);
    // Whom an earlier daemon let in, or whose time passed while none ran, is not left to the schedule. What goes wrong is in the status.
    for (const lane of this.#lanes) lane.endLingering().catch(() => {});
  }

  /** Goes on in another mode: lifts everything, or takes up these blocks. Resolves after the first try of each. */
  async switchTo(mode: Mode, blocks: readonly Block[]): Promise<void> {
    this.#mode = mode;
    for (const lane of this.#lanes) lane.switchTo(mode);
    await this.start(blocks);
  }

  /** The newest set wins; sets in between may never reach an enforcer. */
  want(blocks: readonly Block[]): void {
    if (this.#mode === "observe") return;
    this.#blocks = blocks;
    this.#askForActive();
  }

  /** Has every enforcer compare the world with what it believes, and with the newest set, for a timer and for SIGHUP. */
  verify(newest: () => readonly Block[] = () => this.#blocks): void {
    if (this.#mode === "observe") return;
    this.#blocks = newest();
    // The timer of the next expiry does not run while a machine sleeps, and knows nothing of a clock that is set.
    this.#askForActive();
    for (const lane of this.#lanes) lane.verify();
    this.#cutting?.verify();
  }

  /**
   * Has an enforcer bring into force what waits, for its schedule and for a person. False when there is none of
   * that name or nothing is enforced at all. Throws the enforcer's SekishoError.
   */
  async apply(name: string): Promise<boolean> {
    const lane = this.#lanes.find(({ enforcer }) => enforcer.name === name);
    if (lane === undefined || this.#mode === "observe") return false;
    await lane.apply();
    return true;
  }

  /** For a person who lifted a ban: has enforcers that would refuse until their schedule stop doing so. */
  async applyLifts(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.applyLifts()));
  }

  /** Null when there is no enforcer of that name, or it writes no generations. */
  history(name: string): History | null {
    return this.#lanes.find(({ enforcer }) => enforcer.name === name)?.history() ?? null;
  }

  /** Targets that some enforcer still refuses though nobody wants it to. */
  lingering(): Target[] {
    return [...new Set(this.#lanes.flatMap((lane) => lane.lingering()))];
  }

  statuses(): EnforcerStatus[] {
    return this.#lanes.map((lane) => lane.status());
  }

  cutStatus(): CutStatus {
    const status = this.#cutting?.status() ?? { state: "off" as const, closed: 0, error: null, hint: null };
    const isBehindProxy = status.state !== "off" && (this.#options.trustedProxies ?? []).length > 0;
    const note = "clients behind trusted proxies keep theirs, since the connections are the proxies'";
    return { ...status, note: isBehindProxy ? note : null };
  }

  /** Names of the enforcers that have this target in force. */
  enforcedBy(target: Target): string[] {
    return this.#lanes.filter((lane) => lane.holds(target)).map((lane) => lane.enforcer.name);
  }

  /** The enforcers that bring this target into force later, and when, where they know. */
  waitingFor(target: Target): { readonly enforcer: string; readonly at: UnixMs | null }[] {
    return this.#lanes
      .filter((lane) => lane.isWaitingFor(target))
      .map(({ enforcer: { name } }) => ({
        enforcer: name,
        at: this.#options.nextApplies?.(name)[0] ?? null,
      }));
  }

  /** The block is asked for: the ban runs, and nobody is to be spared. */
  wants(target: Target): boolean {
    return this.#targets.of(this.#blocks).has(target);
  }

  levelOf(name: string): Enforcer["level"] | null {
    return this.#lanes.find(({ enforcer }) => enforcer.name === name)?.enforcer.level ?? null;
  }

  /**
   * Resolves when every enforcer has seen the newest set, or waits to retry after a failure; at the latest when `patienceMs`
   * are over, so that one that hangs holds up nobody.
   */
  async settled(patienceMs = Infinity): Promise<void> {
    const all = Promise.all(this.#lanes.map((lane) => lane.settled()));
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      if (patienceMs !== Infinity) timer = setTimeout(resolve, patienceMs).unref();
    });
    await Promise.race([all, over]);
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    this.#blocks = [];
    await Promise.all([...this.#lanes.map((lane) => lane.stop()), this.#cutting?.stop()]);
  }

  #askForActive(): void {
    const now = this.#options.clock.now();
    const { active, nextEnd } = activeOf(this.#blocks, now);
    if (this.#expiry !== null) clearTimeout(this.#expiry);
    this.#expiry = null;
    if (nextEnd !== NEVER) this.#wakeAt(nextEnd - now);
    this.#cutting?.want(this.#mode === "enforce" ? active : null);
    const { blocks, rangeOf } = this.#aggregation.of(active);
    for (const lane of this.#lanes) lane.ask(blocks, rangeOf);
  }

  #wakeAt(delay: number): void {
    this.#expiry = setTimeout(() => this.#askForActive(), Math.min(delay, LONGEST_TIMER_MS));
    this.#expiry.unref();
  }
}

/** Those that have not ended, and when the next of them does. Without one that has ended it is the list itself. */
function activeOf(blocks: readonly Block[], now: UnixMs) {
  let nextEnd: UnixMs = NEVER;
  let hasEnded = false;
  for (const { until } of blocks) {
    if (until <= now) hasEnded = true;
    else if (until < nextEnd) nextEnd = until;
  }
  return { active: hasEnded ? blocks.filter(({ until }) => now < until) : blocks, nextEnd };
}

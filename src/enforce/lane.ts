import type { EnforcerState, EnforcerStatus, Mode } from "../model/api.ts";
import type { Block } from "../model/decision.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import type { History } from "../model/generation.ts";
import type { Target } from "../model/ip.ts";
import { type Clock, toIso, type UnixMs } from "../model/time.ts";
import { Turns } from "../model/turns.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "./enforcer.ts";
import { Lifts } from "./lifts.ts";
import { Proving } from "./proving.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

/**
 * Between two reconciliations of an enforcer whose blocks wait for a schedule anyway: each one has Apache test its
 * whole configuration, which a burst of bans must not repeat without end.
 */
const SCHEDULED_REST_MS = 5_000;

/** More would only swell each status message. */
const MAX_UNENFORCED_SHOWN = 100;

export interface LaneOptions {
  readonly enforcer: Enforcer;
  readonly mode: Mode;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** When the schedule next calls `apply`, and when after that; empty where there is no schedule. */
  readonly nextApplies: () => readonly UnixMs[];
  /** Why it must not block here (behindProxy): what it holds is lifted, and this is its state. */
  readonly refusal: SekishoError | null;
}

/**
 * One enforcer and what is asked of it. Only one call to it is under way at a time, and only the newest set waits.
 *
 *     idle ── want, verify ──▶ working ── success ──▶ idle (after a rest, if it is a scheduled one)
 *                               │   ▲
 *                            failure└── 1 s, doubling to 5 min ── with `verify`, since its state is unknown
 */
export class Lane {
  readonly enforcer: Enforcer;
  readonly #options: LaneOptions;
  readonly #ending = new AbortController();
  #mode: Mode;
  #want: readonly Block[] = [];
  #rangeOf: ReadonlyMap<Target, Target> = new Map();
  /** There is a set or a check that the enforcer has not seen. */
  #due = false;
  #verify = true;
  readonly #turns = new Turns();
  #queued = false;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #enforced = NOTHING_ENFORCED;
  #drifted = false;
  #repaired = 0;
  #error: unknown = null;
  #reconciledAt: UnixMs | null = null;
  readonly #lifts: Lifts;
  readonly #proving: Proving;

  constructor(options: LaneOptions) {
    this.enforcer = options.enforcer;
    this.#options = options;
    this.#mode = options.mode;
    const { enforcer, clock, onChange } = options;
    this.#proving = new Proving(enforcer, clock, onChange, this.#ending.signal);
    this.#lifts = new Lifts({
      areDue: () => this.lingering().length > 0,
      apply: () => this.apply(),
      clock,
    });
  }

  /** Goes on in another mode at once, also one that rests or waits to try again. */
  switchTo(mode: Mode): void {
    this.#mode = mode;
    this.#failures = 0;
    this.#clearTimer();
    this.verify();
  }

  lookAhead(): void {
    if (this.#mode === "enforce" && this.#options.refusal === null)
      this.enforcer.lookAhead?.(this.#ending.signal);
  }

  /** `rangeOf`: ranges among them that stand for the blocks of several bans. */
  ask(want: readonly Block[], rangeOf: ReadonlyMap<Target, Target> = new Map()): void {
    this.#want = want;
    this.#rangeOf = rangeOf;
    this.#due = true;
    this.#wake();
  }

  verify(): void {
    this.#due = true;
    this.#verify = true;
    this.#wake();
  }

  /** Brings what waits into force now, with the newest set. Throws what the enforcer throws. */
  async apply(): Promise<void> {
    await this.#turns.take(async () => {
      // With a full look: what is reloaded should be what is wanted, not what somebody wrote into the file.
      this.#verify = true;
      await this.#attempt(true);
      if (this.#error !== null) throw this.#error;
    });
  }

  /** Has lifted blocks that still refuse end soon: at once, or when the rest after the last reload is over. */
  async applyLifts(): Promise<void> {
    this.#retry();
    if (this.#error !== null) this.#lifts.hurry();
    await this.#lifts.ask();
    // Also where it is tried only later: whoever asks is told what is wrong.
    if (this.#error !== null && this.lingering().length > 0) throw this.#error;
  }

  /** The same, but leaves an enforcer that failed to its waiting time. */
  endLingering(): Promise<void> {
    return this.#lifts.ask();
  }

  /** Whoever is let in need not wait until an enforcer that failed would try again. */
  #retry(): void {
    if (this.#failures === 0) return;
    this.#clearTimer();
    this.#wake();
  }

  /** Targets that are still refused though nobody wants them to be. */
  lingering(): Target[] {
    const { lingering, inForce } = this.#held;
    // One that failed has not told yet whom it still refuses until its next reload.
    const refused =
      this.#error === null || this.enforcer.schedule === null ? lingering : lingering.union(inForce);
    if (refused.size === 0) return [];
    const left = new Set([...refused].filter((target) => !this.#rangeOf.has(target)));
    // They are few, and what is wanted may be much.
    for (const { target } of this.#want) left.delete(target);
    return [...left];
  }

  /** Resolves when nothing is under way and nothing waits but a retry after a failure. */
  async settled(): Promise<void> {
    while (this.#queued || (this.#due && this.#failures === 0)) {
      if (!this.#queued) this.#start();
      await this.#turns.settled();
    }
    await this.#turns.settled();
  }

  /** Blocks stay: if Sekisho stops, Apache goes on with the last lists. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#clearTimer();
    this.#lifts.stop();
    await Promise.all([this.#turns.settled(), this.#proving.settled()]);
  }

  /** The generations of what it writes; null where it keeps none. */
  history(): History | null {
    const { generations } = this.enforcer;
    if (generations === undefined) return null;
    return {
      list: () => generations.list(),
      changes: (generation) => generations.changes(generation),
      goTo: async (generation) => {
        await this.#turns.take(() => generations.hold(generation));
        await this.apply();
        return this.status();
      },
    };
  }

  /** Not what Apache was seen not to refuse, whatever is written. */
  holds(target: Target): boolean {
    return this.#proving.refutation === null && this.#has(this.#held.inForce, target);
  }

  /** It has the block, and the next `apply` brings it into force. */
  isWaitingFor(target: Target): boolean {
    return !this.holds(target) && this.#has(this.#held.waiting, target);
  }

  #has(held: ReadonlySet<Target>, target: Target): boolean {
    const range = this.#rangeOf.get(target);
    return held.has(target) || (range !== undefined && held.has(range));
  }

  get #held(): Enforced {
    return this.enforcer.current?.() ?? this.#enforced;
  }

  status(): EnforcerStatus {
    const error = this.#wrong();
    const [nextApplyAt = null] = this.#options.nextApplies();
    return {
      name: this.enforcer.name,
      state: this.#state(),
      blocks: this.#held.inForce.size,
      unenforced: this.#held.unenforced.slice(0, MAX_UNENFORCED_SHOWN),
      lastReconciledAt: this.#reconciledAt === null ? null : toIso(this.#reconciledAt),
      nextApplyAt: nextApplyAt === null ? null : toIso(nextApplyAt),
      error: error === null ? null : messageOf(error),
      hint: error instanceof SekishoError ? error.hint : null,
      note: this.#note(),
      provenAt: this.#mode === "observe" ? null : this.#proving.provenAt,
      ...(this.#repaired === 0 ? {} : { repaired: this.#repaired }),
    };
  }

  /** That of the last call first. */
  #wrong(): unknown {
    if (this.#error !== null || this.#mode === "observe") return this.#error;
    return this.#proving.refutation ?? this.enforcer.complaint?.() ?? null;
  }

  #note(): string | null {
    const notes = [this.enforcer.note?.(), this.#mode === "observe" ? null : this.#proving.note];
    return notes.filter((note) => note !== null && note !== undefined).join("; ") || null;
  }

  #state(): EnforcerState {
    if (this.#wrong() !== null) return "failed";
    if (this.#mode === "observe") return "off";
    if (this.#drifted) return "drifted";
    const isUnderWay = this.#due || this.#reconciledAt === null;
    return this.#held.pending || isUnderWay ? "pending" : "in-sync";
  }

  #wake(): void {
    if (!this.#queued && this.#timer === null && !this.#ending.signal.aborted) this.#start();
  }

  #start(): void {
    this.#queued = true;
    void this.#turns.take(async () => {
      this.#queued = false;
      if (this.#due) await this.#attempt(false);
    });
  }

  /** One reconciliation with the newest set; sets the timer for the next one. */
  async #attempt(apply: boolean): Promise<void> {
    this.#clearTimer();
    const verify = this.#verify;
    this.#due = false;
    this.#verify = false;
    try {
      const want = this.#outlasting(apply);
      this.#enforced = await this.#reconcile(want, verify);
      if (apply) {
        this.#enforced = await this.enforcer.apply(this.#ending.signal);
        this.#lifts.applied();
      }
      this.#error = null;
      this.#failures = 0;
      this.#reconciledAt = this.#options.clock.now();
      if (this.enforcer.schedule !== null) this.#setTimer(SCHEDULED_REST_MS);
      if (this.#mode === "observe") this.#proving.forget();
      else if (verify || apply) this.#proving.ask(apply);
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#error = error;
      this.#proving.forget();
      this.#due = true;
      this.#verify = true;
      this.#setTimer(Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, LAST_RETRY_MS));
    }
    this.#options.onChange();
    if (this.#due) this.#wake();
  }

  /**
   * What a scheduled enforcer is asked for: blocks that last until it can lift them. One that is in force from the next
   * run on is lifted by the run after it, so a shorter one would go on refusing when its time has passed.
   */
  #outlasting(applying: boolean): readonly Block[] {
    const [next, afterNext] = this.#options.nextApplies();
    const liftedBy = applying ? next : afterNext;
    return liftedBy === undefined ? this.#want : this.#want.filter(({ until }) => until >= liftedBy);
  }

  async #reconcile(want: readonly Block[], verify: boolean): Promise<Enforced> {
    const { signal } = this.#ending;
    const { refusal } = this.#options;
    const mode = this.#mode;
    if (mode === "observe" || refusal !== null) this.#enforced = await this.#lift(signal);
    if (mode === "observe") return this.#enforced;
    if (refusal !== null) throw refusal;
    if (!verify) return this.enforcer.reconcile(want, false, signal);
    await this.enforcer.probe(signal);
    const enforced = await this.enforcer.reconcile(want, true, signal);
    this.#drifted = false;
    if (enforced.drift === 0) return enforced;
    this.#repaired += enforced.drift;
    // It was repaired. If a second look finds differences again, somebody undoes our work.
    const again = await this.enforcer.reconcile(want, true, signal);
    this.#drifted = again.drift > 0;
    return again;
  }

  /** Takes away what an earlier run in enforce mode left. Touches nothing if there is nothing. */
  async #lift(signal: AbortSignal): Promise<Enforced> {
    // What it holds goes at once: a full look at half a million elements takes seconds, and panic must not wait for it.
    if (this.#held.inForce.size > 0) await this.enforcer.reconcile([], false, signal);
    const left = await this.enforcer.blocked(signal);
    if (left.size > 0) await this.enforcer.reconcile([], true, signal);
    return this.enforcer.apply(signal);
  }

  #setTimer(delay: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#due) this.#wake();
    }, delay);
    this.#timer.unref();
  }

  #clearTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

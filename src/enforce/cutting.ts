import type { CutStatus } from "../model/api.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import type { SocketCutter } from "./socket-cutter.ts";

/**
 * Closes open connections of whom bans came into force, since Apache asks only at a request and a WebSocket is one for hours.
 * Only then: before, the client would connect again. One run at a time takes all targets that have come by then.
 *
 *     wanted ── an enforcer has it in force ──▶ due ── (probing, until it works once) ──▶ cutting
 *
 * What fails is tried again with the next full look, each five minutes.
 */
export class Cutting {
  readonly #cutter: SocketCutter;
  readonly #isInForce: (target: Target) => boolean;
  readonly #onChange: () => void;
  readonly #ending = new AbortController();
  /** Null while nothing is enforced. */
  #wanted: ReadonlySet<Target> | null = null;
  /** Wanted, and not in force when it was looked at last: few, so that a new ban is cheap among 100,000. */
  readonly #awaited = new Set<Target>();
  readonly #due = new Set<Target>();
  #isProbed = false;
  #isProbeDue = true;
  #isRunning = false;
  #turn: Promise<void> = Promise.resolve();
  #closed = 0;
  #error: SekishoError | null = null;

  constructor(cutter: SocketCutter, isInForce: (target: Target) => boolean, onChange: () => void) {
    this.#cutter = cutter;
    this.#isInForce = isInForce;
    this.#onChange = onChange;
  }

  /** Who is to be refused; null: nothing is enforced at all. */
  want(wanted: ReadonlySet<Target> | null): void {
    for (const target of wanted ?? []) if (!this.#wanted?.has(target)) this.#awaited.add(target);
    for (const target of this.#awaited) if (!wanted?.has(target)) this.#awaited.delete(target);
    this.#wanted = wanted;
    this.look();
  }

  /** Cuts what has come into force. */
  look(): void {
    if (this.#wanted === null) return;
    for (const target of this.#awaited) {
      if (!this.#isInForce(target)) continue;
      this.#awaited.delete(target);
      this.#due.add(target);
    }
    this.#wake();
  }

  /** Looks for the sockets of all who are banned, and tries again what failed. */
  verify(): void {
    for (const target of this.#wanted ?? []) this.#due.add(target);
    this.#isProbeDue = !this.#isProbed;
    this.#wake();
  }

  status(): Omit<CutStatus, "note"> {
    return {
      state: this.#wanted === null ? "off" : this.#error === null ? "on" : "failed",
      closed: this.#closed,
      error: this.#error?.message ?? null,
      hint: this.#error?.hint ?? null,
    };
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#turn;
  }

  #wake(): void {
    if (this.#isRunning || this.#ending.signal.aborted) return;
    if (this.#due.size === 0 && !this.#isProbeDue) return;
    this.#isRunning = true;
    this.#turn = this.#run();
  }

  async #run(): Promise<void> {
    do {
      // Whose ban ended while this waited is left alone.
      const isDue = (target: Target) => this.#wanted?.has(target) === true && this.#isInForce(target);
      const targets = new TargetSet([...this.#due].filter(isDue));
      this.#due.clear();
      this.#isProbeDue = false;
      try {
        await this.#cut(targets);
        this.#error = null;
      } catch (error) {
        if (this.#ending.signal.aborted) break;
        this.#error = asSekishoError(error);
      }
      this.#onChange();
    } while (this.#due.size > 0 && !this.#ending.signal.aborted);
    this.#isRunning = false;
  }

  async #cut(targets: TargetSet): Promise<void> {
    const { signal } = this.#ending;
    if (!this.#isProbed) await this.#cutter.probe(signal);
    this.#isProbed = true;
    if (targets.size === 0) return;
    const { closed, left } = await this.#cutter.cut(targets, signal);
    this.#closed += closed;
    if (left === 0) return;
    throw new SekishoError(
      "CUT_FAILED",
      `${left} ${left === 1 ? "connection" : "connections"} of banned clients could not be closed`,
      "it is tried again within five minutes; `sudo ss -tn 'sport = :443'` shows what is open",
    );
  }
}

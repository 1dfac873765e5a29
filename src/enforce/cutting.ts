import type { CutStatus } from "../model/api.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import type { SocketCutter } from "./socket-cutter.ts";

/**
 * Closes open connections of whom bans came into force, since Apache asks only at a request and a WebSocket is one for hours.
 * Only then: before, the client would connect again. One run at a time takes all targets that have come by then.
 *
 *     idle ── targets came into force, or a full look is due ──▶ probing (until it works once) ──▶ cutting ──▶ idle
 *
 * What fails is tried again with the next full look, each five minutes.
 */
export class Cutting {
  readonly #cutter: SocketCutter;
  readonly #onChange: () => void;
  readonly #ending = new AbortController();
  /** Null while nothing is enforced. */
  #inForce: ReadonlySet<Target> | null = null;
  readonly #due = new Set<Target>();
  #isProbed = false;
  #isProbeDue = true;
  #isRunning = false;
  #turn: Promise<void> = Promise.resolve();
  #closed = 0;
  #error: SekishoError | null = null;

  constructor(cutter: SocketCutter, onChange: () => void) {
    this.#cutter = cutter;
    this.#onChange = onChange;
  }

  /** Takes all that is in force now, and cuts what was not before; null: nothing is enforced at all. */
  follow(inForce: ReadonlySet<Target> | null): void {
    for (const target of inForce ?? []) if (!this.#inForce?.has(target)) this.#due.add(target);
    this.#inForce = inForce;
    if (inForce !== null) this.#wake();
  }

  /** Looks for the sockets of all who are banned, and tries again what failed. */
  verify(): void {
    for (const target of this.#inForce ?? []) this.#due.add(target);
    this.#isProbeDue = !this.#isProbed;
    this.#wake();
  }

  status(): Omit<CutStatus, "note"> {
    return {
      state: this.#inForce === null ? "off" : this.#error === null ? "on" : "failed",
      closed: this.#closed,
      error: this.#error?.message ?? null,
      hint: this.#error?.hint ?? null,
    };
  }

  /** Resolves when all that was due is done or has failed. */
  async settled(): Promise<void> {
    while (this.#isRunning) await this.#turn;
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
      const targets = new TargetSet([...this.#due].filter((target) => this.#inForce?.has(target)));
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

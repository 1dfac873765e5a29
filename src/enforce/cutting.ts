import { setImmediate as breathe } from "node:timers/promises";
import type { CutStatus } from "../model/api.ts";
import { changedBlocks } from "../model/block-changes.ts";
import type { Block } from "../model/decision.ts";
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
  #isEnforcing = false;
  /** Whom bans should keep out. Not lists: looking for half a million targets of theirs would take longer than all else. */
  readonly #wanted = new Set<Target>();
  #blocks: readonly Block[] = [];
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

  /** What is to be refused; null: nothing is enforced at all. */
  want(blocks: readonly Block[] | null): void {
    const { gone, come } = changedBlocks(this.#blocks, blocks ?? []);
    for (const target of gone.keys()) this.#drop(target);
    for (const { target, list } of come.values()) {
      if (list !== undefined) this.#drop(target);
      else if (!this.#wanted.has(target)) this.#awaited.add(target);
      if (list === undefined) this.#wanted.add(target);
    }
    this.#blocks = blocks ?? [];
    this.#isEnforcing = blocks !== null;
    this.look();
  }

  #drop(target: Target): void {
    this.#wanted.delete(target);
    this.#awaited.delete(target);
  }

  /** Cuts what has come into force. */
  look(): void {
    if (!this.#isEnforcing) return;
    for (const target of this.#awaited) {
      if (!this.#isInForce(target)) continue;
      this.#awaited.delete(target);
      this.#due.add(target);
    }
    this.#wake();
  }

  /** Looks for the sockets of all who are banned, and tries again what failed. */
  verify(): void {
    for (const target of this.#wanted) this.#due.add(target);
    this.#isProbeDue = !this.#isProbed;
    this.#wake();
  }

  status(): Omit<CutStatus, "note"> {
    return {
      state: !this.#isEnforcing ? "off" : this.#error === null ? "on" : "failed",
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
    // Not in the same turn: with 100,000 bans a start would wait for the looking.
    this.#turn = breathe().then(() => this.#run());
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      // Clients whose ban ended meanwhile are left alone.
      const isDue = (target: Target) => this.#wanted.has(target) && this.#isInForce(target);
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
      if (this.#due.size === 0) break;
    }
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

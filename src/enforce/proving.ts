import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, type SekishoError } from "../model/errors.ts";
import { type Clock, HOUR_MS, toIso, type UnixMs } from "../model/time.ts";
import type { Enforcer, Proven } from "./enforcer.ts";

/** What a request showed holds for so long, if it was refused; else it is asked again with each full look. */
const PROVEN_MS = HOUR_MS;

/** One that comes through may have been asked in the middle of somebody's reload, so it is asked again. */
const ASK_AGAIN_MS = 1_000;

/**
 * Has one enforcer show by real requests that it refuses, now and then. Beside its other calls, since bans must not wait for an Apache
 * that is slow to answer.
 */
export class Proving {
  readonly #enforcer: Enforcer;
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #signal: AbortSignal;
  #shown: { readonly proven: Proven; readonly at: UnixMs } | null = null;
  #running: Promise<void> | null = null;

  constructor(enforcer: Enforcer, clock: Clock, onChange: () => void, signal: AbortSignal) {
    this.#enforcer = enforcer;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#signal = signal;
  }

  /** Asks, if it is time to; `isNew`: something else is in force now. */
  ask(isNew: boolean): void {
    if (this.#enforcer.prove === undefined || this.#running !== null) return;
    const age = this.#shown === null ? Infinity : this.#clock.now() - this.#shown.at;
    // Less than nothing: the clock was set back.
    const isFresh = this.#shown?.proven.kind === "refused" && age >= 0 && age < PROVEN_MS;
    if (isFresh && !isNew) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** What was shown before says nothing any more. */
  forget(): void {
    this.#shown = null;
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Why blocks have no effect, where a request showed it. */
  get refutation(): SekishoError | null {
    const proven = this.#shown?.proven;
    return proven?.kind === "passed" ? proven.error : null;
  }

  /** When a request was refused; null when the last one was not, or none was sent. */
  get provenAt(): string | null {
    return this.#shown?.proven.kind === "refused" ? toIso(this.#shown.at) : null;
  }

  /** Why nobody knows. */
  get note(): string | null {
    const proven = this.#shown?.proven;
    return proven?.kind === "unknown" ? `not proven by a request: ${proven.why}` : null;
  }

  async #run(): Promise<void> {
    let proven: Proven | null;
    try {
      proven = await this.#enforcer.prove!(this.#signal);
      if (proven?.kind === "passed") {
        await sleep(ASK_AGAIN_MS, undefined, { signal: this.#signal });
        proven = await this.#enforcer.prove!(this.#signal);
      }
    } catch (error) {
      if (this.#signal.aborted) return;
      proven = { kind: "unknown", why: messageOf(error) };
    }
    this.#shown = proven === null ? null : { proven, at: this.#clock.now() };
    this.#onChange();
  }
}

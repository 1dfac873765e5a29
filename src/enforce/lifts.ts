import { type Clock, HOUR_MS, type UnixMs } from "../model/time.ts";

/**
 * Between two reloads that lifts ask for. Each reload can leave an old Apache process behind with its WebSockets, so
 * a person who lifts twenty bans gets two reloads, not twenty.
 */
const REST_MS = 30_000;
/** A reload that fails may have been one all the same, so it is tried again later each time, at last once in so long. */
const LAST_RETRY_MS = HOUR_MS;

export interface LiftsOptions {
  /** Somebody is still refused whom nobody wants to be. */
  readonly areDue: () => boolean;
  /** Brings them into force, with a reload. */
  readonly apply: () => Promise<void>;
  readonly clock: Clock;
}

/** Has lifts that would wait for an enforcer's schedule come into force soon. */
export class Lifts {
  readonly #options: LiftsOptions;
  #appliedAt: UnixMs | null = null;
  #timer: NodeJS.Timeout | null = null;
  #failures = 0;
  #isStopped = false;

  constructor(options: LiftsOptions) {
    this.#options = options;
  }

  /** What waited is in force, whoever asked for it. */
  applied(): void {
    this.#appliedAt = this.#options.clock.now();
    this.#failures = 0;
  }

  /** At once, or when the rest after the last reload is over. Throws what goes wrong at once; it is tried again all the same. */
  async ask(): Promise<void> {
    if (!this.#options.areDue() || this.#timer !== null) return;
    const rested = this.#appliedAt === null ? Infinity : this.#options.clock.now() - this.#appliedAt;
    // Less than nothing: the clock was set back.
    if (rested < 0 || rested >= REST_MS) return this.#try();
    this.#tryIn(REST_MS - rested);
  }

  /** Waits for no other try. */
  hurry(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  stop(): void {
    this.#isStopped = true;
    this.hurry();
  }

  async #try(): Promise<void> {
    try {
      await this.#options.apply();
    } catch (error) {
      this.#tryIn(Math.min(REST_MS * 2 ** this.#failures++, LAST_RETRY_MS));
      throw error;
    }
  }

  #tryIn(delay: number): void {
    if (this.#timer !== null || this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      // What goes wrong is in the status.
      if (this.#options.areDue()) this.#try().catch(() => {});
    }, delay).unref();
  }
}

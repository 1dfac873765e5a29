import { parseIp, type Target, targetOf } from "../model/ip.ts";
import type { Clock, UnixMs } from "../model/time.ts";
import { type Access, SESSION_IDLE, type Visitor } from "./auth.ts";
import { isLoopbackName } from "./request-origin.ts";

const SWEEP_MS = 60_000;
const MAX_PLACES = 256;
/** Of one X-Forwarded-For: two proxies and the client are usual. */
const MAX_FORWARDED = 5;

interface Place {
  readonly visitor: Visitor;
  readonly target: Target;
  usedAt: UnixMs;
}

/**
 * Where those who are signed in come from, as banning them would lock an administrator out. A session's addresses count
 * until it ends, those of a holder of the token for as long after their last use as an idle session lives.
 *
 * What X-Forwarded-For tells is believed: whoever is let in could also allowlist the address.
 */
export class Presence implements Disposable {
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #changed: (targets: readonly Target[]) => void;
  /** The latest used last. */
  readonly #places = new Map<string, Place>();
  readonly #timer: NodeJS.Timeout;
  #told = "";

  constructor(access: Access, clock: Clock, changed: (targets: readonly Target[]) => void) {
    this.#access = access;
    this.#clock = clock;
    this.#changed = changed;
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** A request that was let in. */
  note(
    visitor: Visitor,
    remote: string | undefined,
    forwarded: string | readonly string[] | undefined,
  ): void {
    const texts = [remote ?? "", ...(forwarded?.toString() ?? "").split(",", MAX_FORWARDED)];
    for (const text of texts) {
      const ip = parseIp(text.trim());
      if (ip === null || isLoopbackName(ip)) continue;
      const target = targetOf(ip);
      const key = `${visitor.kind === "session" ? visitor.key : ""} ${target}`;
      this.#places.delete(key);
      this.#places.set(key, { visitor, target, usedAt: this.#clock.now() });
    }
    this.sweep();
  }

  /** Lets go of those who have left, and tells who is there when that has changed. */
  sweep(): void {
    const now = this.#clock.now();
    for (const [key, { visitor, usedAt }] of this.#places) {
      const isThere = this.#access.isWelcome(visitor) && now - usedAt < SESSION_IDLE;
      if (!isThere || this.#places.size > MAX_PLACES) this.#places.delete(key);
    }
    const targets = [...new Set([...this.#places.values()].map(({ target }) => target))].sort();
    if (targets.join() === this.#told) return;
    this.#told = targets.join();
    this.#changed(targets);
  }
}

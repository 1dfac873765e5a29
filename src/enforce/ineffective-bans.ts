import type { Target } from "../model/ip.ts";
import type { Passed } from "../model/passed.ts";
import type { Clock, UnixMs } from "../model/time.ts";

/** Logs bear whole seconds, and clocks of hosts that write them differ a little. */
const SLACK_MS = 5_000;
/** One may have been under way, or be a line of a wrong clock. */
const ENOUGH_REQUESTS = 3;
/** Who has not come through for so long is taken for refused by now. */
const FORGET_MS = 3_600_000;
const MAX_WATCHED = 1_000;

/** What is asked of enforcement. */
export interface Claims {
  /** The block is wanted: nobody is to be spared. */
  wants(target: Target): boolean;
  /** Enforcers that say they have it in force. */
  enforcedBy(target: Target): readonly string[];
  /** An enforcer has it, and brings it into force later. */
  waitingFor(target: Target): readonly unknown[];
}

/** A ban that does not keep its client out. */
export interface Ineffective {
  readonly target: Target;
  readonly requests: number;
  readonly latest: UnixMs;
  readonly path: string;
  readonly vhost: string | null;
  /** Enforcers that say they refuse them; none: nothing enforces the ban. */
  readonly enforcedBy: readonly string[];
}

interface Watched extends Ineffective {
  /** Since then at the latest the claim holds, as somebody looked then. */
  readonly since: UnixMs;
}

/**
 * Bans that do not keep their clients out, told by requests in the log (`Proving` asks by itself). The first that comes through begins the
 * watch; only requests that began well after are held against the ban, so that nothing which was under way counts.
 */
export class IneffectiveBans {
  readonly #claims: Claims;
  readonly #clock: Clock;
  readonly #watched = new Map<Target, Watched>();

  constructor(claims: Claims, clock: Clock) {
    this.#claims = claims;
    this.#clock = clock;
  }

  /** True when something that is shown changed. */
  note(passed: readonly Passed[]): boolean {
    let changed = false;
    for (const each of passed) changed = this.#noteOne(each) || changed;
    return changed;
  }

  #noteOne({ target, requests, earliest, latest, path, vhost }: Passed): boolean {
    const enforcedBy = this.#claims.enforcedBy(target);
    const isWaiting = enforcedBy.length === 0 && this.#claims.waitingFor(target).length > 0;
    // Who tries out what would be blocked knows that nothing is.
    const isDryRun = enforcedBy.length > 0 && enforcedBy.every((name) => name === "dry-run");
    if (isWaiting || isDryRun || !this.#claims.wants(target)) return this.#watched.delete(target);
    const known = this.#watched.get(target);
    const isSame = known !== undefined && known.enforcedBy.join() === enforcedBy.join();
    if (!isSame) {
      const [oldest] = this.#watched.keys();
      if (oldest !== undefined && this.#watched.size >= MAX_WATCHED) this.#watched.delete(oldest);
      const since = this.#clock.now();
      this.#watched.set(target, { target, since, requests: 0, latest, path, vhost, enforcedBy });
      return known !== undefined;
    }
    if (earliest < known.since + SLACK_MS) return false;
    this.#watched.set(target, { ...known, requests: known.requests + requests, latest, path, vhost });
    return true;
  }

  /** Bans that do not keep their clients out, the most requests first. */
  list(): Ineffective[] {
    const now = this.#clock.now();
    for (const [target, { latest, since }] of this.#watched) {
      const isOver = !this.#claims.wants(target) || Math.max(latest, since) < now - FORGET_MS;
      if (isOver) this.#watched.delete(target);
    }
    return [...this.#watched.values()]
      .filter(({ requests }) => requests >= ENOUGH_REQUESTS)
      .sort((a, b) => b.requests - a.requests);
  }

  /** Requests of the client that came through after the ban was in force. */
  passed(target: Target): number {
    return this.#watched.get(target)?.requests ?? 0;
  }
}

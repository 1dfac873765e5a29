import type { Target } from "../model/ip.ts";
import type { Passed } from "../model/passed.ts";
import { type Clock, HOUR_MS, type UnixMs } from "../model/time.ts";
import type { Enforcer } from "./enforcer.ts";

/** Logs bear whole seconds, and clocks of hosts that write them differ a little. */
const SLACK_MS = 5_000;
/** One may have been under way, or be a line of a wrong clock. */
const ENOUGH_REQUESTS = 3;
/** Who has not come through for so long is taken for refused by now. */
const FORGET_MS = HOUR_MS;
const MAX_WATCHED = 1_000;
/** What Apache's configuration says is not read again for each that comes through. */
const ASK_AGAIN_MS = 60_000;

/** What is asked of enforcement. */
export interface Claims {
  /** The block is wanted: nobody is to be spared. */
  wants(target: Target): boolean;
  /** Enforcers that say they have it in force. */
  enforcedBy(target: Target): readonly string[];
  levelOf(enforcer: string): Enforcer["level"] | null;
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
  /** Of the requests such as only who is let in gets. */
  readonly certain: number;
}

/**
 * Bans that do not keep their clients out, told by requests in the log (`Proving` asks by itself). The first that comes through begins the
 * watch; only requests that began well after are held against the ban, so that nothing which was under way counts.
 */
export class IneffectiveBans {
  readonly #claims: Claims;
  readonly #clock: Clock;
  readonly #answersEarly: () => boolean;
  readonly #watched = new Map<Target, Watched>();
  #early = { is: false, at: -Infinity };

  /** `answersEarly`: whether Apache may answer 404 and 410 before it asks who may come in. */
  constructor(claims: Claims, clock: Clock, answersEarly: () => boolean = () => false) {
    this.#claims = claims;
    this.#clock = clock;
    this.#answersEarly = answersEarly;
  }

  /** True when something that is shown changed. */
  note(passed: readonly Passed[]): boolean {
    let changed = false;
    for (const each of passed) changed = this.#noteOne(each) || changed;
    return changed;
  }

  #noteOne({ target, requests, certain, earliest, latest, path, vhost }: Passed): boolean {
    const enforcedBy = this.#claims.enforcedBy(target);
    const isWaiting = enforcedBy.length === 0 && this.#claims.waitingFor(target).length > 0;
    // Whoever uses dry-run knows that nothing is blocked.
    const isDryRun = enforcedBy.length > 0 && enforcedBy.every((name) => name === "dry-run");
    if (isWaiting || isDryRun || !this.#claims.wants(target)) return this.#watched.delete(target);
    const known = this.#watched.get(target);
    const isSame = known !== undefined && known.enforcedBy.join() === enforcedBy.join();
    if (!isSame) {
      const [oldest] = this.#watched.keys();
      if (oldest !== undefined && this.#watched.size >= MAX_WATCHED) this.#watched.delete(oldest);
      const since = this.#clock.now();
      this.#watched.set(target, { target, since, requests: 0, certain: 0, latest, path, vhost, enforcedBy });
      return known !== undefined;
    }
    if (earliest < known.since + SLACK_MS) return false;
    const sums = { requests: known.requests + requests, certain: known.certain + certain };
    this.#watched.set(target, { ...known, ...sums, latest, path, vhost });
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
      .filter((watched) => watched.requests >= ENOUGH_REQUESTS && this.#cameThrough(watched))
      .sort((a, b) => b.requests - a.requests);
  }

  /** Requests of the client that came through after the ban was in force. */
  passed(target: Target): number {
    const watched = this.#watched.get(target);
    return watched !== undefined && this.#cameThrough(watched) ? watched.requests : 0;
  }

  /** What stops packets lets no request come to Apache, whatever that answers. */
  #cameThrough({ certain, enforcedBy }: Watched): boolean {
    const isApaches =
      enforcedBy.length > 0 && enforcedBy.every((name) => this.#claims.levelOf(name) === "request");
    if (certain > 0 || !isApaches) return true;
    const now = this.#clock.now();
    if (Math.abs(now - this.#early.at) >= ASK_AGAIN_MS) this.#early = { is: this.#answersEarly(), at: now };
    return !this.#early.is;
  }
}

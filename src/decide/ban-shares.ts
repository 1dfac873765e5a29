import type { AuditTrust } from "../model/audit.ts";
import type { SourceId } from "../model/event.ts";
import { NEVER, type UnixMs } from "../model/time.ts";

/** How long a ban counts towards its source's share. */
export const DAY_MS = 24 * 3_600_000;

export interface CausedBan {
  /** The audit source; null: Apache's own logs. */
  readonly reportedBy: SourceId | null;
  readonly decidedAt: UnixMs;
}

/** How many of the last day's bans an audit source has caused, and how many it may have with the next. */
export interface BanUsage {
  readonly bans: number;
  readonly limit: number;
}

/**
 * Who caused the last day's bans. Only those of rules count: a person's list of a thousand ranges must not raise what an
 * app may do.
 *
 * A ban counts from when it was decided, not from the time of its lines: an app writes these times itself, and could
 * spread its bans over all of last month. Replay has no such time; there it is the newest that any ban had until then.
 */
export class BanShares {
  #bans: CausedBan[] = [];
  /** How many there were when those of more than a day ago were dropped. */
  #kept = 0;
  #newest = 0 as UnixMs;

  load(bans: Iterable<CausedBan>): void {
    this.#bans = [...bans];
  }

  /** Notes a ban that begins at `at` and is decided at `now`, which is `NEVER` in replay. */
  record(reportedBy: SourceId | null, at: UnixMs, now: UnixMs): void {
    const decidedAt = this.#time(at, now);
    this.#bans.push({ reportedBy, decidedAt });
    if (this.#bans.length < 2 * this.#kept + 100) return;
    this.#bans = this.#bans.filter((ban) => ban.decidedAt > decidedAt - DAY_MS);
    this.#kept = this.#bans.length;
  }

  usage(source: SourceId, { maxBanShare, bansAlways }: AuditTrust, at: UnixMs, now: UnixMs): BanUsage {
    const time = this.#time(at, now);
    let total = 0;
    let bans = 0;
    for (const { decidedAt, reportedBy } of this.#bans) {
      // What was decided later than now was decided by a clock that was wrong.
      if (decidedAt <= time - DAY_MS || decidedAt > time) continue;
      total++;
      if (reportedBy === source) bans++;
    }
    return { bans, limit: Math.max(bansAlways, Math.floor(maxBanShare * (total + 1))) };
  }

  #time(at: UnixMs, now: UnixMs): UnixMs {
    if (now !== NEVER) return now;
    if (at > this.#newest) this.#newest = at;
    return this.#newest;
  }
}

import type { AuditTrust, TrustOf } from "../model/audit.ts";
import type { SourceId } from "../model/event.ts";
import { DAY_MS, NEVER, type UnixMs } from "../model/time.ts";
import { Times } from "./times.ts";

/** How long a ban counts towards its source's share. */
export const SHARE_WINDOW_MS = DAY_MS;

export interface CausedBan {
  /** The file whose lines reported it; null: Apache's own logs. */
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
 * app may do. All files of one entry of the configuration are one source: an app that writes thirty may cause no more than
 * one that writes one.
 *
 * A ban counts from when it was decided, not from the time of its lines: an app writes these times itself, and could
 * spread its bans over all of last month. Replay has no such time; there it is the newest that any ban had until then.
 */
export class BanShares {
  readonly #trustOf: TrustOf;
  #all = new Times(SHARE_WINDOW_MS);
  /** By the name of the source. */
  #caused = new Map<string, Times>();
  #newest = 0 as UnixMs;

  constructor(trustOf: TrustOf) {
    this.#trustOf = trustOf;
  }

  /** Takes what was stored, once the sources that reported it are known. */
  load(bans: Iterable<CausedBan>): void {
    this.#all = new Times(SHARE_WINDOW_MS);
    this.#caused = new Map();
    for (const { reportedBy, decidedAt } of bans) this.#add(reportedBy, decidedAt);
  }

  /** Notes a ban that begins at `at` and is decided at `now`, which is `NEVER` in replay. */
  record(reportedBy: SourceId | null, at: UnixMs, now: UnixMs): void {
    this.#add(reportedBy, this.#time(at, now));
  }

  usage({ name, maxBanShare, bansAlways }: AuditTrust, at: UnixMs, now: UnixMs): BanUsage {
    const time = this.#time(at, now);
    const bans = this.#caused.get(name)?.before(time) ?? 0;
    const total = this.#all.before(time);
    return { bans, limit: Math.max(bansAlways, Math.floor(maxBanShare * (total + 1))) };
  }

  #add(reportedBy: SourceId | null, decidedAt: UnixMs): void {
    this.#all.add(decidedAt);
    const name = reportedBy === null ? undefined : this.#trustOf(reportedBy)?.name;
    if (name === undefined) return;
    const caused = this.#caused.get(name) ?? new Times(SHARE_WINDOW_MS);
    caused.add(decidedAt);
    this.#caused.set(name, caused);
  }

  #time(at: UnixMs, now: UnixMs): UnixMs {
    if (now !== NEVER) return now;
    if (at > this.#newest) this.#newest = at;
    return this.#newest;
  }
}

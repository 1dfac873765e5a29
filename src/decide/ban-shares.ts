import type { AuditTrust } from "../model/audit.ts";
import type { Decision } from "../model/decision.ts";
import type { SourceId } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";

/** How long a ban counts towards its source's share. */
export const DAY_MS = 24 * 3_600_000;

interface CausedBan {
  readonly source: SourceId | null;
  /** When it was decided, by the newest time that had been seen then: these never go back. */
  readonly decidedAt: number;
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
 * The day ends at the newest time seen, so that replay and live agree. A ban counts from when it was decided, not from
 * the time of its lines: an app writes these times itself, and could spread its bans over all of last month.
 */
export class BanShares {
  /** In the order of `decidedAt`. */
  #bans: CausedBan[] = [];
  #newest = 0;

  /** Bans by rules in the order in which they were decided. */
  load(bans: Iterable<Pick<Decision, "at" | "reportedBy">>): void {
    for (const ban of bans) this.record(ban);
  }

  record({ at, reportedBy }: Pick<Decision, "at" | "reportedBy">): void {
    this.#newest = Math.max(this.#newest, at);
    const dayAgo = this.#newest - DAY_MS;
    // Half of them at once, or a flood of bans would move the rest with each.
    if ((this.#bans[this.#bans.length >> 1]?.decidedAt ?? dayAgo) < dayAgo)
      this.#bans = this.#bans.filter(({ decidedAt }) => decidedAt > dayAgo);
    this.#bans.push({ source: reportedBy, decidedAt: this.#newest });
  }

  usage(source: SourceId, { maxBanShare, bansAlways }: AuditTrust, time: UnixMs): BanUsage {
    const dayAgo = Math.max(this.#newest, time) - DAY_MS;
    let total = 0;
    let bans = 0;
    for (let index = this.#bans.length - 1; index >= 0; index--) {
      const ban = this.#bans[index]!;
      if (ban.decidedAt <= dayAgo) break;
      total++;
      if (ban.source === source) bans++;
    }
    return { bans, limit: Math.max(bansAlways, Math.floor(maxBanShare * (total + 1))) };
  }
}

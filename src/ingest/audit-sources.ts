import { BanShares, type BanUsage, SHARE_WINDOW_MS } from "../decide/ban-shares.ts";
import type { AuditTrust, TrustOf } from "../model/audit.ts";
import { SekishoError } from "../model/errors.ts";
import type { SourceId } from "../model/event.ts";
import type { Source } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";
import { logPattern } from "../tail/log-pattern.ts";
import type { IngestedLog } from "./messages.ts";

interface Limit {
  readonly trust: AuditTrust;
  readonly covers: (path: string) => boolean;
}

type Known = Pick<Source, "id" | "path" | "kind">;

/**
 * What the audit sources may cause, by the numbers that their files have in the store, and what they have caused. Files
 * that one entry of the configuration stands for are one source.
 */
export class AuditSources {
  readonly #limits: readonly Limit[];
  readonly #trusts = new Map<SourceId, AuditTrust>();
  readonly trustOf: TrustOf = (source) => this.#trusts.get(source) ?? null;
  readonly shares = new BanShares(this.trustOf);

  constructor(logs: readonly IngestedLog[]) {
    this.#limits = logs.flatMap(({ path, trust }) => (trust ? [limitOf(path, trust)] : []));
  }

  /** Takes note of a log's number. */
  note({ id, path, kind }: Known): void {
    const limit = kind === "audit" ? this.#limits.find(({ covers }) => covers(path)) : undefined;
    if (limit !== undefined) this.#trusts.set(id, limit.trust);
  }

  /** What the source has caused; null for Apache's own logs. */
  causes(source: SourceId, now: UnixMs): (BanUsage & { readonly mayBan: readonly string[] }) | null {
    const trust = this.trustOf(source);
    if (trust === null) return null;
    return { ...this.shares.usage(trust, now, now), mayBan: trust.mayBan };
  }

  /** One for each source that has caused as many bans as it may. */
  problems(sources: readonly SourceId[], now: UnixMs): SekishoError[] {
    const trusts = new Set(sources.map(this.trustOf).filter((trust) => trust !== null));
    return [...trusts].flatMap((trust) => {
      const { bans, limit } = this.shares.usage(trust, now, now);
      return bans === 0 || bans < limit ? [] : [limitReached(trust.name, bans)];
    });
  }
}

/** Since when bans count towards a share. */
export const sharesSince = (now: UnixMs): UnixMs => (now - SHARE_WINDOW_MS) as UnixMs;

const limitOf = (path: string, trust: AuditTrust): Limit => ({ trust, covers: logPattern(path).matches });

const limitReached = (name: string, bans: number): SekishoError =>
  new SekishoError(
    "AUDIT_BAN_LIMIT",
    `audit source ${name} has caused ${bans} ban${bans === 1 ? "" : "s"} in a day, as many as it may: what else it reports is recorded and bans nobody`,
    "look at what the app reports; where all of it is right, raise logs[].maxBanShare or logs[].bansAlways",
  );

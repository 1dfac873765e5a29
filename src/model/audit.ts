import type { AuditName, SourceId } from "./event.ts";

/** A site's own names of events. */
export const ownNamePattern = /^app\.[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$/;

/**
 * What an audit source may cause. An app that writes audit events names any address it likes, so one that is broken or
 * taken over could have anybody banned.
 */
export interface AuditTrust {
  /** What reasons call the source: the socket's name, or the path in the configuration. No two have the same. */
  readonly name: string;
  /** Names of events; `app.*` stands for all of a site's own. */
  readonly mayBan: readonly string[];
  /** The part of the last day's bans that it may cause, 0 to 1. */
  readonly maxBanShare: number;
  /** So many bans a day it may cause in any case: a share of few is nothing. */
  readonly bansAlways: number;
}

/** What is known of a source; null for Apache's own logs, and where nobody limits anything. */
export type TrustOf = (source: SourceId) => AuditTrust | null;

export const unlimited: TrustOf = () => null;

export const mayBanFor = ({ mayBan }: AuditTrust, name: AuditName): boolean =>
  mayBan.includes(name) || (name.startsWith("app.") && mayBan.includes("app.*"));

/** Who reported what led to a finding. */
export interface AuditReport {
  readonly source: SourceId;
  readonly name: AuditName;
}

import type { EventItem, FindingItem } from "../model/api.ts";
import type { UnparsedReason } from "../model/event.ts";
import type { Severity } from "../model/finding.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { EVENT_KINDS } from "./event-rows.ts";
import type { EventRow } from "./stored-events.ts";

/** What a page shows of one stored text. */
const SHOWN_LENGTH = 4_096;

export interface FindingRow {
  readonly id: number;
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly first_seen: UnixMs;
  readonly last_seen: UnixMs;
  readonly count: number;
  readonly evidence: string;
  readonly spared: string | null;
}

/** An event with its source's path, and what was kept of its bytes when it did not parse. */
export type ShownEventRow = EventRow & { readonly source_path: string; readonly bytes_kept: Buffer | null };

/** A finding as it is shown. */
export const findingItem = (row: FindingRow): FindingItem => ({
  id: row.id,
  rule: row.rule,
  title: row.title,
  severity: row.severity,
  subject: row.subject,
  firstSeen: toIso(row.first_seen),
  lastSeen: toIso(row.last_seen),
  count: row.count,
  evidence: JSON.parse(row.evidence) as string[],
  spared: row.spared,
});

/** An event as it is shown. */
export function eventItem(row: ShownEventRow): EventItem {
  const kind = EVENT_KINDS[row.kind - 1]!;
  return {
    id: row.id,
    time: toIso(row.time as UnixMs),
    kind,
    source: row.source_path,
    client: row.client,
    method: row.method,
    path: row.path,
    query: row.query,
    status: row.status,
    origin: row.origin,
    userAgent: row.user_agent,
    vhost: row.vhost,
    code: kind === "unparsed" ? null : row.code,
    message: row.bytes_kept === null ? row.message : row.bytes_kept.toString("utf8", 0, SHOWN_LENGTH),
    reason: kind === "unparsed" ? (row.code as UnparsedReason) : null,
    refused: row.refused === 1,
  };
}

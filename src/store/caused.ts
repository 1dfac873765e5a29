import type { AuditReport } from "../model/audit.ts";
import type { Decision } from "../model/decision.ts";
import type { AuditName, SourceId } from "../model/event.ts";
import type { Subject } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import { kindNumber } from "./event-rows.ts";
import type { Statements } from "./statements.ts";

/** Hits that led to a finding, which a restart must not count again. */
export interface Consumed {
  readonly subject: Subject;
  readonly rule: string;
  readonly throughEvent: number;
  readonly at: UnixMs;
  readonly report: AuditReport | null;
}
type ConsumedRow = Omit<Consumed, "report"> & {
  readonly source: SourceId;
  readonly name: AuditName | null;
};

/** Hits that led to a finding at an event from `firstEvent` on, at `since` or later. */
export const consumedHits = (statements: Statements, firstEvent: number, since: number): Consumed[] =>
  statements
    .all<ConsumedRow>(
      `SELECT f.subject, f.rule, f.event AS throughEvent, f.last_seen AS at, e.source,
         CASE e.kind WHEN ${kindNumber("audit")} THEN t.value END AS name
       FROM findings f LEFT JOIN events e ON e.id = f.event LEFT JOIN texts t ON t.id = e.code
       WHERE f.event >= ? AND f.last_seen >= ?`,
      firstEvent,
      since,
    )
    .map(({ source, name, ...hits }) => ({ ...hits, report: name === null ? null : { source, name } }));

/** When a ban was decided, and the audit source that caused it. */
export type CausedBan = Pick<Decision, "reportedBy"> & { readonly decidedAt: UnixMs };

/** Bans that rules decided after that time. */
export const bansByRules = (statements: Statements, time: UnixMs): CausedBan[] =>
  statements.all(
    `SELECT decided_at AS decidedAt, reported_by AS reportedBy FROM decisions
       WHERE kind = 'ban' AND decided_by = 'rule' AND decided_at > ? ORDER BY id`,
    time,
  );

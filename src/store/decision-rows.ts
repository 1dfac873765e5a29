import type { DecisionKind, StoredDecision } from "../model/decision.ts";
import type { SourceId } from "../model/event.ts";
import type { Target } from "../model/ip.ts";
import { NEVER, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

export interface DecisionRow {
  readonly id: number;
  readonly kind: DecisionKind;
  readonly target: Target;
  readonly rule: string | null;
  readonly decided_by: "rule" | "person";
  readonly reason: string;
  readonly at: UnixMs;
  readonly until: UnixMs | null;
  readonly revoked_at: UnixMs | null;
  readonly incident: number | null;
  readonly reported_by: SourceId | null;
  readonly decided_at: UnixMs | null;
}

export const decisionOf = (row: DecisionRow): StoredDecision => ({
  id: row.id,
  kind: row.kind,
  target: row.target,
  rule: row.rule,
  by: row.decided_by,
  reason: row.reason,
  at: row.at,
  until: row.until ?? NEVER,
  revokedAt: row.revoked_at,
  incident: row.incident,
  reportedBy: row.reported_by,
  decidedAt: row.decided_at,
});

/** What people have put on the allowlist. By an index, as bans of long ago are many. */
export const allowedIn = (statements: Statements, now: UnixMs): Target[] =>
  statements
    .all<Pick<DecisionRow, "target">>(
      `SELECT target FROM decisions INDEXED BY decisions_standing
         WHERE kind = 'allow' AND revoked_at IS NULL AND (until IS NULL OR until > ?)`,
      now,
    )
    .map(({ target }) => target);

const RUNS = "ifnull(until, 9e15) > @now";
/** Targets of bans that people lifted before their time, and that no ban has now. */
export const LET_IN = `SELECT DISTINCT target FROM decisions AS lifted INDEXED BY decisions_revoked
  WHERE revocation IS NOT NULL AND kind = 'ban' AND revoked_event IS NOT NULL AND ${RUNS}
    AND NOT EXISTS (SELECT 1 FROM decisions INDEXED BY decisions_target
      WHERE target = lifted.target AND kind = 'ban' AND revoked_at IS NULL AND ${RUNS})`;

import type { RuleCounts, RuleFinding } from "../model/rule-status.ts";
import { DAY_MS, toIso, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

/** Of one rule so many findings are told. */
const TOLD = 100;
/** Findings whose lines are of that time. Of what was stored before none is looked at. */
const FOUND_SINCE = `event >= coalesce((SELECT first_event FROM spans WHERE stored_at < @since ORDER BY first_event DESC LIMIT 1), 0)
         AND last_seen >= @since`;

type Counted = { readonly rule: string; readonly count: number };

/**
 * Findings and bans of each rule within a day, by the time of their lines. Neither table has an index on time: what was stored
 * before is left out by number, as both are stored in turn.
 */
export function ruleCounts(statements: Statements, now: UnixMs): Map<string, RuleCounts> {
  const since = now - DAY_MS;
  const findings = statements.all<Counted>(
    `SELECT rule, count(*) AS count FROM findings WHERE ${FOUND_SINCE} GROUP BY rule`,
    { since },
  );
  const bans = statements.all<Counted>(
    `SELECT rule, count(*) AS count FROM decisions NOT INDEXED
       WHERE id > coalesce((SELECT id FROM decisions WHERE coalesce(decided_at, at) < @since ORDER BY id DESC LIMIT 1), 0)
         AND kind = 'ban' AND decided_by = 'rule' AND at >= @since GROUP BY rule`,
    { since },
  );
  const counts = new Map<string, RuleCounts>();
  for (const { rule, count } of findings) counts.set(rule, { findings: count, bans: 0 });
  for (const { rule, count } of bans)
    counts.set(rule, { findings: counts.get(rule)?.findings ?? 0, bans: count });
  return counts;
}

interface FindingRow {
  readonly id: number;
  readonly incident: number;
  readonly subject: string;
  readonly first_seen: UnixMs;
  readonly last_seen: UnixMs;
  readonly count: number;
  readonly spared: string | null;
}

/** The newest findings of a rule within a day, without their evidence. By event: by id all there ever were would be read. */
export const ruleFindings = (statements: Statements, rule: string, now: UnixMs): RuleFinding[] =>
  statements
    .all<FindingRow>(
      `SELECT id, incident, subject, first_seen, last_seen, count, spared FROM findings INDEXED BY findings_event
         WHERE ${FOUND_SINCE} AND rule = @rule ORDER BY id DESC LIMIT ${TOLD}`,
      { since: now - DAY_MS, rule },
    )
    .map(({ first_seen, last_seen, ...row }) => ({
      ...row,
      firstSeen: toIso(first_seen),
      lastSeen: toIso(last_seen),
    }));

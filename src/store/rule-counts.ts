import type { RuleCounts } from "../model/rule-status.ts";
import type { UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

type Counted = { readonly rule: string; readonly count: number };

/**
 * Findings and bans of each rule since then, by the time of their lines. Neither table has an index on time: what was stored
 * before is left out by number, as both are stored in turn.
 */
export function ruleCounts(statements: Statements, since: UnixMs): Map<string, RuleCounts> {
  const findings = statements.all<Counted>(
    `SELECT rule, count(*) AS count FROM findings
       WHERE event >= coalesce((SELECT first_event FROM spans WHERE stored_at < @since ORDER BY first_event DESC LIMIT 1), 0)
         AND last_seen >= @since
       GROUP BY rule`,
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

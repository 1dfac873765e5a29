import type { Halt, HaltName } from "../model/halt.ts";
import type { Target } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import { NEXT_REVOCATION } from "./running-bans.ts";
import type { Statements } from "./statements.ts";

export const haltsIn = (statements: Statements): Halt[] =>
  statements.all('SELECT name, since, reason, counted_from AS "from" FROM halts ORDER BY since');

/** What keeps rules from banning, as it is stored. */
export class Halts {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  all(): Halt[] {
    return haltsIn(this.#statements);
  }

  /** One that is there already stays as it is. Short enough for a full disk: a panic that gets no further blocks nobody. */
  begin({ name, since, reason, from }: Halt): void {
    this.#statements.insert("INSERT OR IGNORE INTO halts VALUES (?, ?, ?, ?)", name, since, reason, from);
  }

  /** False when there was none. */
  end(name: HaltName): boolean {
    return this.#statements.change("DELETE FROM halts WHERE name = ?", name) > 0;
  }
}

/** Whose bans are lifted: everybody's, or those that rules decided from a time on. */
export type Lifted = { readonly decidedFrom: UnixMs } | "all";

/** Ends running bans; their targets. Hits up to the event `forgivenThrough` do not bring them back. */
export function liftBans(
  statements: Statements,
  which: Lifted,
  forgivenThrough: number,
  now: UnixMs,
): Target[] {
  const running = `kind = 'ban' AND revoked_at IS NULL AND (until IS NULL OR until > @now)
    AND (@from IS NULL OR (decided_by = 'rule' AND decided_at >= @from))`;
  const values = { now, from: which === "all" ? null : which.decidedFrom };
  const lifted = statements.all<{ target: Target }>(
    `SELECT DISTINCT target FROM decisions WHERE ${running}`,
    values,
  );
  statements.change(
    `UPDATE decisions SET revoked_at = @now, revoked_event = @forgivenThrough,
       revocation = ${NEXT_REVOCATION} WHERE ${running}`,
    { ...values, forgivenThrough },
  );
  return lifted.map(({ target }) => target);
}

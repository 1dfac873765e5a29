import type { IncidentDetail, IncidentItem, Page, PageQuery } from "../model/api.ts";
import type { Severity } from "../model/finding.ts";
import type { Target } from "../model/ip.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { before, pageOf } from "./page.ts";
import type { ShownBans } from "./shown-bans.ts";
import { type FindingRow, findingItem } from "./shown-rows.ts";
import type { Statements } from "./statements.ts";
import { targetsTouching } from "./targets-touching.ts";

/** Of one incident, the newest; and of the incidents on a target. */
const FINDINGS_SHOWN = 200;
const BANS_SHOWN = 50;
const INCIDENTS_TOUCHING = 50;

interface IncidentRow {
  readonly id: number;
  readonly subject: string;
  readonly target: Target;
  readonly severity: Severity;
  readonly state: "open" | "closed";
  readonly opened_at: UnixMs;
  readonly last_seen: UnixMs;
}

export interface IncidentFilter {
  /** Null: in any. */
  readonly state: "open" | "closed" | null;
}

/** Incidents as they are shown. */
export class ShownIncidents {
  readonly #statements: Statements;
  readonly #bans: ShownBans;

  constructor(statements: Statements, bans: ShownBans) {
    this.#statements = statements;
    this.#bans = bans;
  }

  page({ limit, cursor, state }: PageQuery & IncidentFilter): Page<IncidentItem> {
    const rows = this.#statements.all<IncidentRow>(
      `SELECT * FROM incidents WHERE id < @before ${state === null ? "" : "AND state = @state"} ORDER BY id DESC LIMIT @limit`,
      { before: before(cursor), limit: limit + 1, state },
    );
    return pageOf(rows, limit, (row) => this.#item(row));
  }

  byId(id: number): IncidentDetail | null {
    const row = this.#statements.get<IncidentRow>("SELECT * FROM incidents WHERE id = ?", id);
    if (row === undefined) return null;
    const findings = this.#statements.all<FindingRow>(
      `SELECT * FROM findings WHERE incident = ? ORDER BY id DESC LIMIT ${FINDINGS_SHOWN}`,
      id,
    );
    return {
      ...this.#item(row),
      findings: findings.map(findingItem),
      bans: this.#bans.ofTarget(row.target, BANS_SHOWN),
    };
  }

  #item(row: IncidentRow): IncidentItem {
    const rules = this.#statements.all<{ rule: string; count: number }>(
      "SELECT rule, count(*) AS count FROM findings WHERE incident = ? GROUP BY rule ORDER BY max(id)",
      row.id,
    );
    const [ban = null] = this.#bans.ofTarget(row.target, 1);
    return {
      id: row.id,
      subject: row.subject,
      // Of a subject without an address the row has none.
      target: row.target === "" ? row.subject : row.target,
      severity: row.severity,
      state: row.state,
      openedAt: toIso(row.opened_at),
      lastSeen: toIso(row.last_seen),
      findingCount: rules.reduce((sum, { count }) => sum + count, 0),
      rules: rules.map(({ rule }) => rule),
      ban,
    };
  }

  /** Incidents on targets that share addresses with this one, newest first. */
  touching(target: Target): IncidentDetail[] {
    return this.#statements
      .all<{ id: number }>(
        `SELECT id FROM incidents WHERE target IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ${INCIDENTS_TOUCHING}`,
        targetsTouching(this.#statements, "incidents", target),
      )
      .map(({ id }) => this.byId(id))
      .filter((incident) => incident !== null);
  }
}

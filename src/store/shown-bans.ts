import type { BanItem, Page, PageQuery } from "../model/api.ts";
import { type BanFilter, type BanState, type StoredDecision, stateOf } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import { type Clock, toIso, toIsoOrNull } from "../model/time.ts";
import { type DecisionRow, decisionOf } from "./decision-rows.ts";
import { before, pageOf } from "./page.ts";
import type { Statements } from "./statements.ts";
import { targetsTouching } from "./targets-touching.ts";

const CONDITIONS: Readonly<Record<BanState, string>> = {
  active: "revoked_at IS NULL AND (until IS NULL OR until > @now)",
  expired: "revoked_at IS NULL AND until <= @now",
  revoked: "revoked_at IS NOT NULL",
};

/** What is known of bans in force, which the store does not know. */
export interface InForce {
  /** Names of the enforcers that hold a target at present. */
  readonly enforcedBy: (target: Target) => readonly string[];
  /** Requests that came through though banned. */
  readonly passed: (target: Target) => number;
}

/** Bans as they are shown. */
export class ShownBans {
  readonly #statements: Statements;
  readonly #clock: Clock;
  readonly #inForce: InForce;

  constructor(statements: Statements, clock: Clock, inForce: InForce) {
    this.#statements = statements;
    this.#clock = clock;
    this.#inForce = inForce;
  }

  page({ limit, cursor, state, touching = null }: PageQuery & BanFilter): Page<BanItem> {
    const condition = state === null ? "1" : CONDITIONS[state];
    const which =
      touching === null
        ? "decisions NOT INDEXED WHERE 1"
        : "decisions INDEXED BY decisions_target WHERE target IN (SELECT value FROM json_each(@targets))";
    const rows = this.#statements.all<DecisionRow>(
      `SELECT * FROM ${which} AND kind = 'ban' AND id < @before AND ${condition} ORDER BY id DESC LIMIT @limit`,
      {
        before: before(cursor),
        limit: limit + 1,
        now: this.#clock.now(),
        targets: touching === null ? null : targetsTouching(this.#statements, "decisions", touching),
      },
    );
    return pageOf(rows, limit, (row) => this.item(decisionOf(row)));
  }

  /** The ban of that number, whatever its state. */
  byId(id: number): BanItem | null {
    const row = this.#statements.get<DecisionRow>("SELECT * FROM decisions WHERE id = ?", id);
    return row === undefined ? null : this.item(decisionOf(row));
  }

  /** A ban as it is shown. */
  item(decision: StoredDecision): BanItem {
    const { id, target, rule, reason, by, incident } = decision;
    const state = stateOf(decision, this.#clock.now());
    const passed = state === "active" ? this.#inForce.passed(target) : 0;
    return {
      id,
      kind: "ban",
      target,
      rule,
      reason,
      by,
      at: toIso(decision.at),
      until: toIsoOrNull(decision.until),
      state,
      enforcedBy: state === "active" ? this.#inForce.enforcedBy(target) : [],
      incident,
      ...(passed === 0 ? {} : { passed }),
    };
  }

  /** The newest bans of exactly this target. */
  ofTarget(target: Target, most: number): BanItem[] {
    return this.#statements
      .all<DecisionRow>(
        "SELECT * FROM decisions WHERE kind = 'ban' AND target = ? ORDER BY id DESC LIMIT ?",
        target,
        most,
      )
      .map((row) => this.item(decisionOf(row)));
  }
}

import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import { type Clock, NEVER, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

/** What runs now, in two parts: each is a search of one index, which an OR of both would read from end to end. */
export const RUNNING = [
  "kind = @kind AND revoked_at IS NULL AND until IS NULL",
  "kind = @kind AND revoked_at IS NULL AND until > @now",
] as const;

/** Later than any time in a row. */
const ENDLESS = 9e15;

/** The next revocation's number, in an UPDATE that revokes. */
export const NEXT_REVOCATION =
  "(SELECT ifnull(max(revocation), 0) + 1 FROM decisions WHERE revocation IS NOT NULL)";

/** How far decisions were read. */
export interface Mark {
  readonly decision: number;
  readonly revocation: number;
}

/** The running bans of a store: until when each target is banned by the longest of its bans. */
export class BanRows {
  readonly #statements: Statements;
  readonly clock: Clock;

  constructor(statements: Statements, clock: Clock) {
    this.#statements = statements;
    this.clock = clock;
  }

  all(): Map<Target, UnixMs> {
    const select = RUNNING.map((condition) => `SELECT target, until FROM decisions WHERE ${condition}`);
    const rows = this.#statements.all<{ target: Target; until: UnixMs | null }>(select.join(" UNION ALL "), {
      kind: "ban",
      now: this.clock.now(),
    });
    const longest = new Map<Target, UnixMs>();
    for (const { target, until } of rows) {
      longest.set(target, Math.max(longest.get(target) ?? 0, until ?? NEVER) as UnixMs);
    }
    return longest;
  }

  /** Of those that were decided or revoked since; null: none of them runs any more. Told which index to use, SQLite reads no others. */
  since({ decision, revocation }: Mark): Map<Target, UnixMs | null> {
    const rows = this.#statements.all<{ target: Target; until: number | null }>(
      `SELECT target, (SELECT max(ifnull(until, @endless)) FROM decisions AS standing INDEXED BY decisions_target
           WHERE standing.target = changed.target AND kind = 'ban' AND revoked_at IS NULL
             AND ifnull(until, @endless) > @now) AS until
         FROM (SELECT target FROM decisions NOT INDEXED WHERE id > @decision AND kind = 'ban'
           UNION ALL SELECT target FROM decisions INDEXED BY decisions_revoked
             WHERE revocation > @revocation AND kind = 'ban') AS changed`,
      { decision, revocation, endless: ENDLESS, now: this.clock.now() },
    );
    return new Map(
      rows.map(({ target, until }) => [target, until === ENDLESS ? NEVER : (until as UnixMs | null)]),
    );
  }

  /** To be read before what it is the mark of. */
  mark(): Mark {
    return this.#statements.get<Mark>(
      `SELECT (SELECT ifnull(max(id), 0) FROM decisions) AS decision,
         (SELECT ifnull(max(revocation), 0) FROM decisions WHERE revocation IS NOT NULL) AS revocation`,
    )!;
  }
}

/**
 * The running bans as blocks, in the order in which they came, and each the same object as long as its end is the same. After
 * the first reading only what was decided and revoked since is read, as reading 100,000 with each new ban takes a tenth of a second.
 */
export class RunningBans {
  readonly #rows: BanRows;
  readonly #blocks = new Map<Target, Block>();
  #list: readonly Block[] | null = [];
  #mark: Mark | null = null;
  #readAt: UnixMs = 0 as UnixMs;

  constructor(rows: BanRows) {
    this.#rows = rows;
  }

  /** Those of whom `isWanted`. `isAnew`: all are read and asked for, as when that was never done. */
  read(isWanted: (target: Target) => boolean, isAnew: boolean): readonly Block[] {
    const now = this.#rows.clock.now();
    const known = this.#mark;
    const mark = this.#rows.mark();
    // With a clock that was set back a ban runs again that was over.
    if (isAnew || known === null || now < this.#readAt) this.#takeAll(isWanted);
    else {
      for (const [target, until] of this.#rows.since(known)) this.#take(target, until, isWanted);
      this.#dropEnded(now);
    }
    this.#mark = mark;
    this.#readAt = now;
    this.#list ??= [...this.#blocks.values()];
    return this.#list;
  }

  #takeAll(isWanted: (target: Target) => boolean): void {
    const all = this.#rows.all();
    for (const target of this.#blocks.keys()) if (!all.has(target)) this.#take(target, null, isWanted);
    for (const [target, until] of all) this.#take(target, until, isWanted);
  }

  #take(target: Target, until: UnixMs | null, isWanted: (target: Target) => boolean): void {
    const known = this.#blocks.get(target);
    const end = until !== null && isWanted(target) ? until : null;
    if (end === (known?.until ?? null)) return;
    if (end === null) this.#blocks.delete(target);
    else this.#blocks.set(target, { target, until: end });
    this.#list = null;
  }

  #dropEnded(now: UnixMs): void {
    for (const { target, until } of this.#list ?? this.#blocks.values()) {
      if (until > now) continue;
      this.#blocks.delete(target);
      this.#list = null;
    }
  }
}

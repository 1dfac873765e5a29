import type { Database } from "better-sqlite3";
import type { LogEvent } from "../model/event.ts";
import { kindNumber } from "./event-rows.ts";
import { type EventRow, eventOf, SELECT_EVENTS } from "./stored-events.ts";

/** So many of the newest events are read again after a restart, some ten seconds of a busy site's start at most. */
const MOST_OF_ALL = 500_000;
/** Of what is older so many are looked through, and so many read: what was refused or failed, which rules with a long memory count. */
const MOST_LOOKED_THROUGH = 10_000_000;
const MOST_OF_BAD = 200_000;
/** Few, as they are in memory at once: the texts of one request, which its client chose, may be 40 KB. */
const BATCH = 500;

/** Everything but requests that were answered as they should be. */
const BAD = `(e.kind <> ${kindNumber("access")} OR e.status >= 400)`;

export interface StoredBatch {
  /** The number of the first; the others follow it. */
  readonly firstEvent: number;
  readonly events: readonly LogEvent[];
}

/** Limits that a test sets lower. */
export interface RecentLimits {
  readonly ofAll: number;
  readonly ofBad: number;
}

/**
 * Events from `first` on, `next` being the number of the next one, for rules to count them again. On a site so busy that there are
 * very many, of the older ones only those that were refused or failed, or a start would take longer the longer any rule looks back.
 */
export function* recentEvents(
  connection: Database,
  first: number,
  next: number,
  { ofAll, ofBad }: RecentLimits = { ofAll: MOST_OF_ALL, ofBad: MOST_OF_BAD },
): Generator<StoredBatch> {
  const all = Math.max(first, next - ofAll);
  if (first < all) yield* badEvents(connection, Math.max(first, next - MOST_LOOKED_THROUGH), all, ofBad);
  const select = connection.prepare(`${SELECT_EVENTS} WHERE e.id >= ? ORDER BY e.id LIMIT ${BATCH}`);
  for (let from = all; ; ) {
    const rows = select.all(from) as EventRow[];
    const [head] = rows;
    if (head === undefined) return;
    // Retention deletes from the beginning only, so ids in a batch are consecutive.
    yield { firstEvent: head.id, events: rows.map(eventOf) };
    from = rows[rows.length - 1]!.id + 1;
  }
}

/** Each by itself, since their numbers do not follow each other. */
function* badEvents(connection: Database, first: number, end: number, most: number): Generator<StoredBatch> {
  const floor = connection
    .prepare(
      `SELECT e.id FROM events e WHERE e.id >= ? AND e.id < ? AND ${BAD} ORDER BY e.id DESC LIMIT 1 OFFSET ?`,
    )
    .pluck()
    .get(first, end, most) as number | undefined;
  const select = connection.prepare(
    `${SELECT_EVENTS} WHERE e.id > ? AND e.id < ? AND ${BAD} ORDER BY e.id LIMIT ${BATCH}`,
  );
  for (let after = floor ?? first - 1; ; ) {
    const rows = select.all(after, end) as EventRow[];
    for (const row of rows) yield { firstEvent: row.id, events: [eventOf(row)] };
    if (rows.length < BATCH) return;
    after = rows[rows.length - 1]!.id;
  }
}

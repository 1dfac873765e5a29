import type { Statement } from "better-sqlite3";
import type { TrafficPoint } from "../model/api.ts";
import type { LogEvent } from "../model/event.ts";
import { MINUTE_MS, toIso, type UnixMs } from "../model/time.ts";
import type { Connection } from "./database.ts";
import type { Statements } from "./statements.ts";

const REFUSED = 5;
/** Lines that are further ahead of the clock are in no minute that is shown. */
const AHEAD_MS = MINUTE_MS;
const MINUTES_A_STEP = 4_000;

/** By class of status, and refused. */
type Counts = [number, number, number, number, number, number];

/** Requests a minute by class of status, kept up with the events so that the dashboard never has to count them. */
export class Traffic {
  readonly #upsert: Statement;
  readonly #deletePast: Statement;
  readonly #deleteAhead: Statement;
  #since = 0;

  constructor(connection: Connection) {
    this.#upsert = connection.prepare(
      `INSERT INTO traffic VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
       s1xx = s1xx + excluded.s1xx, s2xx = s2xx + excluded.s2xx, s3xx = s3xx + excluded.s3xx,
       s4xx = s4xx + excluded.s4xx, s5xx = s5xx + excluded.s5xx, refused = refused + excluded.refused`,
    );
    const some = (condition: string) =>
      connection.prepare(
        `DELETE FROM traffic WHERE minute IN (SELECT minute FROM traffic WHERE ${condition} LIMIT ${MINUTES_A_STEP})`,
      );
    this.#deletePast = some("minute < ?");
    this.#deleteAhead = some("minute > ?");
  }

  add(events: readonly LogEvent[], now: UnixMs): void {
    const minutes = new Map<number, Counts>();
    let minute = Number.NaN;
    let counts: Counts | undefined;
    for (const event of events) {
      if (event.kind !== "access") continue;
      const its = event.time - (event.time % MINUTE_MS);
      if (its !== minute || counts === undefined) {
        minute = its;
        counts = minutes.get(its) ?? [0, 0, 0, 0, 0, 0];
        minutes.set(its, counts);
      }
      const column = event.refused ? REFUSED : Math.floor(event.status / 100) - 1;
      if (event.refused || (column >= 0 && column < REFUSED)) counts[column]!++;
    }
    const latest = now + AHEAD_MS;
    for (const [each, its] of minutes)
      if (each >= this.#since && each <= latest) this.#upsert.run(each, ...its);
  }

  /**
   * Deletes some minutes that are older than `before`, or ahead of the clock as it is now; how many. Older ones are not
   * counted from now on: lines that say all of last year's minutes would be a row each.
   */
  deleteSome(before: UnixMs | null, now: UnixMs): number {
    this.#since = before === null ? 0 : before - MINUTE_MS;
    const old = this.#deletePast.run(this.#since).changes;
    return old > 0 ? old : this.#deleteAhead.run(now + AHEAD_MS).changes;
  }
}

/** One point a minute up to now, oldest first. */
export function trafficPoints(statements: Statements, minutes: number, now: UnixMs): TrafficPoint[] {
  const last = now - (now % MINUTE_MS);
  const first = last - (minutes - 1) * MINUTE_MS;
  const rows = statements.all<Omit<TrafficPoint, "time"> & { minute: number }>(
    "SELECT minute, s1xx, s2xx, s3xx, s4xx, s5xx, refused FROM traffic WHERE minute BETWEEN ? AND ?",
    first,
    last,
  );
  const known = new Map(rows.map(({ minute, ...counts }) => [minute, counts]));
  const none = { s1xx: 0, s2xx: 0, s3xx: 0, s4xx: 0, s5xx: 0, refused: 0 };
  return Array.from({ length: minutes }, (_, index) => {
    const minute = (first + index * MINUTE_MS) as UnixMs;
    return { time: toIso(minute), ...(known.get(minute) ?? none) };
  });
}

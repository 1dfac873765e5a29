import type { Statement } from "better-sqlite3";
import type { LogEvent } from "../model/event.ts";
import type { Connection } from "./database.ts";

const MINUTE_MS = 60_000;
const REFUSED = 5;

/** Requests a minute by class of status, kept up with the events so that the dashboard never has to count them. */
export class Traffic {
  readonly #upsert: Statement;

  constructor(connection: Connection) {
    this.#upsert = connection.prepare(
      `INSERT INTO traffic VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (minute) DO UPDATE SET
       s1xx = s1xx + excluded.s1xx, s2xx = s2xx + excluded.s2xx, s3xx = s3xx + excluded.s3xx,
       s4xx = s4xx + excluded.s4xx, s5xx = s5xx + excluded.s5xx, refused = refused + excluded.refused,
       first_event = min(first_event, excluded.first_event)`,
    );
  }

  add(events: readonly LogEvent[], firstId: number): void {
    const minutes = new Map<
      number,
      { counts: [number, number, number, number, number, number]; first: number }
    >();
    let minute = Number.NaN;
    let entry: { counts: [number, number, number, number, number, number]; first: number } | undefined;
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      const its = event.time - (event.time % MINUTE_MS);
      if (its !== minute || entry === undefined) {
        minute = its;
        entry = minutes.get(its);
        if (entry === undefined) {
          entry = { counts: [0, 0, 0, 0, 0, 0], first: firstId + index };
          minutes.set(its, entry);
        }
      }
      if (event.kind !== "access") continue;
      const column = event.refused ? REFUSED : Math.floor(event.status / 100) - 1;
      if (event.refused || (column >= 0 && column < REFUSED)) entry.counts[column]!++;
    }
    for (const [each, { counts, first }] of minutes) this.#upsert.run(each, ...counts, first);
  }
}

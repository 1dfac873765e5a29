import type { LogEvent } from "../model/event.ts";
import type { Source } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

export type StoredSource = Pick<Source, "id" | "path" | "kind">;

const SOURCES_A_STEP = 500;

/** The logs that were read, and how many lines each had. Called in transactions of the caller. */
export class SourceRows {
  readonly #statements: Statements;
  /** Registered by this process: hits in memory may name them by their numbers, so their rows stay. */
  readonly #registered = new Set<number>();

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  register({ path, kind }: Pick<Source, "path" | "kind">): number {
    this.#statements.insert(
      "INSERT INTO sources (path, kind) VALUES (?, ?) ON CONFLICT (path) DO UPDATE SET kind = excluded.kind",
      path,
      kind,
    );
    const id = this.#statements.number("SELECT id FROM sources WHERE path = ?", path);
    this.#registered.add(id);
    return id;
  }

  all(): StoredSource[] {
    return this.#statements.all("SELECT id, path, kind FROM sources");
  }

  /** The newest time of a source's events; null when there is none. */
  newestTime(source: number): UnixMs | null {
    const row = "SELECT last_event_at FROM sources WHERE id = ?";
    return this.#statements.get<{ last_event_at: UnixMs | null }>(row, source)?.last_event_at ?? null;
  }

  count(source: number, events: readonly LogEvent[], firstEvent: number): void {
    if (events.length === 0) return;
    let unparsed = 0;
    let openings = 0;
    let newest = 0;
    for (const event of events) {
      if (event.kind === "opening") openings++;
      if (event.kind === "unparsed") unparsed++;
      else if (event.time > newest) newest = event.time;
    }
    this.#statements.change(
      `UPDATE sources SET lines = lines + ?, unparsed = unparsed + ?, openings = openings + ?, newest_event = ?,
       last_event_at = nullif(max(coalesce(last_event_at, 0), ?), 0) WHERE id = ?`,
      events.length,
      unparsed,
      openings,
      firstEvent + events.length - 1,
      newest,
      source,
    );
  }

  /**
   * Deletes sources to which no event from `oldestEvent` on, no checkpoint and no ban refers, as logs with a date in their name
   * leave one a day. Their lines stay counted, in a row for each kind. The newest stays, so that no number is given again.
   */
  deleteOld(oldestEvent: number): void {
    const gone = this.#statements.all<{ id: number; kind: string }>(
      `SELECT id, kind FROM sources WHERE path LIKE '/%' AND ifnull(newest_event, 0) < ?
         AND id < (SELECT max(id) FROM sources)
         AND NOT EXISTS (SELECT 1 FROM checkpoints WHERE source = sources.id)
         AND NOT EXISTS (SELECT 1 FROM decisions WHERE reported_by = sources.id) LIMIT ?`,
      oldestEvent,
      SOURCES_A_STEP + this.#registered.size,
    );
    for (const { id, kind } of gone) {
      if (this.#registered.has(id)) continue;
      this.#statements.insert(
        `INSERT INTO sources (path, kind, lines, unparsed, openings)
           SELECT ?, kind, lines, unparsed, openings FROM sources WHERE id = ?
           ON CONFLICT (path) DO UPDATE SET lines = lines + excluded.lines,
             unparsed = unparsed + excluded.unparsed, openings = openings + excluded.openings`,
        `gone ${kind}`,
        id,
      );
      this.#statements.change("DELETE FROM sources WHERE id = ?", id);
    }
  }
}

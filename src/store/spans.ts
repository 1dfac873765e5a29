import type { LogEvent } from "../model/event.ts";
import { MINUTE_MS, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

/** A span ends after so many events or when the clock's minute does, whichever is first. */
const EVENTS_A_SPAN = 1_000;

interface Span {
  readonly firstEvent: number;
  readonly minute: number;
}

/**
 * Leads from a time to event numbers without an index on time: of each span of events that were stored together, when that
 * was and the newest time that its lines bear.
 *
 * A line's own time is believed where it is past: history that is read late is as old as it says, so that buckets can be
 * counted again from it after a restart, and retention deletes it as any of its age. A time ahead counts as the time of
 * storing. So whatever lines say, no event outlives the retention counted from when it was stored, and one that is wrong
 * moves neither what is kept nor what a restart reads.
 */
export class Spans {
  readonly #statements: Statements;
  #current: Span | null = null;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Called in the transaction that stores the events. The caller says afterwards whether it was `committed`. */
  add(events: readonly LogEvent[], firstEvent: number, now: UnixMs): { committed(): void } {
    if (events.length === 0) return { committed: () => {} };
    const span = this.#spanOf(firstEvent, now);
    this.#statements.change(
      `INSERT INTO spans VALUES (?, ?, ?) ON CONFLICT (first_event) DO UPDATE SET
         newest = coalesce(max(newest, excluded.newest), newest, excluded.newest)`,
      span.firstEvent,
      now,
      newestOf(events, now),
    );
    return {
      committed: () => {
        this.#current = span;
      },
    };
  }

  #spanOf(firstEvent: number, now: UnixMs): Span {
    const minute = Math.floor(now / MINUTE_MS);
    const current = this.#current;
    const isOpen =
      current !== null && current.minute === minute && firstEvent - current.firstEvent < EVENTS_A_SPAN;
    if (isOpen) return current;
    return { firstEvent, minute };
  }

  /** The newest time of lines up to `now`, after which only a clock that was set back has stored some; 0 without any. */
  newest(now: UnixMs): number {
    return this.#statements.number("SELECT coalesce(max(newest), 0) FROM spans WHERE newest <= ?", now);
  }

  /** The first event of the first span with a line between the two times; null when there is none. */
  firstBetween(since: number, now: UnixMs): number | null {
    return this.#first("newest BETWEEN ? AND ?", since, now);
  }

  /**
   * The first event that is not older than that, for retention: lines that were not parsed are as old as those that they
   * came with, or else as what they were stored at. Where the clock was set back, what is ahead of it stays: nothing tells
   * whether it was wrong then or is now.
   */
  firstYoungerThan(time: UnixMs): number | null {
    return this.#first("coalesce(newest, stored_at) >= ?", time);
  }

  #first(condition: string, ...values: number[]): number | null {
    const select = `SELECT first_event FROM spans WHERE ${condition} ORDER BY first_event LIMIT 1`;
    return this.#statements.get<{ first_event: number }>(select, ...values)?.first_event ?? null;
  }

  /** Spans that end before that event. */
  deleteBefore(event: number): void {
    this.#statements.change(
      "DELETE FROM spans WHERE first_event < (SELECT max(first_event) FROM spans WHERE first_event <= ?)",
      event,
    );
  }
}

/** Null when no line was parsed: the time of such a one is when it was read. */
function newestOf(events: readonly LogEvent[], now: UnixMs): number | null {
  let newest: number | null = null;
  for (const { kind, time } of events)
    if (kind !== "unparsed" && (newest === null || time > newest)) newest = time;
  return newest === null ? null : Math.min(newest, now);
}

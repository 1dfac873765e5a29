import type { UnixMs } from "../model/time.ts";
import { BLOCK } from "./client-blocks.ts";
import type { Connection } from "./database.ts";
import { deleteEvidence } from "./evidence.ts";
import type { Spans } from "./spans.ts";
import type { Statements } from "./statements.ts";
import type { Traffic } from "./traffic.ts";
import type { UnparsedBytes } from "./unparsed-bytes.ts";

/** What is kept; null: whatever there is. */
export interface RetentionLimits {
  /** Events that are older go. */
  readonly before: UnixMs | null;
  /** Bytes that the database may use; the oldest goes while it uses more: evidence of closed incidents, and events. */
  readonly disk: number | null;
}

/** What keeps its own count of what retention deletes. */
interface Kept {
  readonly spans: Spans;
  readonly traffic: Traffic;
  readonly unparsed: UnparsedBytes;
}

/** A step is about as long as a batch, some milliseconds (test/bench/disk.ts), and deletes more than one brings. */
const EVENTS_A_STEP = 4_000;
const TEXTS_A_STEP = 4_000;
const BYTES_A_STEP = 2 * 2 ** 20;
const PAGES_A_STEP = 128;
/** Free pages that stay in the file: what comes next fills them. */
const FREE_PAGES_KEPT = 4_096;

/** Deletes the oldest events and all that only they name, and gives the space back, in steps that do not hold up a batch. */
export class Retention {
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #spans: Spans;
  readonly #traffic: Traffic;
  readonly #unparsed: UnparsedBytes;

  constructor(connection: Connection, statements: Statements, kept: Kept) {
    this.#connection = connection;
    this.#statements = statements;
    this.#spans = kept.spans;
    this.#traffic = kept.traffic;
    this.#unparsed = kept.unparsed;
  }

  /** One step, in a transaction of the caller; false when there was nothing to do. */
  step(limits: RetentionLimits, nextEvent: number, now: UnixMs): boolean {
    const oldest = this.#statements.number("SELECT min(id) FROM events") ?? nextEvent;
    const isOver = limits.disk !== null && this.#usedBytes() > limits.disk;
    return (
      this.#deleteTexts(oldest) ||
      this.#deleteUnparsed(oldest) ||
      (isOver && deleteEvidence(this.#statements, oldest) > 0) ||
      this.#deleteEvents(oldest, this.#keepFrom(limits.before, isOver, oldest, nextEvent)) ||
      this.#traffic.deleteSome(limits.before, now) > 0 ||
      this.#giveBack()
    );
  }

  #keepFrom(before: UnixMs | null, isOver: boolean, oldest: number, nextEvent: number): number {
    // The newest stays, as it says which number comes next.
    const newest = nextEvent - 1;
    // The last few stay too, or a budget that is too small would have each batch deleted as it comes.
    if (isOver && newest - oldest >= EVENTS_A_STEP) return newest;
    if (before === null) return oldest;
    return Math.min(newest, this.#spans.firstYoungerThan(before) ?? newest);
  }

  #deleteEvents(oldest: number, keepFrom: number): boolean {
    const end = Math.min(keepFrom, oldest + EVENTS_A_STEP);
    if (end <= oldest) return false;
    this.#statements.change("DELETE FROM events WHERE id < ?", end);
    this.#spans.deleteBefore(end);
    this.#statements.change("DELETE FROM client_blocks WHERE block < ?", Math.floor(end / BLOCK));
    return true;
  }

  /** Texts of generations whose last event is gone. */
  #deleteTexts(oldest: number): boolean {
    const current = this.#statements.get<{ first_event: number; first_text: number }>(
      "SELECT * FROM text_generations WHERE first_event <= ? ORDER BY first_event DESC LIMIT 1",
      oldest,
    );
    if (current === undefined) return false;
    const select =
      "SELECT id, octet_length(value) AS bytes FROM texts WHERE id > 0 AND id < ? ORDER BY id LIMIT ?";
    const some = this.#someOf(select, current.first_text);
    if (some === null) return false;
    this.#statements.change("DELETE FROM texts WHERE id > 0 AND id <= ?", some.last);
    this.#statements.change("DELETE FROM text_generations WHERE first_event < ?", current.first_event);
    return true;
  }

  #deleteUnparsed(oldest: number): boolean {
    const select =
      "SELECT event AS id, octet_length(bytes) AS bytes FROM unparsed WHERE event < ? ORDER BY event LIMIT ?";
    const some = this.#someOf(select, oldest);
    if (some === null) return false;
    this.#statements.change("DELETE FROM unparsed WHERE event <= ?", some.last);
    this.#unparsed.forget(some.bytes);
    return true;
  }

  /** What one step deletes: few rows where they are long, as one text may be a MiB. Null when there is nothing. */
  #someOf(select: string, below: number): { readonly last: number; readonly bytes: number } | null {
    let last: number | null = null;
    let bytes = 0;
    for (const row of this.#statements.all<{ id: number; bytes: number }>(select, below, TEXTS_A_STEP)) {
      if (bytes > BYTES_A_STEP) break;
      last = row.id;
      bytes += row.bytes;
    }
    return last === null ? null : { last, bytes };
  }

  #usedBytes(): number {
    return (this.#pragma("page_count") - this.#pragma("freelist_count")) * this.#pragma("page_size");
  }

  /** Moves pages from the end of the file into free ones before it, and cuts it. */
  #giveBack(): boolean {
    const free = this.#pragma("freelist_count");
    if (free <= FREE_PAGES_KEPT) return false;
    this.#connection.pragma(`incremental_vacuum(${Math.min(PAGES_A_STEP, free - FREE_PAGES_KEPT)})`);
    return this.#pragma("freelist_count") < free;
  }

  #pragma = (name: string): number => this.#connection.pragma(name, { simple: true }) as number;
}

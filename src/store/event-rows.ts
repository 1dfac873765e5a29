import type { Statement } from "better-sqlite3";
import { unreachable } from "../model/brand.ts";
import type { LogEvent } from "../model/event.ts";
import { maskField, maskSecrets } from "../model/secrets.ts";
import type { ClientBlocks } from "./client-blocks.ts";
import type { Connection } from "./database.ts";
import type { Dictionary } from "./dictionary.ts";

type Cell = number | string | null;
type EventOf<K extends LogEvent["kind"]> = Extract<LogEvent, { kind: K }>;

/** Their order is what the column `kind` counts, from 1. */
export const EVENT_KINDS = ["access", "error", "audit", "unparsed", "opening"] as const;

const KIND_NUMBERS = new Map(EVENT_KINDS.map((kind, index) => [kind, index + 1]));
/** A count as a column takes it. In JSON it may be a fraction, and a row that is refused would be read again without end. */
export const whole = (count: number | undefined): number | null =>
  count === undefined ? null : Math.round(count);

/** What the column `kind` says. */
export const kindNumber = (kind: LogEvent["kind"]): number => KIND_NUMBERS.get(kind)!;

const SEEN = ["id", "time", "source"];
const REQUEST = [
  ...[...SEEN, "client", "refused", "status", "bytes", "method", "path", "query", "protocol"],
  ...["referer", "user_agent", "user"],
];
const OPENED = [
  ...["client", "refused", "method", "path", "query", "protocol", "user_agent", "user"],
  ...["origin", "host", "vhost", "second"],
];
const SHOWN = ["origin", "upgrade", "host", "vhost", "duration_us", "bytes_in", "bytes_out", "tls"];

/** Writes events as rows, without the secrets that their texts carry. Each kind names only the columns that it has: what costs time is binding values. */
export class EventRows {
  readonly #texts: Dictionary;
  readonly #blocks: ClientBlocks;
  readonly #requests: Rows;
  /** Requests in a format that shows more than `combined` does. */
  readonly #richRequests: Rows;
  /** Lines of sockets whose opening was judged. */
  readonly #ends: Rows;
  readonly #openings: Rows;
  readonly #errors: Rows;
  readonly #audits: Rows;
  readonly #unparsed: Rows;

  constructor(connection: Connection, texts: Dictionary, blocks: ClientBlocks) {
    this.#texts = texts;
    this.#blocks = blocks;
    this.#requests = new Rows(connection, "access", REQUEST);
    this.#richRequests = new Rows(connection, "access", [...REQUEST, ...SHOWN]);
    this.#ends = new Rows(connection, "access", [...REQUEST, ...SHOWN, "second"]);
    this.#openings = new Rows(connection, "opening", [...SEEN, ...OPENED]);
    this.#errors = new Rows(connection, "error", [
      ...SEEN,
      "client",
      "refused",
      "code",
      "message",
      "level",
      "module",
      "protocol", // ModSecurity's severity
      "connection", // the request's number
    ]);
    const audited = [
      "client",
      "refused",
      "code",
      "message",
      "module",
      "connection",
      "user",
      "origin",
      "path",
    ];
    this.#audits = new Rows(connection, "audit", [...SEEN, ...audited]);
    this.#unparsed = new Rows(connection, "unparsed", [...SEEN, "refused", "code"]);
  }

  insert(events: readonly LogEvent[], firstId: number): void {
    const all = [
      this.#requests,
      this.#richRequests,
      this.#ends,
      this.#openings,
      this.#errors,
      this.#audits,
      this.#unparsed,
    ];
    // A batch that failed may have left rows behind.
    for (const rows of all) rows.clear();
    this.#blocks.begin();
    for (let index = 0; index < events.length; index++) this.#add(firstId + index, events[index]!);
    for (const rows of all) rows.flush();
  }

  #add(id: number, event: LogEvent): void {
    const text = this.#texts;
    if (event.kind !== "unparsed" && event.client !== null)
      this.#blocks.note(id, event.client, kindNumber(event.kind));
    switch (event.kind) {
      case "access":
        this.#addRequest(id, event);
        return;
      case "opening":
        // biome-ignore format: one row, in the order of the columns
        this.#openings.add(id, event.time, event.source, event.client, 0,
          text.id(event.method), text.id(maskSecrets(event.path)), text.id(maskField(event.query)),
          text.id(event.protocol), text.id(event.userAgent), text.id(event.user), text.id(event.origin),
          text.id(event.host), text.id(event.vhost), event.second ? 1 : 0);
        return;
      case "error":
        // biome-ignore format: one row, in the order of the columns
        this.#errors.add(id, event.time, event.source,
          event.client, event.refused ? 1 : 0, text.id(event.code), text.id(maskSecrets(event.message)),
          text.id(event.level), text.id(event.module), text.id(event.severity ?? undefined),
          text.id(event.requestId ?? undefined));
        return;
      case "audit":
        // biome-ignore format: one row, in the order of the columns
        this.#audits.add(id, event.time, event.source, event.client, 0,
          text.id(event.name), text.id(maskField(event.detail)), text.id(event.app), text.id(event.connection),
          text.id(event.user), text.id(event.origin), text.id(maskField(event.path)));
        return;
      case "unparsed":
        this.#unparsed.add(id, event.time, event.source, 0, text.id(event.reason));
        return;
      default:
        unreachable(event);
    }
  }

  #addRequest(id: number, event: EventOf<"access">): void {
    const text = this.#texts;
    const rich =
      event.origin !== undefined || event.upgrade !== undefined || event.host !== undefined ||
      event.vhost !== undefined || event.durationUs !== undefined || event.bytesIn !== undefined ||
      event.bytesOut !== undefined || event.tls !== undefined; // biome-ignore format: one question
    const rows = event.second ? this.#ends : rich ? this.#richRequests : this.#requests;
    // biome-ignore format: one row, in the order of the columns
    rows.add(id, event.time, event.source, event.client, event.refused ? 1 : 0,
      event.status, whole(event.bytes), text.id(event.method), text.id(maskSecrets(event.path)), text.id(maskField(event.query)),
      text.id(event.protocol), text.id(maskField(event.referer)), text.id(event.userAgent), text.id(event.user));
    if (!rich && !event.second) return;
    // biome-ignore format: the rest of the row
    rows.add(text.id(event.origin), text.id(event.upgrade), text.id(event.host), text.id(event.vhost),
      whole(event.durationUs), whole(event.bytesIn), whole(event.bytesOut), text.id(event.tls));
    if (event.second) rows.add(1);
  }
}

const ROWS_A_STATEMENT = 25;

/** Rows of one shape, inserted many a statement. */
class Rows {
  readonly #one: Statement;
  readonly #many: Statement;
  readonly #width: number;
  readonly #cells: Cell[];
  #filled = 0;

  constructor(connection: Connection, kind: LogEvent["kind"], columns: readonly string[]) {
    this.#width = columns.length;
    this.#cells = new Array<Cell>(columns.length * ROWS_A_STATEMENT).fill(null);
    const row = `(${kindNumber(kind)}, ${Array(columns.length).fill("?").join(", ")})`;
    const into = `INSERT INTO events (kind, ${columns.join(", ")}) VALUES`;
    this.#one = connection.prepare(`${into} ${row}`);
    this.#many = connection.prepare(`${into} ${Array(ROWS_A_STATEMENT).fill(row).join(", ")}`);
  }

  /** Cells of the row that is being written; a row may come in parts. */
  add(...cells: Cell[]): void {
    const into = this.#cells;
    if (this.#filled === into.length) {
      this.#many.run(into);
      this.#filled = 0;
    }
    for (let at = 0; at < cells.length; at++) into[this.#filled++] = cells[at]!;
  }

  flush(): void {
    const width = this.#width;
    if (this.#filled === this.#cells.length) this.#many.run(this.#cells);
    else for (let at = 0; at < this.#filled; at += width) this.#one.run(this.#cells.slice(at, at + width));
    this.clear();
  }

  /** The cells too, since an address is a slice that keeps its batch in memory. */
  clear(): void {
    if (this.#filled === 0) return;
    this.#cells.fill(null);
    this.#filled = 0;
  }
}

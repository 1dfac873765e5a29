import type { Statement } from "better-sqlite3";
import type { AuditName, LogEvent, UnparsedReason } from "../model/event.ts";
import type { Ip } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import type { Connection } from "./database.ts";
import type { Dictionary } from "./dictionary.ts";

type Cell = number | null;

export const KINDS = ["access", "error", "audit", "unparsed"] as const satisfies readonly LogEvent["kind"][];
const ACCESS = 1;
const ERROR = 2;
const AUDIT = 3;
const UNPARSED = 4;

const COLUMNS = 27;
const ROWS_A_STATEMENT = 50;

/** Writes events as rows, many a statement. */
export class EventRows {
  readonly #texts: Dictionary;
  readonly #clients: Dictionary;
  readonly #one: Statement;
  readonly #many: Statement;
  #cells: Cell[] = [];

  constructor(connection: Connection, texts: Dictionary, clients: Dictionary) {
    this.#texts = texts;
    this.#clients = clients;
    const row = `(${Array(COLUMNS).fill("?").join(", ")})`;
    this.#one = connection.prepare(`INSERT INTO events VALUES ${row}`);
    this.#many = connection.prepare(
      `INSERT INTO events VALUES ${Array(ROWS_A_STATEMENT).fill(row).join(", ")}`,
    );
  }

  insert(events: readonly LogEvent[], firstId: number): void {
    this.#cells = [];
    for (let index = 0; index < events.length; index++) {
      this.#push(firstId + index, events[index]!);
      if (this.#cells.length === COLUMNS * ROWS_A_STATEMENT) {
        this.#many.run(this.#cells);
        this.#cells = [];
      }
    }
    for (let at = 0; at < this.#cells.length; at += COLUMNS) this.#one.run(this.#cells.slice(at, at + COLUMNS));
  }

  #push(id: number, event: LogEvent): void {
    const text = this.#texts;
    switch (event.kind) {
      case "access":
        // biome-ignore format: one row, in the order of the columns
        this.#cells.push(id, event.time, ACCESS, event.source, this.#clients.id(event.client), event.refused ? 1 : 0,
          event.status, event.bytes ?? null, text.id(event.method), text.id(event.path), text.id(event.query),
          text.id(event.protocol), text.id(event.referer), text.id(event.userAgent), text.id(event.origin),
          text.id(event.upgrade), text.id(event.host), text.id(event.user), text.id(event.vhost),
          event.durationUs ?? null, event.bytesIn ?? null, event.bytesOut ?? null, null, null, null, null, null);
        return;
      case "error":
        // biome-ignore format: one row, in the order of the columns
        this.#cells.push(id, event.time, ERROR, event.source,
          event.client === null ? null : this.#clients.id(event.client), event.refused ? 1 : 0,
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          text.id(event.code), text.id(event.message), text.id(event.level), text.id(event.module), null);
        return;
      case "audit":
        // biome-ignore format: one row, in the order of the columns
        this.#cells.push(id, event.time, AUDIT, event.source, this.#clients.id(event.client), 0,
          null, null, null, text.id(event.path), null, null, null, null, text.id(event.origin),
          null, null, text.id(event.user), null, null, null, null,
          text.id(event.name), text.id(event.detail), null, text.id(event.app), text.id(event.connection));
        return;
      case "unparsed":
        // biome-ignore format: one row, in the order of the columns
        this.#cells.push(id, event.time, UNPARSED, event.source, null, 0,
          null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
          text.id(event.reason), null, null, null, null);
        return;
    }
  }
}

/** A row of `events` with its texts looked up by SELECT_EVENTS. */
export interface EventRow {
  readonly id: number;
  readonly time: number;
  readonly kind: number;
  readonly source: number;
  readonly client: string | null;
  readonly refused: number;
  readonly status: number;
  readonly bytes: number | null;
  readonly duration_us: number | null;
  readonly bytes_in: number | null;
  readonly bytes_out: number | null;
  /** Numbers of texts; 0 and null mean what they mean in `texts`. */
  readonly method: string | null;
  readonly path: string | null;
  readonly query: string | null;
  readonly protocol: string | null;
  readonly referer: string | null;
  readonly user_agent: string | null;
  readonly origin: string | null;
  readonly upgrade: string | null;
  readonly host: string | null;
  readonly user: string | null;
  readonly vhost: string | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly level: string | null;
  readonly module: string | null;
  readonly connection: string | null;
  /** What a NULL text above was: 0 stands for `-`, NULL for a field that the format cannot show. */
  readonly shown: number;
}

const TEXT_COLUMNS = [
  "method", "path", "query", "protocol", "referer", "user_agent", "origin", "upgrade", "host", "user", "vhost",
  "code", "message", "level", "module", "connection",
]; // biome-ignore format: one list

/** `shown` has a bit for each of TEXT_COLUMNS: set where the format shows the field. */
export const SELECT_EVENTS = `SELECT e.id, e.time, e.kind, e.source, c.value AS client, e.refused, e.status, e.bytes,
  e.duration_us, e.bytes_in, e.bytes_out,
  ${TEXT_COLUMNS.map((name) => `(SELECT value FROM texts WHERE id = e.${name} AND id > 0) AS ${name}`).join(",\n  ")},
  ${TEXT_COLUMNS.map((name, bit) => `((e.${name} IS NOT NULL) << ${bit})`).join(" | ")} AS shown
  FROM events e LEFT JOIN clients c ON c.id = e.client`;

/** The event of a row, as it was parsed; `line` is written anew from its fields. */
export function eventOf(row: EventRow): LogEvent {
  const field = (value: string | null, name: string): string | null | undefined =>
    value ?? ((row.shown >> TEXT_COLUMNS.indexOf(name)) & 1 ? null : undefined);
  const seen = { time: row.time as UnixMs, source: row.source, line: lineOf(row) };
  switch (KINDS[row.kind - 1]) {
    case "access":
      return {
        kind: "access",
        ...seen,
        client: row.client as Ip,
        method: row.method ?? "-",
        path: row.path ?? "",
        query: row.query,
        protocol: row.protocol,
        status: row.status,
        bytes: row.bytes ?? undefined,
        referer: field(row.referer, "referer"),
        userAgent: field(row.user_agent, "user_agent"),
        origin: field(row.origin, "origin"),
        upgrade: field(row.upgrade, "upgrade"),
        host: field(row.host, "host"),
        user: field(row.user, "user"),
        vhost: row.vhost ?? undefined,
        durationUs: row.duration_us ?? undefined,
        bytesIn: row.bytes_in ?? undefined,
        bytesOut: row.bytes_out ?? undefined,
        refused: row.refused === 1,
      };
    case "error":
      return {
        kind: "error",
        ...seen,
        client: row.client as Ip | null,
        level: row.level ?? "",
        module: row.module,
        code: row.code,
        message: row.message ?? "",
        refused: row.refused === 1,
      };
    case "audit":
      return {
        kind: "audit",
        ...seen,
        client: row.client as Ip,
        name: row.code as AuditName,
        app: row.module,
        user: row.user,
        connection: row.connection,
        origin: row.origin,
        path: row.path,
        detail: row.message,
      };
    default:
      return { kind: "unparsed", ...seen, reason: row.code as UnparsedReason };
  }
}

/** What a reviewer is shown of a stored event: Apache's combined form, or the message. */
function lineOf(row: EventRow): string {
  const time = new Date(row.time).toISOString();
  if (row.kind === ACCESS) {
    const query = row.query === null ? "" : `?${row.query}`;
    const request = `${row.method ?? "-"} ${row.path ?? ""}${query} ${row.protocol ?? ""}`.trim();
    const origin = row.origin === null ? "" : ` origin "${row.origin}"`;
    return `${row.client} - ${row.user ?? "-"} [${time}] "${request}" ${row.status} ${row.bytes ?? "-"} "${row.referer ?? "-"}" "${row.user_agent ?? "-"}"${origin}`;
  }
  if (row.kind === ERROR) return `[${time}] [${row.module}:${row.level}] [client ${row.client}] ${row.code}: ${row.message}`;
  return JSON.stringify({ time, event: row.code, client: row.client, user: row.user, origin: row.origin, path: row.path });
}

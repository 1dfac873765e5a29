import type {
  AccessEvent,
  AuditEvent,
  AuditName,
  ErrorEvent,
  LogEvent,
  OpeningEvent,
  UnparsedReason,
} from "../model/event.ts";
import type { Ip } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import { EVENT_KINDS } from "./event-rows.ts";

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
  readonly second: number | null;
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
  readonly tls: string | null;
  /** What a NULL text above was: 0 stands for `-`, NULL for a field that the format cannot show. */
  readonly shown: number;
}

const TEXT_COLUMNS = [
  "method", "path", "query", "protocol", "referer", "user_agent", "origin", "upgrade", "host", "user", "vhost",
  "code", "message", "level", "module", "connection", "tls",
]; // biome-ignore format: one list

/** `shown` has a bit for each of TEXT_COLUMNS: set where the format shows the field. */
export const SELECT_EVENTS = `SELECT e.id, e.time, e.kind, e.source, e.client, e.refused, e.status, e.bytes,
  e.duration_us, e.bytes_in, e.bytes_out, e.second,
  ${TEXT_COLUMNS.map((name) => `(SELECT value FROM texts WHERE id = e.${name} AND id > 0) AS ${name}`).join(",\n  ")},
  ${TEXT_COLUMNS.map((name, bit) => `((e.${name} IS NOT NULL) << ${bit})`).join(" | ")} AS shown
  FROM events e`;

/** The event of a row, as it was parsed; `line` is written anew from its fields. */
export function eventOf(row: EventRow): LogEvent {
  const seen = { time: row.time as UnixMs, source: row.source, line: lineOf(row) };
  switch (EVENT_KINDS[row.kind - 1]) {
    case "access":
      return accessOf(row, seen);
    case "opening":
      return openingOf(row, seen);
    case "error":
      return errorOf(row, seen);
    case "audit":
      return auditOf(row, seen);
    default:
      return { kind: "unparsed", ...seen, reason: row.code as UnparsedReason };
  }
}

type Seen = Pick<LogEvent, "time" | "source" | "line">;

function accessOf(row: EventRow, seen: Seen): AccessEvent {
  const field = (value: string | null, name: string): string | null | undefined =>
    value ?? ((row.shown >> TEXT_COLUMNS.indexOf(name)) & 1 ? null : undefined);
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
    tls: field(row.tls, "tls"),
    refused: row.refused === 1,
    second: row.second === 1,
  };
}

const openingOf = (row: EventRow, seen: Seen): OpeningEvent => ({
  kind: "opening",
  ...seen,
  client: row.client as Ip,
  method: row.method ?? "-",
  path: row.path ?? "",
  query: row.query,
  protocol: row.protocol,
  userAgent: row.user_agent,
  origin: row.origin,
  host: row.host,
  user: row.user,
  vhost: row.vhost ?? "",
  second: row.second === 1,
  openSockets: undefined,
});

const errorOf = (row: EventRow, seen: Seen): ErrorEvent => ({
  kind: "error",
  ...seen,
  client: row.client as Ip | null,
  level: row.level ?? "",
  module: row.module,
  code: row.code,
  message: row.message ?? "",
  severity: row.protocol,
  requestId: row.connection,
  refused: row.refused === 1,
});

const auditOf = (row: EventRow, seen: Seen): AuditEvent => ({
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
});

/** What a reviewer is shown of a stored event: Apache's combined form, or the message. */
function lineOf(row: EventRow): string {
  const time = new Date(row.time).toISOString();
  const kind = EVENT_KINDS[row.kind - 1];
  if (kind === "access" || kind === "opening") {
    const query = row.query === null ? "" : `?${row.query}`;
    const request = `${row.method ?? "-"} ${row.path ?? ""}${query} ${row.protocol ?? ""}`.trim();
    const origin = row.origin === null ? "" : ` origin "${row.origin}"`;
    if (kind === "opening")
      return `[${time}] [client ${row.client}] opening "${request}" "${row.user_agent ?? "-"}"${origin}`;
    return `${row.client} - ${row.user ?? "-"} [${time}] "${request}" ${row.status} ${row.bytes ?? "-"} "${row.referer ?? "-"}" "${row.user_agent ?? "-"}"${origin}`;
  }
  if (kind === "error")
    return `[${time}] [${row.module}:${row.level}] [client ${row.client}] ${row.code}: ${row.message}`;
  return JSON.stringify({
    time,
    event: row.code,
    client: row.client,
    user: row.user,
    origin: row.origin,
    path: row.path,
  });
}

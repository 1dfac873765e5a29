import type { SocketHolder, SocketItem } from "../model/api.ts";
import { type Ip, isIpv4, network, subjectOf, targetOf } from "../model/ip.ts";
import type { SocketState } from "../model/socket.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

export interface SocketFilter {
  readonly state: SocketState | null;
  readonly client: Ip | null;
}

interface SocketRow {
  readonly id: number;
  readonly state: SocketState;
  readonly opened_at: UnixMs;
  readonly client: string;
  readonly path: string;
  readonly query: string | null;
  readonly origin: string | null;
  readonly host: string | null;
  readonly vhost: string;
  readonly user_agent: string | null;
  readonly user: string | null;
  readonly status: number | null;
  readonly duration_us: number | null;
  readonly bytes_in: number | null;
  readonly bytes_out: number | null;
}

/** WebSockets before the one of that number, newest first. */
export function newestSockets(
  statements: Statements,
  query: SocketFilter & { readonly before: number; readonly limit: number },
): SocketRow[] {
  const conditions = [
    "id < @before",
    ...(query.state === null ? [] : ["state = @state"]),
    ...(query.client === null ? [] : ["client = @client"]),
  ];
  return statements.all(
    `SELECT * FROM sockets WHERE ${conditions.join(" AND ")} ORDER BY id DESC LIMIT @limit`,
    query,
  );
}

/** A WebSocket as it is shown. */
export function socketItem(row: SocketRow): SocketItem {
  const lifetime = row.duration_us === null ? null : Math.round(row.duration_us / 1_000);
  return {
    id: row.id,
    state: row.state,
    client: row.client,
    openedAt: toIso(row.opened_at),
    closedAt: lifetime === null ? null : toIso((row.opened_at + lifetime) as UnixMs),
    lifetimeMs: lifetime,
    path: row.path,
    query: row.query,
    origin: row.origin,
    host: row.host,
    vhost: row.vhost,
    userAgent: row.user_agent,
    user: row.user,
    status: row.status,
    bytesIn: row.bytes_in,
    bytesOut: row.bytes_out,
  };
}

type Holder = Pick<SocketHolder, "origin" | "host" | "path" | "open"> &
  Record<"firstOpenedAt" | "lastOpenedAt", UnixMs> & { readonly client: Ip };

/** Who holds WebSockets open, the most first. */
export function socketHolders(
  statements: Statements,
  limit: number,
  now: UnixMs,
): Omit<SocketHolder, "foreign">[] {
  return statements
    .all<Holder>(
      `SELECT client, origin, coalesce(host, vhost) AS host, path, count(*) AS open,
         min(opened_at) AS firstOpenedAt, max(opened_at) AS lastOpenedAt
       FROM sockets WHERE state = 'open' GROUP BY 1, 2, 3, 4 ORDER BY open DESC, lastOpenedAt DESC LIMIT ?`,
      limit,
    )
    .map((row) => ({
      ...row,
      firstOpenedAt: toIso(row.firstOpenedAt),
      lastOpenedAt: toIso(row.lastOpenedAt),
      banned: isBanned(statements, row.client, now),
      incident: openIncident(statements, row.client),
    }));
}

/** Each prefix that holds the client is looked up, as the table of bans may be long. */
function isBanned(statements: Statements, client: Ip, now: UnixMs): boolean {
  const bits = isIpv4(client) ? 32 : 128;
  const around = Array.from({ length: bits + 1 }, (_, length) => network(client, length));
  return (
    statements.number(
      `SELECT count(*) FROM decisions INDEXED BY decisions_target WHERE target IN (SELECT value FROM json_each(@around)) AND kind = 'ban'
         AND revoked_at IS NULL AND (until IS NULL OR until > @now)`,
      { around: JSON.stringify(around), now },
    ) > 0
  );
}

/** By subject, which is the client or begins with it and a space: open incidents are many during an attack. */
const openIncident = (statements: Statements, client: Ip): number | null =>
  statements.get<{ readonly id: number }>(
    `SELECT id FROM incidents INDEXED BY incidents_subject
       WHERE subject >= @subject AND subject < @subject || '!' AND state = 'open' AND target = @target
       ORDER BY id DESC LIMIT 1`,
    { subject: subjectOf(client), target: targetOf(client) },
  )?.id ?? null;

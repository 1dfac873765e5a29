import type { AccessEvent, AuditEvent, AuditName, ErrorEvent, OpeningEvent } from "../../src/model/event.ts";
import { type Ip, parseIp } from "../../src/model/ip.ts";
import type { UnixMs } from "../../src/model/time.ts";

/** 2026-11-20T12:00:00Z. Tests count seconds from here. */
export const NOON = 1_795_176_000_000;
export const at = (seconds: number): UnixMs => (NOON + seconds * 1_000) as UnixMs;
const ip = (address: string): Ip => parseIp(address)!;

/** As any line, it has the values in it. */
function accessLine(start: string, { path, query, referer, userAgent }: Partial<AccessEvent>): string {
  const values = [path, query, referer, userAgent].filter((value) => typeof value === "string");
  return [start, ...values].join(" ");
}

/** A request as a combined log shows it: nothing is known of Origin or Upgrade. */
export const access = (
  client: string,
  seconds: number,
  fields: Partial<Omit<AccessEvent, "kind" | "client" | "time">> = {},
): AccessEvent => ({
  kind: "access",
  time: at(seconds),
  source: 1,
  line: accessLine(`${client} at ${seconds}`, fields),
  client: ip(client),
  method: "GET",
  path: "/",
  query: null,
  protocol: "HTTP/1.1",
  status: 200,
  bytes: 1,
  referer: null,
  userAgent: "test",
  origin: undefined,
  upgrade: undefined,
  host: undefined,
  user: null,
  vhost: undefined,
  durationUs: undefined,
  bytesIn: undefined,
  bytesOut: undefined,
  tls: undefined,
  refused: false,
  second: false,
  ...fields,
});

/** A handshake as the error log tells it at once. */
export const opening = (
  client: string,
  seconds: number,
  fields: Partial<Omit<OpeningEvent, "kind" | "client" | "time">> = {},
): OpeningEvent => ({
  kind: "opening",
  time: at(seconds),
  source: 2,
  line: `${client} opens at ${seconds}`,
  client: ip(client),
  method: "GET",
  path: "/ws",
  query: null,
  protocol: "HTTP/1.1",
  userAgent: "test",
  origin: null,
  host: "site.example",
  user: null,
  vhost: "site.example",
  second: false,
  openSockets: undefined,
  ...fields,
});

/** The line that Apache writes when a WebSocket closes; its time is when it was opened. */
export const socketEnd = (
  client: string,
  seconds: number,
  fields: Partial<Omit<AccessEvent, "kind" | "client" | "time">> = {},
): AccessEvent =>
  access(client, seconds, {
    path: "/ws",
    status: 101,
    upgrade: "websocket",
    origin: null,
    host: "site.example",
    vhost: "site.example",
    durationUs: 5_000_000,
    bytesIn: 300,
    bytesOut: 200,
    ...fields,
  });

export const errorEvent = (
  client: string | null,
  seconds: number,
  code: string,
  message = "",
): ErrorEvent => ({
  kind: "error",
  time: at(seconds),
  source: 2,
  line: `${client} ${code}`,
  client: client === null ? null : ip(client),
  level: "error",
  module: "authz_core",
  code,
  message,
  severity: null,
  requestId: null,
  refused: false,
});

export const audit = (client: string, seconds: number, name: AuditName): AuditEvent => ({
  kind: "audit",
  time: at(seconds),
  source: 3,
  line: `${client} ${name}`,
  client: ip(client),
  name,
  app: null,
  user: null,
  connection: null,
  origin: null,
  path: null,
  detail: null,
});

import type { Ip } from "./ip.ts";
import type { UnixMs } from "./time.ts";

/** A log file's number in the store; the file's path may change, this does not. */
export type SourceId = number;

/**
 * A field of an access line. A string was sent. `null` is Apache's `-`: the client sent nothing.
 * `undefined` means that the log format cannot show it, so nothing may be concluded from it.
 */
export type Field = string | null | undefined;

interface Seen {
  /** When it happened, by the line's own time; for an unparsed line, when it was read. */
  readonly time: UnixMs;
  readonly source: SourceId;
  /** The line as read, one character a byte (latin1) but for audit events, which are UTF-8, without its newline. */
  readonly line: string;
}

export interface AccessEvent extends Seen {
  readonly kind: "access";
  readonly client: Ip;
  /** `-` when there was no request line at all. */
  readonly method: string;
  /** As sent, still percent-encoded, without the query. */
  readonly path: string;
  readonly query: string | null;
  readonly protocol: string | null;
  readonly status: number;
  readonly bytes: number | undefined;
  readonly referer: Field;
  readonly userAgent: Field;
  readonly origin: Field;
  readonly upgrade: Field;
  readonly host: Field;
  readonly user: Field;
  readonly vhost: string | undefined;
  readonly durationUs: number | undefined;
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
  /** `TLSv1.3`; `null` where the request came without TLS. */
  readonly tls: Field;
  /** True when the answer was an active ban's own refusal: counted, never held against a subject. */
  refused: boolean;
  /** True when the opening of the same socket was judged before: what that told is not judged again. */
  second: boolean;
}

/**
 * A WebSocket handshake that Apache let in, told by the error log at once; its access line is written when the socket
 * closes. Fields mean what they mean there.
 */
export interface OpeningEvent extends Seen {
  readonly kind: "opening";
  readonly client: Ip;
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly protocol: string | null;
  readonly userAgent: string | null;
  readonly origin: string | null;
  readonly host: string | null;
  readonly user: string | null;
  /** The name that Apache answers under: the one that was asked for, unless it is told otherwise. */
  readonly vhost: string;
  /** True when the access line of the same socket was judged before, as it was read first. */
  second: boolean;
  /** How many sockets the client (IPv6: its /64) has open, with this one; undefined until that was counted. */
  openSockets: number | undefined;
}

export interface ErrorEvent extends Seen {
  readonly kind: "error";
  readonly client: Ip | null;
  readonly level: string;
  readonly module: string | null;
  /** Apache's message number, `AH01630`; of a message of ModSecurity's the number of its rule, `913100`. */
  readonly code: string | null;
  /** Everything behind the client and the code: attacker's text in parts. */
  readonly message: string;
  /** How grave ModSecurity calls it, in the words of WAF_SEVERITIES. */
  readonly severity: string | null;
  /** Apache's number of the request (UNIQUE_ID, %L), where the line shows it. */
  readonly requestId: string | null;
  /** True when this is an active ban's own refusal. */
  refused: boolean;
}

/** ModSecurity's severities, the gravest first: its numbers count from 0. */
export const WAF_SEVERITIES = [
  "emergency",
  "alert",
  "critical",
  "error",
  "warning",
  "notice",
  "info",
  "debug",
] as const;

export const AUDIT_NAMES = [
  "ws.open",
  "ws.close",
  "ws.origin_missing",
  "ws.origin_rejected",
  "ws.rate_exceeded",
  "ws.message_too_large",
  "ws.connection_limit",
  "ws.csrf_missing",
  "ws.csrf_expired",
  "ws.csrf_mismatch",
  "ws.csrf_reused",
  "ws.ticket_missing",
  "ws.ticket_expired",
  "ws.ticket_address_mismatch",
  "ws.ticket_replayed",
  "auth.failed",
  "auth.succeeded",
  "auth.token_expired",
  "input.rejected",
] as const;
/** A known name, or a site's own (`app.*`). */
export type AuditName = (typeof AUDIT_NAMES)[number] | `app.${string}`;

export interface AuditEvent extends Seen {
  readonly kind: "audit";
  readonly client: Ip;
  readonly name: AuditName;
  readonly app: string | null;
  readonly user: string | null;
  readonly connection: string | null;
  readonly origin: string | null;
  readonly path: string | null;
  /** The line's `detail` object as JSON text, null when empty. */
  readonly detail: string | null;
}

/** Why a line is not an event. */
export type UnparsedReason =
  | "format" // the line does not have the shape of its source's format
  | "truncated" // longer than what is read of one line, or cut in the middle
  | "client" // where the address should be there is none
  | "time" // the time is no time
  | "json" // a line of a JSON log that is not a JSON object
  | "audit-field" // an audit line without a required field, or with one of a wrong type
  | "continuation" // a line of an error log that belongs to the message before it: a stack trace
  | "audit-name" // an audit line whose event is not a known name
  | "audit-version" // an audit line of a version that is newer than this Sekisho
  | "fault"; // Sekisho itself failed on the line

export interface UnparsedEvent extends Seen {
  readonly kind: "unparsed";
  readonly reason: UnparsedReason;
}

/** One parsed line. */
export type LogEvent = AccessEvent | OpeningEvent | ErrorEvent | AuditEvent | UnparsedEvent;

export const SOURCE_KINDS = ["access", "error", "audit"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

export type EventCounts = Record<LogEvent["kind"], number>;
export const noEvents = (): EventCounts => ({ access: 0, opening: 0, error: 0, audit: 0, unparsed: 0 });

import type { Config } from "../config/schema.ts";
import type { UnparsedReason } from "../model/event.ts";
import { unixMs } from "../model/time.ts";
import { AuditLogParser } from "../parse/audit.ts";
import type { Complaint } from "../receive/connection.ts";
import type { ReceiverSettings } from "../receive/receiver.ts";
import { Receivers } from "../receive/receivers.ts";
import type { StoreReader } from "../store/reader.ts";
import { progressOf } from "./spool-progress.ts";

const DEFAULT_MODE = 0o660;
const parser = new AuditLogParser();

/** Receivers that check lines as the pipeline will, and ask the store how far their files have been read. */
export const auditReceivers = (reader: () => StoreReader | null): Receivers =>
  new Receivers({
    check: complaintOf,
    // A generation belongs to the log that it was.
    progress: (file) => progressOf(file, reader()?.committedFiles(file.replace(/\.1$/, "")) ?? []),
  });

/** The sockets that a configuration asks for. */
export const socketsOf = ({ logs }: Pick<Config, "logs">): ReceiverSettings[] =>
  logs.flatMap(({ socket, path, group, mode }) =>
    socket === undefined
      ? []
      : [{ path: socket, spool: path, group: group ?? null, mode: mode ?? DEFAULT_MODE }],
  );

/** What an app is answered to this line; null when it is an audit event. */
export function complaintOf(line: string): Complaint | null {
  const event = parser.parse(line, 0, unixMs(0));
  return event.kind === "unparsed" ? (COMPLAINTS[event.reason] ?? NOT_READ) : null;
}

const NOT_READ: Complaint = { error: "not an audit event", hint: "see docs/audit-events.md" };
const COMPLAINTS: { readonly [reason in UnparsedReason]?: Complaint } = {
  json: {
    error: "the line is not a JSON object",
    hint: "write one object a line, without line breaks in it",
  },
  "audit-field": {
    error: "a field is missing or of the wrong type",
    hint: "time, event and client are texts and required; user, connection, app, origin and path are texts or numbers; detail is an object, at most 32 levels deep; version is 1",
  },
  "audit-name": {
    error: "the event has no known name",
    hint: "write a name of docs/audit-events.md, or app. and a name of your own",
  },
  "audit-version": {
    error: "the version is newer than this Sekisho",
    hint: "leave version out, or write 1",
  },
  time: {
    error: "the time is none",
    hint: "write RFC 3339 with its zone, as 2026-11-20T12:00:00.123Z",
  },
  client: {
    error: "the client is not an address",
    hint: "write one IPv4 or IPv6 address, without a port",
  },
};

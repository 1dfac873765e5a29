import { type Ip, parseWrittenIp } from "../model/ip.ts";
import { type TimePart, timeParts } from "./time-format.ts";

/** What stands before the message of an error line, and the message. */
export interface ErrorHead {
  readonly client: Ip | null;
  readonly level: string;
  readonly module: string | null;
  readonly code: string | null;
  readonly requestId: string | null;
  readonly message: string;
}

const MICROSECONDS: TimePart = { kind: "microsecond", width: 6 };
const POINT: TimePart = { kind: "text", text: ".", width: 1 };
const parts = (format: string): TimePart[] => timeParts(format) as TimePart[];

/** What `%t` of an ErrorLogFormat writes, by its options: u microseconds, c the compact form, z the zone. */
export function errorTime(options: string): TimePart[] {
  const fraction = options.includes("u") ? [POINT, MICROSECONDS] : [];
  const zone = options.includes("z") ? parts(" %z") : [];
  return options.includes("c")
    ? [...parts("%Y-%m-%d %H:%M:%S"), ...fraction, ...zone]
    : [...parts("%a %b %d %H:%M:%S"), ...fraction, ...parts(" %Y"), ...zone];
}

export const LEVELS = "emerg|alert|crit|error|warn|notice|info|debug|trace[1-8]";
export const MODULE = "[A-Za-z0-9_.?-]{1,64}";
export const LOG_ID = "[A-Za-z0-9@/+_-]{1,40}";
export const SOURCE_FILE = "[A-Za-z0-9_./-]{1,80}\\.(?:c|cpp|cc|h)\\(\\d{1,6}\\)";
/** `(13)Permission denied`: the system's own words, which hold no bracket but in the one text of APR's that is spelled out. */
export const SYSTEM_ERROR =
  "\\(-?\\d{1,9}\\)(?:Internal error \\(specific information not available\\)|[^[\\]():]{0,120})";
export const ADDRESS = "[0-9A-Fa-f:.]{2,60}(?:%[\\w.@-]{1,15}(?::\\d{1,5})?)?";
export const CODE = /^(AH\d{5}): /;

/** The address before a port. IPv6 stands without brackets, so only the last colon can be the port's; 2.2 wrote none. */
export function addressOf(text: string): Ip | null {
  const colon = text.lastIndexOf(":");
  return (colon === -1 ? null : parseWrittenIp(text.slice(0, colon))) ?? parseWrittenIp(text);
}

/** `[authz_core:error]`, `[:error]`, `[-:error]`, `[error]`. */
const LEVEL_PIECE = new RegExp(`^\\[(?:((?:${MODULE})?):)?(${LEVELS})\\] `);
/** What may stand in brackets around the level: process, thread, and the ids that %L gives to request and connection. */
const ID_PIECE =
  /^\[(?:pid \d+(?::tid \d+)?|tid \d+|((?:id |R:)[A-Za-z0-9@/+_-]{1,40}|[A-Za-z0-9@/+_-]{20,40})|C:[A-Za-z0-9@/+_-]{1,40}|-)\] /;
const FILE_PIECE = new RegExp(`^${SOURCE_FILE}: `);
const SYSTEM_PIECE = new RegExp(`^${SYSTEM_ERROR}: `);
const CLIENT_PIECE = new RegExp(`^\\[(client|remote) (${ADDRESS})\\] `);
/**
 * `[remote …]` is the far end of a connection that Apache itself made, a backend that must not be banned; but clients that
 * speak HTTP/2 are called so too. These modules look at requests of clients only.
 */
const LOOKS_AT_CLIENTS =
  /^(?:auth[nz]?_.*|access_compat|allowmethods|autoindex|cgid?|core|dav.*|dir|evasive.*|log_debug|lua|negotiation|php.*|rewrite|security[23])$/;

/**
 * What stands behind the time in the default format and its usual variations; null when there is no level. A client's
 * address and a code are taken only where Apache writes them: everything behind is partly the client's own text and may
 * look the same.
 */
export function readUsualHead(text: string): ErrorHead | null {
  const rest = new Rest(text);
  let id = rest.take(ID_PIECE)?.[1] ?? null;
  const level = rest.take(LEVEL_PIECE);
  if (level === null) return null;
  for (let more = rest.take(ID_PIECE); more !== null; more = rest.take(ID_PIECE)) id ??= more[1] ?? null;
  rest.take(FILE_PIECE);
  rest.take(SYSTEM_PIECE);
  const client = rest.take(CLIENT_PIECE);
  const module = level[1] === undefined || level[1] === "" || level[1] === "-" ? null : level[1];
  const isClient = client?.[1] === "client" || (module !== null && LOOKS_AT_CLIENTS.test(module));
  return {
    client: client !== null && isClient ? addressOf(client[2]!) : null,
    level: level[2]!,
    module,
    code: rest.take(CODE)?.[1] ?? null,
    requestId: id?.replace(/^(id |R:)/, "") ?? null,
    message: rest.text,
  };
}

/** Text that is read from its start, piece by piece. */
class Rest {
  text: string;

  constructor(text: string) {
    this.text = text;
  }

  take(shape: RegExp): RegExpExecArray | null {
    const match = shape.exec(this.text);
    if (match !== null) this.text = this.text.slice(match[0].length);
    return match;
  }
}

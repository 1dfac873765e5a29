import type { LogEvent, SourceId } from "../model/event.ts";
import { type Ip, parseIp } from "../model/ip.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import type { LineParser } from "./line-parser.ts";
import { openingOf } from "./opening.ts";
import { type TimePart, timeParts } from "./time-format.ts";
import { TimeReader } from "./time-reader.ts";
import { unparsed } from "./unparsed.ts";
import { openZone } from "./zone.ts";

const MICROSECONDS: TimePart = { kind: "microsecond", width: 6 };
const POINT: TimePart = { kind: "text", text: ".", width: 1 };
const parts = (format: string): TimePart[] => timeParts(format) as TimePart[];

/** %t, %{u}t, %{c}t and %{cu}t of an ErrorLogFormat. No two are of one width. */
const TIME_SHAPES: readonly TimePart[][] = [
  parts("%a %b %d %H:%M:%S %Y"),
  [...parts("%a %b %d %H:%M:%S"), POINT, MICROSECONDS, ...parts(" %Y")],
  parts("%Y-%m-%d %H:%M:%S"),
  [...parts("%Y-%m-%d %H:%M:%S"), POINT, MICROSECONDS],
];

const LEVELS = "emerg|alert|crit|error|warn|notice|info|debug|trace[1-8]";
/** `[authz_core:error]`, `[:error]`, `[-:error]`, `[error]`. */
const LEVEL = new RegExp(`^\\[(?:([A-Za-z0-9_.-]*):)?(${LEVELS})\\] `);
/** What may stand in brackets around the level: process, thread, and the ids that %L gives to request and connection. */
const IDS =
  /^\[(?:pid \d+(?::tid \d+)?|tid \d+|(?:id |R:|C:)[A-Za-z0-9@/+-]{1,40}|[A-Za-z0-9@/+-]{20,40}|-)\] /;
/** `core.c(123): `, written at debug and below. */
const SOURCE_FILE = /^[A-Za-z0-9_./-]{1,80}\.(?:c|cpp|cc|h)\(\d{1,6}\): /;
/** `(13)Permission denied: `: the system's own words, which hold no bracket. */
const SYSTEM_ERROR = /^\(-?\d{1,9}\)[^[\]():]{0,120}: /;
const CLIENT = /^\[(client|remote) ([0-9A-Fa-f:.%]{2,60})\] /;
const CODE = /^(AH\d{5}): /;

/**
 * Parses Apache's error log in its default format and the usual variations. A client's address and a code are taken
 * only where Apache writes them: everything behind is partly the client's own text and may look the same.
 */
export class ErrorLogParser implements LineParser {
  readonly kind = "error";
  readonly format = "error";
  readonly #times: ReadonlyMap<number, TimeReader>;

  constructor(timezone: string | null) {
    const zone = openZone(timezone);
    this.#times = new Map(
      TIME_SHAPES.map((shape) => {
        const reader = new TimeReader(shape, zone);
        return [reader.width!, reader];
      }),
    );
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const close = line.indexOf("] ");
    const reader = this.#times.get(close - 1);
    if (reader === undefined || !line.startsWith("["))
      return unparsed(line, source, now, cut ? "truncated" : "format");
    const time = reader.read(line, 1);
    if (Number.isNaN(time)) return unparsed(line, source, now, "time");
    const head = readHead(line.slice(close + 2));
    if (head === null) return unparsed(line, source, now, "format");
    const seen = { time: unixMs(time), source, line };
    const opening = head.module === "log_debug" && !cut ? openingOf(head.message) : null;
    if (opening !== null) return { kind: "opening", ...seen, ...opening, second: false };
    return { kind: "error", ...seen, ...head, refused: false };
  }
}

/** What stands behind the time; null when there is no level. */
function readHead(text: string) {
  const rest = new Rest(text);
  rest.skip(IDS);
  const level = rest.take(LEVEL);
  if (level === null) return null;
  while (rest.skip(IDS));
  rest.skip(SOURCE_FILE);
  rest.skip(SYSTEM_ERROR);
  const client = rest.take(CLIENT);
  const code = rest.take(CODE);
  return {
    client: client === null ? null : clientOf(client[1]!, client[2]!),
    level: level[2]!,
    module: level[1] === undefined || level[1] === "" || level[1] === "-" ? null : level[1],
    code: code === null ? null : code[1]!,
    message: rest.text,
  };
}

/** `[remote …]` is the far end of a connection that Apache itself made: a backend, never a client to ban. */
function clientOf(word: string, address: string): Ip | null {
  if (word === "remote") return null;
  const colon = address.lastIndexOf(":");
  // IPv6 stands without brackets, so only the last colon can be the port's; Apache 2.2 wrote no port.
  return (colon === -1 ? null : parseIp(address.slice(0, colon))) ?? parseIp(address);
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

  skip(shape: RegExp): boolean {
    return this.take(shape) !== null;
  }
}

import type { LogEvent, SourceId } from "../model/event.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { ErrorFormatReader, type ErrorLine } from "./error-format.ts";
import { type ErrorHead, errorTime, readUsualHead } from "./error-head.ts";
import type { LineParser, ParserOptions } from "./line-parser.ts";
import { alertOf } from "./modsecurity.ts";
import { openingOf } from "./opening.ts";
import { clientOfQos } from "./qos.ts";
import { TimeReader } from "./time-reader.ts";
import { unparsed } from "./unparsed.ts";
import { openZone, TIMES_OF_WRITING, type Zone } from "./zone.ts";

/** What `format` says when the parser is to find the form of each line. */
export const ANY_ERROR_FORMAT = "auto";

interface ErrorReader {
  /** Null when the line is not of its form. */
  read(line: string): ErrorLine | null;
}

/** Parses Apache's error log: of one ErrorLogFormat, or in the default format and common other ones. */
export class ErrorLogParser implements LineParser {
  readonly kind = "error";
  readonly format: string;
  readonly #reader: ErrorReader;
  /** The line before was one of Apache's, or the rest of one: what is no line of its own belongs to it. */
  #isInMessage = false;
  /** Of the newest line that told one. */
  #time: UnixMs | null = null;

  /** Throws LOG_FORMAT_INVALID. */
  constructor(timezone: string | null, format: string = ANY_ERROR_FORMAT, { since }: ParserOptions = {}) {
    const zone = openZone(timezone, { patience: TIMES_OF_WRITING, since });
    const isAny = format === ANY_ERROR_FORMAT;
    this.format = isAny ? "error" : format;
    this.#reader = isAny ? new UsualReader(zone) : new ErrorFormatReader(format, zone);
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const read = this.#reader.read(line);
    if (read !== null) {
      this.#isInMessage = true;
      if (Number.isNaN(read.time)) return unparsed(line, source, now, "time");
      this.#time = unixMs(read.time);
      return toEvent(read, line, source, cut);
    }
    if (cut) return unparsed(line, source, now, "truncated");
    const [, code, message] = SAID_AT_START.exec(line) ?? [];
    if (code !== undefined && message !== undefined)
      return saidAtStart(code, message, line, source, this.#time ?? now);
    // What begins as Apache's lines do is one in another format.
    this.#isInMessage &&= !/^\[[A-Z0-9]/.test(line);
    return unparsed(line, source, now, this.#isInMessage ? "continuation" : "format");
  }
}

function toEvent({ time, head }: ErrorLine, line: string, source: SourceId, cut: boolean): LogEvent {
  if (head.module === "log_debug" && !cut) {
    const opening = openingOf(head.message);
    if (opening !== null)
      return {
        kind: "opening",
        time: unixMs(time),
        source,
        line,
        ...opening,
        second: false,
        openSockets: undefined,
      };
  }
  const alert = mayBeAlert(head) ? alertOf(head.message) : null;
  return {
    kind: "error",
    time: unixMs(time),
    source,
    line,
    client: clientOfQos(head),
    level: head.level,
    module: head.module,
    code: alert?.rule ?? head.code,
    message: head.message,
    severity: alert?.severity ?? null,
    requestId: alert?.requestId ?? head.requestId,
    refused: false,
  };
}

/** What Apache says while it starts or reloads, before its log has a form: of a host without a name at each reload (AH00558). */
const SAID_AT_START = /^(AH\d{5}): (.*)$/;

/** It names no client, so whoever can write such a line harms nobody. */
const saidAtStart = (
  code: string,
  message: string,
  line: string,
  source: SourceId,
  time: UnixMs,
): LogEvent => ({
  kind: "error",
  time,
  source,
  line,
  client: null,
  level: "notice",
  module: null,
  code,
  message,
  severity: null,
  requestId: null,
  refused: false,
});

/** A script's own words may begin like ModSecurity's; Apache names its module, where the format shows it. */
const mayBeAlert = ({ code, module }: ErrorHead): boolean =>
  code === null && (module === null || module.startsWith("security"));

/** A form that guides to ModSecurity recommend: the client without brackets. */
const BARE_ADDRESS = "[%{cu}t] [%-m:%-l] %-a %-L %M";

/** %t, %{u}t, %{c}t and %{cu}t of an ErrorLogFormat, and with their zone. No two are of one width. */
const TIME_OPTIONS = ["", "u", "c", "cu", "z", "uz", "cz", "cuz"];

/** Apache's default format and its usual variations. */
class UsualReader implements ErrorReader {
  readonly #times: ReadonlyMap<number, TimeReader>;
  readonly #bare: ErrorFormatReader;

  constructor(zone: Zone) {
    this.#bare = new ErrorFormatReader(BARE_ADDRESS, zone);
    const readers = TIME_OPTIONS.map((options) => new TimeReader(errorTime(options), zone));
    this.#times = new Map(readers.map((reader) => [reader.width!, reader]));
  }

  read(line: string): ErrorLine | null {
    if (!line.startsWith("[")) return null;
    const bare = /^\[\d/.test(line) ? this.#bare.read(line) : null;
    if (bare !== null) return bare;
    const close = line.indexOf("] ");
    const reader = this.#times.get(close - 1);
    if (reader === undefined) return null;
    const head = readUsualHead(line.slice(close + 2));
    return head === null ? null : { time: reader.read(line, 1), head };
  }
}

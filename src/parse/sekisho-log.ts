import type { LogEvent, SourceId } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";
import { AccessLogParser } from "./access-log.ts";
import type { LineParser, ParserOptions } from "./line-parser.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "./named-formats.ts";

/**
 * Parses Sekisho's own format, with or without the version of TLS: a log has lines of both where Apache was reloaded with
 * mod_ssl. No line is of both, since one has a word more before the first quote.
 */
export class SekishoLogParser implements LineParser {
  readonly kind = "access";
  readonly format = "sekisho";
  /** The one that read the last line, and the other. */
  #usual: AccessLogParser;
  #other: AccessLogParser;

  constructor(timezone: string | null, options: ParserOptions) {
    this.#usual = new AccessLogParser(SEKISHO_LOG_FORMAT, timezone, options);
    this.#other = new AccessLogParser(SEKISHO_TLS_LOG_FORMAT, timezone, options);
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const event = this.#usual.parse(line, source, now, cut);
    if (event.kind !== "unparsed" || event.reason !== "format") return event;
    const other = this.#other.parse(line, source, now, cut);
    if (other.kind === "unparsed" && other.reason === "format") return event;
    [this.#usual, this.#other] = [this.#other, this.#usual];
    return other;
  }
}

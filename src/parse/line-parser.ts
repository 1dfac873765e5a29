import type { LogEvent, SourceId, SourceKind } from "../model/event.ts";
import type { TargetSet } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";

/** What a parser may know beside the format. */
export interface ParserOptions {
  /** For `json`: our names of fields to those in the file. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Who is believed when it names the client in X-Forwarded-For. */
  readonly trustedProxies?: TargetSet | undefined;
  /** The newest time that is known of the log: where the clock goes back, reading goes on from there. */
  readonly since?: UnixMs | null | undefined;
}

/**
 * Turns the lines of one source into events. The same lines in the same order give the same events, and a line alone
 * gives the same event but for one hour a year: times without a zone in the hour that happens twice are told apart by the
 * lines before them.
 */
export interface LineParser {
  readonly kind: SourceKind;
  /** The format's name (`combined`), or the LogFormat string itself. */
  readonly format: string;
  /**
   * Never throws: a line that does not parse is an `unparsed` event with its reason.
   * `now` is used only as the time of an unparsed line. `cut` marks a line longer than what was read of it.
   */
  parse(line: string, source: SourceId, now: UnixMs, cut?: boolean): LogEvent;
}

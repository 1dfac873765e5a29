import type { LogEvent, SourceId, SourceKind } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";

/** Turns the lines of one source into events. Pure: the same line gives the same event. */
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

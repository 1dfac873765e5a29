import type { SourceId, UnparsedEvent, UnparsedReason } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";

export function unparsed(
  line: string,
  source: SourceId,
  time: UnixMs,
  reason: UnparsedReason,
): UnparsedEvent {
  return { kind: "unparsed", time, source, line, reason };
}

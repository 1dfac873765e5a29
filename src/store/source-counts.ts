import { type EventCounts, noEvents, type SourceKind } from "../model/event.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

/** What became of a source's lines. */
export interface SourceCounts {
  readonly lines: number;
  readonly unparsed: number;
  readonly lastEventAt: string | null;
}

interface SourceRow {
  readonly path: string;
  readonly lines: number;
  readonly unparsed: number;
  readonly last_event_at: UnixMs | null;
}

/** Lines of each source, by path. */
export const sourceCounts = (statements: Statements): Map<string, SourceCounts> =>
  new Map(
    statements
      .all<SourceRow>("SELECT path, lines, unparsed, last_event_at FROM sources")
      .map(({ path, lines, unparsed, last_event_at: last }) => [
        path,
        { lines, unparsed, lastEventAt: last === null ? null : toIso(last) },
      ]),
  );

/** Lines ever read, by what became of them. */
export function eventCounts(statements: Statements): EventCounts {
  const rows = statements.all<Omit<EventCounts, SourceKind> & { kind: SourceKind; parsed: number }>(
    `SELECT kind, sum(lines - unparsed - openings) AS parsed, sum(unparsed) AS unparsed, sum(openings) AS opening
       FROM sources GROUP BY kind`,
  );
  const counts = noEvents();
  for (const { kind, parsed, unparsed, opening } of rows) {
    counts[kind] += parsed;
    counts.unparsed += unparsed;
    counts.opening += opening;
  }
  return counts;
}

import type { LogEvent } from "../model/event.ts";
import type { Ip } from "../model/ip.ts";
import { BLOCK } from "./client-blocks.ts";
import { kindNumber } from "./event-rows.ts";
import type { ShownEventRow } from "./shown-rows.ts";
import type { Statements } from "./statements.ts";
import { SELECT_EVENTS } from "./stored-events.ts";

/** Blocks of a client that are looked up at once. */
const BLOCKS_AT_ONCE = 20;

export interface EventQuery {
  /** Only events with smaller numbers. */
  readonly before: number;
  readonly limit: number;
  readonly client: Ip | null;
  readonly kind: LogEvent["kind"] | null;
}

const shown = (condition: string): string =>
  `SELECT events.*, s.path AS source_path, u.bytes AS bytes_kept FROM
     (${SELECT_EVENTS} WHERE e.id < @before AND ${condition} ORDER BY e.id DESC LIMIT @limit) events
   JOIN sources s ON s.id = events.source LEFT JOIN unparsed u ON u.event = events.id ORDER BY events.id DESC`;

/** Stored events as they are shown, newest first. */
export function newestEvents(statements: Statements, query: EventQuery): ShownEventRow[] {
  const { before, limit, client } = query;
  const kind = query.kind === null ? null : kindNumber(query.kind);
  if (client !== null) return eventsOfClient(statements, { before, limit, client, kind });
  // The kinds that are few have an index of their own; requests are everywhere.
  const condition = kind === null ? "1" : kind === 1 ? "e.kind = @kind" : "e.kind = @kind AND e.kind <> 1";
  return statements.all(shown(condition), { before, limit, kind });
}

interface ClientQuery {
  readonly before: number;
  readonly limit: number;
  readonly client: Ip;
  readonly kind: number | null;
}

function eventsOfClient(statements: Statements, query: ClientQuery): ShownEventRow[] {
  const ofKind = query.kind === null ? "" : "AND e.kind = @kind";
  const rows: ShownEventRow[] = [];
  for (const block of blocksOf(statements, query)) {
    const found = statements.all<ShownEventRow>(
      shown(`e.id BETWEEN @first AND @last AND e.client = @client ${ofKind}`),
      { ...query, limit: query.limit - rows.length, first: block * BLOCK, last: (block + 1) * BLOCK - 1 },
    );
    rows.push(...found);
    if (rows.length === query.limit) break;
  }
  return rows;
}

/** Blocks in which a client has events, newest first. Each block is one search: they are in the order of the blocks. */
function* blocksOf(statements: Statements, { before, client, kind }: ClientQuery): Generator<number> {
  const { oldest, newest } = statements.get<{ oldest: number | null; newest: number | null }>(
    "SELECT (SELECT min(block) FROM client_blocks) AS oldest, (SELECT max(block) FROM client_blocks) AS newest",
  )!;
  if (oldest === null || newest === null) return;
  const sql = `WITH RECURSIVE blocks (block) AS
      (SELECT @from WHERE @from >= @oldest UNION ALL SELECT block - 1 FROM blocks WHERE block > @oldest)
    SELECT block FROM blocks WHERE EXISTS
      (SELECT 1 FROM client_blocks c WHERE c.block = blocks.block AND c.client = @client
         ${kind === null ? "" : "AND c.kind = @kind"})
    LIMIT ${BLOCKS_AT_ONCE}`;
  for (let from = Math.min(newest, Math.floor((before - 1) / BLOCK)); from >= oldest; ) {
    const found = statements.all<{ block: number }>(sql, { from, oldest, client, kind });
    for (const { block } of found) yield block;
    if (found.length < BLOCKS_AT_ONCE) return;
    from = found[found.length - 1]!.block - 1;
  }
}

import type { BanReach } from "../model/api.ts";
import { type Ip, isIpv4, prefixOf, singleOf, type Target, TargetSet } from "../model/ip.ts";
import { DAY_MS, toIso, type UnixMs, unixMs } from "../model/time.ts";
import { BLOCK } from "./client-blocks.ts";
import { kindNumber } from "./event-rows.ts";
import { Spans } from "./spans.ts";
import type { Statements } from "./statements.ts";

/** Of a busier site only the last of the day are looked at, some 200,000 events: a tenth of a second. */
const MOST_BLOCKS = 50;
/** One site has no more; a person who bans more is asked. */
const NARROW = { ipv4: 24, ipv6: 48 } as const;

/** How much a ban of the target would cover, and how many of those who were there lately it would refuse. */
export function banReach(statements: Statements, target: Target, now: UnixMs): BanReach {
  const { bits } = prefixOf(target);
  const ipv4 = isIpv4(target);
  const { from, since } = lately(statements, now);
  // A block may be months of a quiet site: of the one that has begun before then its events are asked.
  const whole = Math.ceil(from / BLOCK);
  const clients = statements.all<{ client: Ip }>(
    `SELECT client FROM events WHERE id >= @from AND id < @whole * ${BLOCK} AND kind = @access
       UNION SELECT client FROM client_blocks WHERE block >= @whole AND kind = @access`,
    { from, whole, access: kindNumber("access") },
  );
  const asked = new TargetSet([target]);
  return {
    target,
    isWide: bits < (ipv4 ? NARROW.ipv4 : NARROW.ipv6),
    addresses: ipv4 ? 2 ** (32 - bits) : null,
    networks: ipv4 ? null : 2 ** Math.max(0, 64 - bits),
    clients: clients.filter(({ client }) => asked.covering(singleOf(client)) !== null).length,
    allClients: clients.length,
    since: toIso(since),
  };
}

/** The first event of the last day, or of the last blocks where these had more. */
function lately(statements: Statements, now: UnixMs): { readonly from: number; readonly since: UnixMs } {
  const dayAgo = unixMs(now - DAY_MS);
  const ofDay = new Spans(statements).firstYoungerThan(dayAgo);
  const newest = statements.number("SELECT coalesce(max(block), 0) FROM client_blocks");
  const ofBlocks = (newest - MOST_BLOCKS + 1) * BLOCK;
  if (ofDay === null || ofDay >= ofBlocks) return { from: ofDay ?? (newest + 1) * BLOCK, since: dayAgo };
  const span = "SELECT stored_at FROM spans WHERE first_event <= ? ORDER BY first_event DESC LIMIT 1";
  return {
    from: ofBlocks,
    since: statements.get<{ stored_at: UnixMs }>(span, ofBlocks)?.stored_at ?? dayAgo,
  };
}

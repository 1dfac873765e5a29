import { parseIp, parseTarget, type Target } from "../../model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../model/time.ts";
import type { Ends } from "../ends.ts";
import { bitsOfSet, CHAIN, PRIORITY, typeOfSet } from "./script.ts";

/** Our table as the kernel has it. */
export interface Listing {
  /** False when something in it is not as we make it, but for the rules: it has to be made anew. */
  readonly isSound: boolean;
  /** Rules as nft prints them, which differs between its versions: only good to be compared. */
  readonly rules: string;
  readonly sets: ReadonlySet<string>;
  /** With the time at which the kernel lifts each by itself, or somewhat later: it tells whole seconds. */
  readonly elements: Ends;
}

interface Item {
  readonly family?: string;
  readonly name?: string;
  readonly table?: string;
}
interface NftSet extends Item {
  readonly type?: unknown;
  readonly flags?: unknown;
  readonly elem?: readonly unknown[];
}
interface NftChain extends Item {
  readonly type?: unknown;
  readonly hook?: unknown;
  readonly prio?: unknown;
  readonly policy?: unknown;
}
interface NftRule extends Item {
  readonly chain?: string;
  readonly expr?: unknown;
}
type Listed = Readonly<
  Record<string, unknown> & { table?: Item; set?: NftSet; chain?: NftChain; rule?: NftRule }
>;

/** What is of `table` in what `nft --json list` printed. */
const itemsOf = (table: string, printed: unknown): readonly Listed[] =>
  (printed as { readonly nftables: readonly Listed[] }).nftables.filter((item) =>
    Object.entries(item).some(([kind, value]) => isOf(table, kind, value as Item)),
  );

export const hasTable = (table: string, printed: unknown): boolean => itemsOf(table, printed).length > 0;

/**
 * Reads what `nft --json list` printed of our table, `now` when it was started. What is `known` to be a target is not parsed
 * again, which takes most of the time with 100,000.
 */
export function readListing(
  table: string,
  printed: unknown,
  now: UnixMs,
  known: ReadonlySet<Target> = new Set(),
): Listing {
  const ours = itemsOf(table, printed);
  const elements = new Map<Target, UnixMs>();
  const sets = new Set<string>();
  const rules: unknown[] = [];
  let chains = 0;
  let isSound = true;
  for (const item of ours) {
    if (item.table !== undefined) continue;
    if (item.rule !== undefined) rules.push([item.rule.chain, item.rule.expr]);
    else if (item.chain !== undefined) {
      chains++;
      isSound &&= isOurChain(item.chain);
    } else if (item.set !== undefined && isOurSet(item.set)) {
      sets.add(item.set.name!);
      isSound = readElements(item.set, now, known, elements) && isSound;
    } else isSound = false;
  }
  return { isSound: isSound && chains === 1, rules: JSON.stringify(rules), sets, elements };
}

const isOf = (ours: string, kind: string, { family, table, name }: Item): boolean =>
  `${family} ${kind === "table" ? name : table}` === ours;

const isOurChain = ({ name, type, hook, prio, policy }: NftChain): boolean =>
  name === CHAIN && type === "filter" && hook === "input" && prio === PRIORITY && policy === "accept";

const isOurSet = ({ name = "", type, flags }: NftSet): boolean =>
  bitsOfSet(name) !== null && type === typeOfSet(name) && JSON.stringify(flags) === '["timeout"]';

/** False when one of them is nothing that we would have put there. */
function readElements(
  { name, elem = [] }: NftSet,
  now: UnixMs,
  known: ReadonlySet<Target>,
  into: Map<Target, UnixMs>,
): boolean {
  const { bits } = bitsOfSet(name!)!;
  let areOurs = true;
  for (const element of elem) {
    const { val, expires } = (
      typeof element === "string" ? { val: element } : ((element as { readonly elem?: object }).elem ?? {})
    ) as { readonly val?: unknown; readonly expires?: unknown };
    const target = typeof val === "string" ? targetOf(val, bits, known) : null;
    if (target === null) areOurs = false;
    else into.set(target, typeof expires === "number" ? unixMs(now + expires * 1_000) : NEVER);
  }
  return areOurs;
}

/** Null when it is no address, or one with bits set behind the prefix: no packet would ever match that. */
function targetOf(address: string, bits: number, known: ReadonlySet<Target>): Target | null {
  const spelled = `${address}/${bits}` as Target;
  if (known.has(spelled)) return spelled;
  const ip = parseIp(address);
  const target = ip === null ? null : parseTarget(`${ip}/${bits}`);
  return target === `${ip}/${bits}` ? target : null;
}

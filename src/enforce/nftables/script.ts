import { type Ip, isIpv4, network, prefixOf, type Target } from "../../model/ip.ts";
import { DAY_MS, NEVER, type UnixMs } from "../../model/time.ts";
import type { Ends } from "../ends.ts";

/** Ours whole, under whatever name: nobody else's table is read or written. */
export const TABLE = "inet sekisho";
export const CHAIN = "input";
/** Before the chains of ufw and of most others (0), so that what they accept early is refused too. */
export const PRIORITY = -10;

export type Ports = readonly number[] | "all";

/** What one transaction changes. */
export interface Change {
  readonly add: Ends;
  readonly remove: Iterable<Target>;
}

/**
 * The set that holds a target: one for each length of prefix, with the network's address as its key. So ranges are
 * looked up by hash as well: an interval set takes a second for one more of 100,000, refuses overlaps, and can give a
 * range and an address within it one time-out only.
 */
export const setOf = (target: Target): string =>
  `${isIpv4(target) ? "ipv4" : "ipv6"}_${prefixOf(target).bits}`;

/** Null for a name that `setOf` gives no set. */
export function bitsOfSet(name: string): { readonly ipv4: boolean; readonly bits: number } | null {
  const match = /^ipv([46])_([1-9]\d{0,2})$/.exec(name);
  if (match === null) return null;
  const ipv4 = match[1] === "4";
  const bits = Number(match[2]);
  return bits <= (ipv4 ? 32 : 128) ? { ipv4, bits } : null;
}

/** The whole Internet is no target: behind it an administrator could not undo the mistake. */
export const canCarry = (target: Target): boolean => !target.endsWith("/0");

export const typeOfSet = (name: string): string => `${name.slice(0, 4)}_addr`;

/** Makes table and chain with these sets, in the place of what is there; packets meet the old one or the new one. */
export const createTable = (sets: Iterable<string>, ports: Ports, table = TABLE): string[] => [
  ...removeTable(table),
  `add table ${table}`,
  `add chain ${table} ${CHAIN} { type filter hook input priority ${PRIORITY}; policy accept; }`,
  ...addSets(sets, table),
  ...addRules(sets, ports, table),
];

/** Works whether it is there or not. */
export const removeTable = (table = TABLE): string[] => [`add table ${table}`, `delete table ${table}`];

export const addSets = (sets: Iterable<string>, table = TABLE): string[] =>
  [...sets].map((set) => `add set ${table} ${set} { type ${typeOfSet(set)}; flags timeout; }`);

/** All rules of the chain anew. */
export const replaceRules = (sets: Iterable<string>, ports: Ports, table = TABLE): string[] => [
  `flush chain ${table} ${CHAIN}`,
  ...addRules(sets, ports, table),
];

function addRules(sets: Iterable<string>, ports: Ports, table: string): string[] {
  const rule = `add rule ${table} ${CHAIN}`;
  // What has no ports passes: pings, and what tells of a path's packet size.
  const elsewhere = ["meta l4proto != { tcp, udp }", `th dport != { ${[...ports].join(", ")} }`];
  return [
    ...(ports === "all" ? [] : elsewhere.map((match) => `${rule} ${match} accept`)),
    ...[...sets].map((set) => `${rule} ${addressIn(set)} @${set} drop`),
  ];
}

/** `ip saddr & 255.255.255.0`: the key under which a packet's sender would be in the set. */
function addressIn(set: string): string {
  const { ipv4, bits } = bitsOfSet(set)!;
  const field = ipv4 ? "ip saddr" : "ip6 saddr";
  if (bits === (ipv4 ? 32 : 128)) return field;
  const ones = (ipv4 ? "255.255.255.255" : Array(8).fill("ffff").join(":")) as Ip;
  return `${field} & ${prefixOf(network(ones, bits)).address}`;
}

/**
 * What is removed is added first: its own time-out may have passed a moment ago, and deleting what is not there would
 * undo the whole transaction. What gets another time-out is removed and added, which no packet sees in between.
 */
export function changeElements({ add, remove }: Change, now: UnixMs, table = TABLE): string[] {
  const removed = grouped(remove, addressText);
  const added = grouped(add.keys(), (target) => addressText(target) + timeoutText(add.get(target)!, now));
  return [
    ...removed.map(([set, elements]) => `add element ${table} ${set} { ${elements} }`),
    ...removed.map(([set, elements]) => `delete element ${table} ${set} { ${elements} }`),
    ...added.map(([set, elements]) => `add element ${table} ${set} { ${elements} }`),
  ];
}

const addressText = (target: Target): string => target.slice(0, target.indexOf("/"));

const timeoutText = (until: UnixMs, now: UnixMs): string =>
  until === NEVER ? "" : ` timeout ${spanText(Math.max(1, Math.ceil(until - now)))}`;

/** In days and milliseconds of a day: nft takes no number of 2^32 or more, which are 50 days of milliseconds. */
const spanText = (ms: number): string => `${Math.floor(ms / DAY_MS)}d${ms % DAY_MS}ms`;

function grouped(targets: Iterable<Target>, text: (target: Target) => string): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const target of targets) {
    const set = setOf(target);
    const group = groups.get(set);
    if (group === undefined) groups.set(set, [text(target)]);
    else group.push(text(target));
  }
  return [...groups].map(([set, elements]) => [set, elements.join(", ")]);
}

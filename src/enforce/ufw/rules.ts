import { isIpv4, parseTarget, type Target } from "../../model/ip.ts";
import { NEVER, toIso, type UnixMs, unixMs } from "../../model/time.ts";

/** A rule of ufw's that we made. */
export interface OwnRule {
  readonly target: Target;
  /** As ufw writes them, which is how a rule is deleted: `198.51.100.7`, `80,443`. */
  readonly source: string;
  readonly ports: string;
  readonly comment: string;
  readonly until: UnixMs;
  /** A rule that lets everybody in comes before it, so it has no effect. */
  readonly isBehind: boolean;
}

/** What user.rules or user6.rules say, as far as it concerns us. */
export interface StoredRules {
  readonly own: readonly OwnRule[];
  /** Refused by a rule of the administrator's that is the same as ours would be. ufw keeps one of such rules only. */
  readonly foreign: ReadonlySet<Target>;
}

const TUPLE = "### tuple ### ";
const ANYWHERE = ["0.0.0.0/0", "::/0"];

/** ufw lists and stores them in this order, whatever the order in the command. */
export const portsText = (ports: readonly number[]): string =>
  [...new Set(ports)].sort((a, b) => a - b).join(",");

/**
 * The comment by which we know a rule as ours, and other programs when it ends: `sekisho until 2026-11-21T15:00:00Z`
 * or `sekisho permanent`. Documented in docs/firewall.md.
 */
export const commentOf = (until: UnixMs): string =>
  until === NEVER
    ? "sekisho permanent"
    : `sekisho until ${toIso(unixMs(Math.ceil(until / 1_000) * 1_000)).replace(".000Z", "Z")}`;

function endIn(comment: string): UnixMs | null {
  if (comment === "sekisho permanent") return NEVER;
  const written = /^sekisho until (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(comment)?.[1];
  const end = written === undefined ? Number.NaN : Date.parse(written);
  return Number.isNaN(end) ? null : unixMs(end);
}

/** As a user would type it; each is a command of its own, since ufw takes one rule at a time. */
export const prependRule = (target: Target, ports: string, comment: string): string[] => [
  "prepend",
  ...denyRule(sourceOf(target), ports),
  ...["comment", comment],
];
/** A rule that is there gets the comment, and keeps its place: `prepend` would skip it. */
export const changeComment = ({ source, ports }: OwnRule, comment: string): string[] => [
  ...denyRule(source, ports),
  ...["comment", comment],
];
export const deleteRule = ({ source, ports }: OwnRule): string[] => ["delete", ...denyRule(source, ports)];

const denyRule = (source: string, ports: string): string[] => [
  "deny",
  "proto",
  "tcp",
  "from",
  source,
  "to",
  "any",
  "port",
  ports,
];

/** ufw writes single addresses without their length. */
const sourceOf = (target: Target): string => target.replace(isIpv4(target) ? /\/32$/ : /\/128$/, "");

function targetIn(source: string): Target | null {
  return parseTarget(source.includes("/") ? source : `${source}/${isIpv4(source) ? 32 : 128}`);
}

/** ufw overwrites the file in place, so one that is read meanwhile, or was never finished, lacks its end. */
export const isWhole = (text: string): boolean => text.trimEnd().endsWith("COMMIT");

/**
 * Reads user.rules or user6.rules. Each rule begins with a line that ufw itself reads:
 *
 *     ### tuple ### deny tcp 80,443 0.0.0.0/0 any 198.51.100.7 in comment=736578…
 *                   action protocol ports destination ports source direction, with an application's names before it
 */
export function readRules(text: string, ports: string): StoredRules {
  const own: OwnRule[] = [];
  const foreign = new Set<Target>();
  const wanted = ports.split(",").map(Number);
  const open = new Set<number>();
  for (const line of text.split("\n")) {
    if (!line.startsWith(TUPLE)) continue;
    const tuple = readTuple(line.slice(TUPLE.length));
    const end = tuple.isDenial ? endIn(tuple.comment) : null;
    const target = tuple.isDenial ? targetIn(tuple.source) : null;
    const isBehind = wanted.some((port) => open.has(port));
    if (target === null) {
      for (const port of wanted) if (letsEverybodyIn(tuple, port)) open.add(port);
    } else if (end !== null) {
      const { source, comment } = tuple;
      own.push({ target, source, ports: tuple.ports, comment, until: end, isBehind });
    } else if (tuple.ports === ports && !isBehind) foreign.add(target);
  }
  return { own, foreign };
}

interface Tuple {
  readonly action: string;
  readonly protocol: string;
  readonly ports: string;
  readonly source: string;
  readonly direction: string;
  readonly comment: string;
  /** Of the form that ours have. */
  readonly isDenial: boolean;
}

function readTuple(text: string): Tuple {
  const fields = text.trim().split(" ");
  const written = /^comment=([0-9a-f]*)$/.exec(fields.at(-1)!)?.[1];
  if (written !== undefined) fields.pop();
  const [action = "", protocol = "", ports = "", destination = "", sourcePorts = "", source = ""] = fields;
  const direction = fields.at(-1)!;
  const isDenial =
    action === "deny" &&
    protocol === "tcp" &&
    /^\d+(,\d+)*$/.test(ports) &&
    ANYWHERE.includes(destination) &&
    sourcePorts === "any" &&
    !ANYWHERE.includes(source) &&
    fields.length === 7 &&
    direction === "in";
  const comment = Buffer.from(written ?? "", "hex").toString("utf8");
  return { action, protocol, ports, source, direction, comment, isDenial };
}

const letsEverybodyIn = (tuple: Tuple, port: number): boolean =>
  /^(allow|limit)/.test(tuple.action) &&
  ["any", "tcp"].includes(tuple.protocol) &&
  ANYWHERE.includes(tuple.source) &&
  tuple.direction === "in" &&
  hasPort(tuple.ports, port);

/** `any`, `80`, `80,443` or `8000:8100`. */
const hasPort = (ports: string, port: number): boolean =>
  ports === "any" ||
  ports.split(",").some((part) => {
    const [first, last = first] = part.split(":").map(Number) as [number, number?];
    return first <= port && port <= last;
  });

/** The rules of ours among what `iptables -S` prints, as `SOURCE PORTS`: what the kernel really has. */
export function readKernelRules(printed: string): ReadonlySet<string> {
  const pattern = /^-A ufw6?-user-input -s (\S+) -p tcp -m (?:multiport --dports|tcp --dport) (\S+) -j DROP$/;
  const rules = new Set<string>();
  for (const line of printed.split("\n")) {
    const [, source, ports] = pattern.exec(line) ?? [];
    const target = source === undefined ? null : targetIn(source);
    if (target !== null) rules.add(`${target} ${ports}`);
  }
  return rules;
}

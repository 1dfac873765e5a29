import type { Random } from "./random.ts";

export type ClientKind = "browser" | "crawler" | "api" | "socket" | "attacker";

const IPV6_SHARE = 0.14;
/** How flat the head of the long tail is: the busiest client then has about 1.5 % of all lines. */
const HEAD = 6;

/** Those that hold no private, reserved, documentation or multicast network. */
const FIRST_OCTETS = new Set(
  Array.from({ length: 223 }, (_, at) => at + 1).filter(
    (octet) => ![10, 100, 127, 169, 172, 192, 198, 203].includes(octet),
  ),
);
const IPV6_NETWORKS = ["2a02:8108", "2a01:e0a", "2003:e7", "2600:1700", "2607:fb90", "2400:4050", "2804:14d"];

/**
 * How many lines each client has: at least one, then by Zipf's law (rank r gets a share of 1/r), exactly `lines` in all.
 */
export function shareLines(lines: number, clients: number): Uint32Array {
  const shares = new Uint32Array(clients).fill(1);
  let weights = 0;
  for (let rank = 0; rank < clients; rank++) weights += 1 / (rank + HEAD);
  const perWeight = (lines - clients) / weights;
  let owed = 0;
  for (let rank = 0; rank < clients; rank++) {
    owed += perWeight / (rank + HEAD);
    const whole = Math.floor(owed);
    shares[rank]! += whole;
    owed -= whole;
  }
  // What rounding left over is less than one line, or one by the last floating-point digit.
  shares[0]! += Math.round(owed);
  return shares;
}

/** The busiest clients are machines; a person has tens or hundreds of lines, an attacker a few to some thousand. */
export function kindOf(share: number, random: Random): ClientKind {
  const dice = random.next();
  if (share > 1_500) return dice < 0.5 ? "crawler" : dice < 0.85 ? "api" : "attacker";
  if (share > 60)
    return dice < 0.55
      ? "browser"
      : dice < 0.72
        ? "crawler"
        : dice < 0.86
          ? "api"
          : dice < 0.96
            ? "socket"
            : "attacker";
  return dice < 0.8
    ? "browser"
    : dice < 0.87
      ? "crawler"
      : dice < 0.92
        ? "api"
        : dice < 0.97
          ? "socket"
          : "attacker";
}

/** An address that looks public. No two clients of a seed share one. */
export function addressOf(client: number, seed: number): string {
  const isIpv6 = mix(client ^ 0x5eed) / 0x1_0000_0000 < IPV6_SHARE;
  let mixed = mix(client ^ mix(seed));
  if (isIpv6) return ipv6(mixed);
  // Mixing again what is no public address keeps the whole one-to-one.
  while (!FIRST_OCTETS.has(mixed >>> 24)) mixed = mix(mixed);
  return `${mixed >>> 24}.${(mixed >>> 16) & 255}.${(mixed >>> 8) & 255}.${mixed & 255}`;
}

/** One-to-one on 32 bits, since each step can be undone. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function ipv6(mixed: number): string {
  const host = mix(mixed + 1);
  const group = (bits: number) => ((bits & 0xffff) | 1).toString(16);
  const subnet = `${(mixed >>> 16).toString(16)}:${(mixed & 0xffff).toString(16)}`;
  const network = IPV6_NETWORKS[host % IPV6_NETWORKS.length];
  return `${network}:${subnet}:${group(host)}:${group(host >>> 16)}:${group(host >>> 8)}:${group(host >>> 4)}`;
}

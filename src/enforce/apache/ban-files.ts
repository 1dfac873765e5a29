import ipaddr from "ipaddr.js";
import { type Ip, isIpv4, parseTarget, prefixOf, type Target } from "../../model/ip.ts";

/**
 * The names of the files in the ban directory, and the patterns by which Apache finds them.
 *
 * Apache knows a client only as text (`%{REMOTE_ADDR}`, what inet_ntop prints). One address is one file of that
 * text. A range is a file of the text that its addresses begin with, which exists at the lengths below; other
 * lengths are written as the ranges of the next length. An IPv6 prefix has up to three such texts, since `::`
 * stands for the longest run of zero groups and that can lie behind, across or inside the prefix:
 *
 *     2001:db8:1:2_64     2001:db8:1:2:a:b:c:d   2001:db8:1:2::d
 *     2001:db8::_64       2001:db8::d            2001:db8::a:b:c:d      (for 2001:db8:0:0)
 *     2001::5_64          2001::5:a:b:c:d                               (for 2001:0:0:5)
 */
const FILE_LENGTHS = { 4: [8, 16, 24, 32], 6: [48, 64, 128] } as const;

/** A range that would take more files than this is not carried. */
const MAX_FILES = 256;

/** The files that ban this target; null when it would take too many. */
export function banFiles(target: Target): readonly string[] | null {
  const { address, bits } = prefixOf(target);
  if (isIpv4(address)) return bits === 32 ? [address] : ipv4Files(address, bits);
  return ipv6Files(ipaddr.IPv6.parse(address).parts, bits);
}

function ipv4Files(address: Ip, bits: number): readonly string[] {
  const length = FILE_LENGTHS[4].find((possible) => possible >= bits)!;
  const octets = address.split(".").map(Number);
  return steps(2 ** (length - bits), octets, length / 8 - 1).map((network) =>
    length === 32 ? network.join(".") : `${network.join(".")}_${length}`,
  );
}

function ipv6Files(groups: readonly number[], bits: number): readonly string[] | null {
  const length = FILE_LENGTHS[6].find((possible) => possible >= bits)!;
  const count = 2 ** (length - bits);
  if (count > MAX_FILES) return null;
  const networks = steps(count, groups, length / 16 - 1);
  if (length === 128) return networks.map(inetText);
  return networks.flatMap((network) =>
    prefixTexts(network.slice(0, length / 16)).map((text) => `${text}_${length}`),
  );
}

/** `count` networks that follow each other in the part at `index`. */
const steps = (count: number, parts: readonly number[], index: number): number[][] =>
  Array.from({ length: count }, (_, step) => parts.with(index, parts[index]! + step));

/** As inet_ntop prints it: RFC 5952, but an IPv4-compatible address ends in dotted text. */
function inetText(groups: readonly number[]): string {
  if (groups.slice(0, 6).every((group) => group === 0) && groups[6] !== 0) {
    const [high, low] = [groups[6]!, groups[7]!];
    return `::${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return new ipaddr.IPv6([...groups]).toRFC5952String();
}

/** The texts that addresses of this prefix can begin with, as the patterns below capture them. */
function prefixTexts(groups: readonly number[]): string[] {
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  const last = groups.length;
  const texts = [hex(0, last)];
  for (let start = 0; start < last; start++) {
    if (groups[start] !== 0) continue;
    let end = start;
    while (end < last && groups[end] === 0) end++;
    if (end === last) texts.push(`${hex(0, start)}::`);
    else if (end - start > 1) texts.push(`${hex(0, start)}::${hex(end, last)}`);
    start = end;
  }
  return texts;
}

/** What this file bans; null for a name that is not one of ours. */
export function targetOfBanFile(name: string): Target | null {
  const cidr = cidrOfName(name);
  const target = cidr === null ? null : parseTarget(cidr);
  return target !== null && banFiles(target)?.includes(name) ? target : null;
}

function cidrOfName(name: string): string | null {
  const match = /^([0-9a-f.:]{2,45})(?:_(8|16|24|48|64))?$/.exec(name);
  if (match === null) return null;
  const [, text, length] = match as unknown as [string, string, string?];
  if (length === undefined) return text.includes(":") ? `${text}/128` : text;
  if (!text.includes(":") || text.endsWith("::")) return `${text}/${length}`;
  return `${text}${":0".repeat(8 - Number(length) / 16)}/${length}`;
}

/** Its files are those of the ranges of the next length, which may be banned by themselves too. */
export function isSpread(target: Target): boolean {
  const lengths: readonly number[] = FILE_LENGTHS[isIpv4(target) ? 4 : 6];
  return !lengths.includes(prefixOf(target).bits);
}

/** How a client's text leads to files: when `pattern` matches, they are `names` with `$1`, `$2` … filled in. */
export interface BanFilePattern {
  readonly pattern: string;
  readonly names: readonly string[];
}

/** The ranges that an IPv4 client is in. An address's own file needs no pattern: it is its text. */
export const IPV4_BAN_FILES: BanFilePattern = {
  pattern: "^(\\d+)\\.(\\d+)\\.(\\d+)\\.",
  names: ["$1.$2.$3.0_24", "$1.$2.0.0_16", "$1.0.0.0_8"],
};

const GROUP = "[0-9a-f]+";

/** The same for a prefix of this length, in the three spellings. Understood alike by Apache and by JavaScript. */
function ipv6BanFiles(length: 64 | 48): BanFilePattern[] {
  const groups = length / 16;
  const rest = 8 - groups;
  // Dots: an IPv4-compatible address (`::192.0.2.1`) ends in dotted text.
  const tail = "[0-9a-f.]+";
  return [
    `^((?:${GROUP}:){${groups - 1}}${GROUP}):`,
    `^((?:${GROUP}(?::${GROUP})*)?::)(?:${tail}(?::${tail}){0,${rest - 1}})?$`,
    `^([0-9a-f:]*::[0-9a-f:]*[0-9a-f]):(?:${GROUP}:){${rest - 1}}${GROUP}$`,
  ].map((pattern) => ({ pattern, names: [`$1_${length}`] }));
}

export const IPV6_BAN_FILES: readonly BanFilePattern[] = [...ipv6BanFiles(64), ...ipv6BanFiles(48)];

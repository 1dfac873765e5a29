import ipaddr from "ipaddr.js";
import type { Brand } from "./brand.ts";

/** One address in canonical text: dotted IPv4, or RFC 5952 IPv6. An IPv4-mapped IPv6 address is its IPv4. */
export type Ip = Brand<string, "Ip">;

/** What is banned: canonical CIDR with host bits cleared, `192.0.2.1/32` or `2001:db8::/64`. */
export type Target = Brand<string, "Target">;

/**
 * What is counted: a bare IPv4 address or an IPv6 /64 prefix; where a rule asks for it a wider prefix, a name (`vhost=NAME`,
 * `user=NAME`), or an address and a name (`192.0.2.7 vhost=NAME`).
 */
export type Subject = Brand<string, "Subject">;

/** IPv6 clients own at least a /64 and change within it at will, so they are counted and banned by it. */
const IPV6_SUBJECT_LENGTH = 64;

export const isIpv4 = (address: string): boolean => !address.includes(":");

/** Null for anything that is not exactly one address: names, zones, leading zeros, ports. */
export function parseIp(text: string): Ip | null {
  if (isCanonicalIpv4(text)) return text as Ip;
  if (!text.includes(":") || text.includes("%") || text.length > 45) return null;
  if (isCanonicalIpv6(text)) return text as Ip;
  // ipaddr.js also takes groups of five digits, and octal or hex numbers in an IPv4 ending.
  if (/[0-9a-f]{5}/i.test(text)) return null;
  if (text.includes(".") && !isCanonicalIpv4(text.slice(text.lastIndexOf(":") + 1))) return null;
  // ipaddr.js takes the IPv4-compatible `::192.0.2.1` for `::ffff:192.0.2.1`, another address.
  const explicit = text.replace(/^::(?=\d+\.)/, "::0:");
  if (!ipaddr.IPv6.isValid(explicit)) return null;
  const parsed = ipaddr.IPv6.parse(explicit);
  return (parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String()) as Ip;
}

/**
 * As Apache writes a client's address: that of a link-local one has its interface behind it, `fe80::1%eth0`, which is left
 * out. Null as of `parseIp`.
 */
export function parseWrittenIp(text: string): Ip | null {
  return parseIp(text) ?? (LINK_LOCAL.test(text) ? parseIp(text.slice(0, text.indexOf("%"))) : null);
}

/** Linux's names of interfaces have 15 bytes at most. */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:[0-9a-f:]{1,40}%[\w.@-]{1,15}$/i;

/** Hand-written since every line of a log passes here; ipaddr.js also takes octal, hex and short forms. */
function isCanonicalIpv4(text: string): boolean {
  if (text.length < 7 || text.length > 15) return false;
  let dots = 0;
  let digits = 0;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0) return false;
      dots++;
      digits = 0;
      value = 0;
      continue;
    }
    if (code < 48 || code > 57 || (digits > 0 && value === 0)) return false;
    value = value * 10 + code - 48;
    digits++;
    if (value > 255) return false;
  }
  return dots === 3 && digits > 0;
}

/**
 * True for RFC 5952 text that is no IPv4-mapped address: how Apache writes addresses, and six times as fast as
 * ipaddr.js. False sends the text there, so a form that is not known here costs time only.
 */
function isCanonicalIpv6(text: string): boolean {
  let gap = text.charCodeAt(0) === 58 && text.charCodeAt(1) === 58;
  if (gap && (text.length === 2 || text.startsWith("ffff:", 2))) return text.length === 2;
  /** True behind a zero group or the gap: another zero there would belong to the gap. */
  let afterZero = gap;
  let groups = 0;
  let at = gap ? 2 : 0;
  for (;;) {
    const start = at;
    while (isLowerHex(text.charCodeAt(at))) at++;
    const digits = at - start;
    const zero = text.charCodeAt(start) === 48;
    if (digits === 0 || digits > 4 || (zero && (digits > 1 || afterZero))) return false;
    afterZero = zero;
    groups++;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== 58) return false;
    if (text.charCodeAt(at) !== 58) continue;
    if (gap || afterZero) return false;
    gap = afterZero = true;
    if (++at === text.length) break;
  }
  return gap ? groups <= 6 : groups === 8;
}

const isLowerHex = (code: number): boolean => (code >= 48 && code <= 57) || (code >= 97 && code <= 102);

/**
 * A CIDR or a bare address, which means itself; a bare IPv6 address means its /64.
 * Host bits are cleared: `192.0.2.7/24` is `192.0.2.0/24`.
 */
export function parseTarget(text: string): Target | null {
  const slash = text.indexOf("/");
  if (slash === -1) {
    const ip = parseIp(text);
    return ip === null ? null : targetOf(ip);
  }
  const length = text.slice(slash + 1);
  const address = text.slice(0, slash);
  const ip = parseIp(address);
  if (ip === null || !/^(0|[1-9]\d{0,2})$/.test(length)) return null;
  const mapped = isIpv4(ip) && !isIpv4(address);
  const bits = Number(length) - (mapped ? 96 : 0);
  if (bits < 0 || bits > (isIpv4(ip) ? 32 : 128)) return null;
  return network(ip, bits);
}

/** The prefix of `bits` bits that holds the address. */
export function network(ip: Ip, bits: number): Target {
  if (isIpv4(ip)) return ipv4Network(ip, bits);
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${ip}/${bits}`).toRFC5952String()}/${bits}` as Target;
}

/** Every target that covers the whole of this one, the widest first and itself last. */
export function allThatCover(target: Target): Target[] {
  const { address, bits } = prefixOf(target);
  return [...Array.from({ length: bits }, (_, length) => network(address, length)), target];
}

/** By hand: ipaddr.js takes ten times as long, and a long list of bans passes here with each new one. */
function ipv4Network(ip: Ip, bits: number): Target {
  const value = ip.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const kept = value - (value % 2 ** (32 - bits));
  return `${kept >>> 24}.${(kept >>> 16) & 255}.${(kept >>> 8) & 255}.${kept & 255}/${bits}` as Target;
}

/** What a ban of this address covers: the address (IPv4) or its /64 (IPv6). */
export const targetOf = (ip: Ip): Target =>
  isIpv4(ip) ? (`${ip}/32` as Target) : network(ip, IPV6_SUBJECT_LENGTH);

/** The address alone, of either family. */
export const singleOf = (ip: Ip): Target => `${ip}/${isIpv4(ip) ? 32 : 128}` as Target;

export const subjectOf = (ip: Ip): Subject =>
  (isIpv4(ip) ? ip : network(ip, IPV6_SUBJECT_LENGTH)) as string as Subject;

/** The target of a subject; what follows a space (` vhost=…`) is not part of it. Null when it is only a name. */
export function targetOfSubject(subject: Subject): Target | null {
  const space = subject.indexOf(" ");
  const prefix = space === -1 ? subject : subject.slice(0, space);
  if (prefix.includes("=")) return null;
  return (prefix.includes("/") ? prefix : `${prefix}/32`) as Target;
}

export interface Prefix {
  readonly address: Ip;
  readonly bits: number;
}

export function prefixOf(target: Target): Prefix {
  const slash = target.indexOf("/");
  return { address: target.slice(0, slash) as Ip, bits: Number(target.slice(slash + 1)) };
}

/** True when the target is one address, not a range. */
export const isSingle = (target: Target): boolean => target.endsWith(isIpv4(target) ? "/32" : "/128");

/** A set of targets that answers which of them covers an address or overlaps another target. */
export class TargetSet {
  /** The members of each family and prefix length: few, so that looking through them is quick. */
  readonly #lengths: { readonly ipv4: boolean; readonly bits: number; readonly members: Set<Target> }[] = [];
  #size = 0;
  /** By family and length: the networks of that length that hold narrower members, each with one of them. */
  readonly #holders = new Map<string, ReadonlyMap<Target, Target>>();

  constructor(targets: Iterable<Target> = []) {
    for (const target of targets) this.add(target);
  }

  get size(): number {
    return this.#size;
  }

  add(target: Target): void {
    let members = this.#membersLike(target);
    if (members === undefined) {
      members = new Set();
      this.#lengths.push({ ipv4: isIpv4(target), bits: prefixOf(target).bits, members });
    }
    if (members.has(target)) return;
    members.add(target);
    this.#size++;
    this.#holders.clear();
  }

  delete(target: Target): void {
    if (this.#membersLike(target)?.delete(target) !== true) return;
    this.#size--;
    this.#holders.clear();
  }

  #membersLike(target: Target): Set<Target> | undefined {
    const ipv4 = isIpv4(target);
    const { bits } = prefixOf(target);
    return this.#lengths.find((each) => each.ipv4 === ipv4 && each.bits === bits)?.members;
  }

  /** A member that covers the whole of `target` (itself included), or null. */
  covering(target: Target): Target | null {
    return this.#covering(target, 1)[0] ?? null;
  }

  /** All members that cover the whole of `target`. */
  allCovering(target: Target): readonly Target[] {
    return this.#covering(target, Infinity);
  }

  #covering(target: Target, most: number): readonly Target[] {
    const ipv4 = isIpv4(target);
    const { address, bits } = prefixOf(target);
    const found: Target[] = [];
    for (const each of this.#lengths) {
      if (each.ipv4 !== ipv4 || each.bits > bits || each.members.size === 0) continue;
      const candidate = each.bits === bits ? target : network(address, each.bits);
      if (each.members.has(candidate) && found.push(candidate) >= most) break;
    }
    return found;
  }

  /** A member that shares any address with `target`, or null. */
  overlapping(target: Target): Target | null {
    return this.covering(target) ?? this.#holdersLike(target).get(target) ?? null;
  }

  /** Kept until the set changes, so that asking for many targets is not slow with many members. */
  #holdersLike(target: Target): ReadonlyMap<Target, Target> {
    const ipv4 = isIpv4(target);
    const { bits } = prefixOf(target);
    const key = `${ipv4 ? 4 : 6}/${bits}`;
    const known = this.#holders.get(key);
    if (known !== undefined) return known;
    const holders = new Map<Target, Target>();
    for (const member of this) {
      if (isIpv4(member) !== ipv4) continue;
      const narrow = prefixOf(member);
      if (narrow.bits > bits) holders.set(network(narrow.address, bits), member);
    }
    this.#holders.set(key, holders);
    return holders;
  }

  *[Symbol.iterator](): Iterator<Target> {
    for (const { members } of this.#lengths) yield* members;
  }
}

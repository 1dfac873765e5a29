import ipaddr from "ipaddr.js";
import { type Ip, isIpv4, network, prefixOf, type Target, TargetSet } from "./ip.ts";

/** Sorted: where the networks of one length begin. IPv6 by its upper half. */
interface Networks {
  readonly bits: number;
  readonly starts: Uint32Array | BigUint64Array;
}

/** Can be sent to another thread. */
export interface PackedNetworks {
  readonly ipv4: readonly Networks[];
  readonly ipv6: readonly Networks[];
  /** Longer than a /64, in the order of their upper halves. */
  readonly long: { readonly starts: BigUint64Array; readonly targets: readonly Target[] };
}

/**
 * Many targets in little memory, which no one changes: half a million addresses take two megabytes, where a TargetSet takes fifty.
 * Answers which of them touch a target by binary search.
 */
export class PackedTargets {
  readonly packed: PackedNetworks;
  readonly size: number;

  constructor(packed: PackedNetworks) {
    this.packed = packed;
    const lengths = [...packed.ipv4, ...packed.ipv6].map(({ starts }) => starts.length);
    this.size = lengths.reduce((sum, length) => sum + length, packed.long.targets.length);
  }

  static of(targets: Iterable<Target>): PackedTargets {
    const packer = new TargetPacker();
    for (const target of targets) packer.add(target);
    return packer.packed();
  }

  /** By length of prefix, then by address. */
  *[Symbol.iterator](): Generator<Target, undefined> {
    for (const { bits, starts } of this.packed.ipv4)
      for (const start of starts as Uint32Array) yield `${ipv4Text(start)}/${bits}` as Target;
    for (const { bits, starts } of this.packed.ipv6)
      for (const start of starts as BigUint64Array) yield `${ipv6Text(start)}/${bits}` as Target;
    yield* this.packed.long.targets;
    return undefined;
  }

  /** Exactly this target is a member. */
  has(target: Target): boolean {
    const { address, bits } = prefixOf(target);
    if (isIpv4(target)) return holds(this.packed.ipv4, bits, ipv4Start(address));
    const start = ipv6Start(address);
    if (bits <= 64) return holds(this.packed.ipv6, bits, start);
    const { starts, targets } = this.packed.long;
    for (let at = firstFrom(starts, start); starts[at] === start; at++)
      if (targets[at] === target) return true;
    return false;
  }

  equals(other: PackedTargets): boolean {
    const [mine, theirs] = [this.packed, other.packed];
    return (
      sameNetworks(mine.ipv4, theirs.ipv4) &&
      sameNetworks(mine.ipv6, theirs.ipv6) &&
      mine.long.targets.length === theirs.long.targets.length &&
      mine.long.targets.every((target, at) => target === theirs.long.targets[at])
    );
  }

  /** Some member covers the whole of `target`. */
  covers(target: Target): boolean {
    for (const member of this.touching(target)) {
      if (new TargetSet([member]).covering(target) !== null) return true;
    }
    return false;
  }

  /** Every member that shares an address with `target`. */
  *touching(target: Target): Generator<Target, undefined> {
    const { address, bits } = prefixOf(target);
    if (isIpv4(target)) {
      const start = ipv4Start(address);
      for (const each of this.packed.ipv4) {
        const last = start + 2 ** (32 - Math.min(bits, 32)) - 1;
        const first = start - (start % 2 ** (32 - each.bits));
        for (const found of between(each.starts as Uint32Array, first, last)) {
          yield `${ipv4Text(found)}/${each.bits}` as Target;
        }
      }
      return undefined;
    }
    const start = ipv6Start(address);
    const last = start + (1n << BigInt(64 - Math.min(bits, 64))) - 1n;
    for (const each of this.packed.ipv6) {
      const first = start - (start % (1n << BigInt(64 - each.bits)));
      for (const found of between(each.starts as BigUint64Array, first, last)) {
        yield `${ipv6Text(found)}/${each.bits}` as Target;
      }
    }
    const asked = new TargetSet([target]);
    const { starts, targets } = this.packed.long;
    for (let at = firstFrom(starts, start); at < starts.length && starts[at]! <= last; at++) {
      if (asked.overlapping(targets[at]!) !== null) yield targets[at]!;
    }
    return undefined;
  }
}

/** Takes targets one after the other, without keeping their text. */
export class TargetPacker {
  readonly #ipv4 = new Map<number, number[]>();
  readonly #ipv6 = new Map<number, bigint[]>();
  readonly #long: { readonly start: bigint; readonly target: Target }[] = [];
  /** How many were given, the same ones more than once. */
  given = 0;

  add(target: Target): void {
    this.given++;
    const { address, bits } = prefixOf(target);
    if (isIpv4(target)) push(this.#ipv4, bits, ipv4Start(address));
    else if (bits <= 64) push(this.#ipv6, bits, ipv6Start(address));
    else this.#long.push({ start: ipv6Start(address), target });
  }

  packed(): PackedTargets {
    const long = this.#long.sort((a, b) => compare(a.start, b.start) || compare(a.target, b.target));
    const once = long.filter(({ target }, at) => target !== long[at - 1]?.target);
    const networks = <T extends number | bigint>(
      groups: Map<number, T[]>,
      sorted: (all: T[]) => Networks["starts"],
    ) =>
      [...groups]
        .map(([bits, starts]) => ({ bits, starts: sorted(starts) }))
        .sort((one, other) => one.bits - other.bits);
    return new PackedTargets({
      ipv4: networks(this.#ipv4, (all) => unique(Uint32Array.from(all).sort())),
      ipv6: networks(this.#ipv6, (all) => unique(BigUint64Array.from(all).sort())),
      long: {
        starts: BigUint64Array.from(once, ({ start }) => start),
        targets: once.map(({ target }) => target),
      },
    });
  }
}

export const NO_TARGETS = new TargetPacker().packed();

const compare = <T extends bigint | string>(one: T, other: T): number =>
  one < other ? -1 : one > other ? 1 : 0;

function unique<T extends Uint32Array | BigUint64Array>(sorted: T): T {
  let kept = 0;
  for (let at = 0; at < sorted.length; at++) {
    if (at === 0 || sorted[at] !== sorted[kept - 1]) sorted[kept++] = sorted[at]!;
  }
  return sorted.slice(0, kept) as T;
}

function holds(networks: readonly Networks[], bits: number, start: number | bigint): boolean {
  const starts = networks.find((each) => each.bits === bits)?.starts as
    | ArrayLike<number | bigint>
    | undefined;
  return starts !== undefined && starts[firstFrom(starts, start)] === start;
}

const sameNetworks = (mine: readonly Networks[], theirs: readonly Networks[]): boolean =>
  mine.length === theirs.length &&
  mine.every(({ bits, starts }, at) => {
    const other = theirs[at]!;
    return bits === other.bits && bytesOf(starts).equals(bytesOf(other.starts));
  });

const bytesOf = ({ buffer, byteOffset, byteLength }: Networks["starts"]): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

function push<T>(groups: Map<number, T[]>, bits: number, start: T): void {
  const group = groups.get(bits);
  if (group === undefined) groups.set(bits, [start]);
  else group.push(start);
}

function* between<T extends number | bigint>(
  starts: ArrayLike<T>,
  first: T,
  last: T,
): Generator<T, undefined> {
  for (let at = firstFrom(starts, first); at < starts.length && starts[at]! <= last; at++) yield starts[at]!;
  return undefined;
}

/** Where what is not below `least` begins. */
function firstFrom<T extends number | bigint>(starts: ArrayLike<T>, least: T): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

function ipv4Start(address: Ip): number {
  let value = 0;
  let part = 0;
  for (let at = 0; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code !== 46) part = part * 10 + code - 48;
    else {
      value = value * 256 + part;
      part = 0;
    }
  }
  return value * 256 + part;
}

const ipv4Text = (start: number): string =>
  `${start >>> 24}.${(start >>> 16) & 255}.${(start >>> 8) & 255}.${start & 255}`;

const ipv6Start = (address: Ip): bigint => {
  const [a = 0, b = 0, c = 0, d = 0] = ipaddr.IPv6.parse(address).parts;
  return (BigInt(a * 65_536 + b) << 32n) | BigInt(c * 65_536 + d);
};

const ipv6Text = (start: bigint): string => {
  const parts = [48n, 32n, 16n, 0n].map((shift) => Number((start >> shift) & 0xffffn));
  const address = new ipaddr.IPv6([...parts, 0, 0, 0, 0]).toRFC5952String() as Ip;
  return network(address, 128).slice(0, -"/128".length);
};

import ipaddr from "ipaddr.js";
import type { LogEvent } from "../model/event.ts";
import { type Ip, isIpv4, prefixOf, type Target, targetOf } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";

/** Of each generation; on a busier site only those are remembered who were served last. */
const MAX_SERVED = 50_000;
const GENERATION_MS = 30 * 60_000;

/** The upper 64 bits of an address, as two numbers of 32; of an IPv4 address all of it is in `high`. */
interface Numbers {
  readonly ipv4: boolean;
  readonly high: number;
  readonly low: number;
}
interface Served extends Numbers {
  /** A ban by a rule covers it. */
  hit: boolean;
}
/** By address, or of IPv6 the /64. */
type Generation = Map<string, Served>;

/**
 * Who got what they asked for (a 2xx) within the last hour of the log, and how many of them bans by rules hit. An IPv6
 * client counts by its /64. There are two generations of half an hour; who is served again goes over into the younger one.
 */
export class ServedClients {
  #young: Generation = new Map();
  #old: Generation = new Map();
  /** When the young generation began, on the time of the lines. */
  #since = 0;
  /** The /64 of addresses that were asked for lately: working it out takes longer than all else here. */
  readonly #networks = new Map<Ip, Target>();
  #hits = 0;

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** How many of them bans by rules hit. */
  get hits(): number {
    return this.#hits;
  }

  note(events: readonly LogEvent[]): void {
    for (const event of events) {
      if (event.kind !== "access" || event.status < 200 || event.status > 299) continue;
      const key = this.#keyOf(event.client);
      // Either way: a clock that was wrong must not keep everybody for ever.
      if (Math.abs(event.time - this.#since) >= GENERATION_MS) this.#begin(event.time);
      if (this.#young.has(key)) continue;
      const known = this.#old.get(key) ?? { ...numbersOf(event.client), hit: false };
      this.#old.delete(key);
      this.#young.set(detached(key), known);
      if (this.#young.size >= MAX_SERVED) this.#begin(event.time);
    }
  }

  /** Begins a generation, which lets go of the one before the last. */
  #begin(time: UnixMs): void {
    for (const { hit } of this.#old.values()) if (hit) this.#hits--;
    this.#old = time - this.#since < 2 * GENERATION_MS ? this.#young : new Map();
    if (this.#old !== this.#young) for (const { hit } of this.#young.values()) if (hit) this.#hits--;
    this.#young = new Map();
    this.#since = time;
  }

  #keyOf(client: Ip): string {
    if (isIpv4(client)) return client;
    const known = this.#networks.get(client);
    if (known !== undefined) return known;
    const network = targetOf(client);
    if (this.#networks.size === MAX_SERVED) this.#networks.clear();
    this.#networks.set(detached(client) as Ip, network);
    return network;
  }

  /** Those whom a ban of `target` would hit and no ban has. */
  wouldHit(target: Target): number {
    return this.#within(target).filter(({ hit }) => !hit).length;
  }

  /** A ban of `target` was made. */
  hit(target: Target): void {
    for (const served of this.#within(target)) {
      if (!served.hit) this.#hits++;
      served.hit = true;
    }
  }

  /** A person has looked: what was hit until now does not count any more. */
  forgetHits(): void {
    for (const generation of [this.#young, this.#old])
      for (const served of generation.values()) served.hit = false;
    this.#hits = 0;
  }

  #within(target: Target): Served[] {
    const { address, bits } = prefixOf(target);
    const isSubject = bits === (isIpv4(target) ? 32 : 64);
    if (isSubject) {
      const key = isIpv4(target) ? address : target;
      const served = this.#young.get(key) ?? this.#old.get(key);
      return served === undefined ? [] : [served];
    }
    const prefix = numbersOf(address);
    const all = [...this.#young.values(), ...this.#old.values()];
    return all.filter((served) => covers(prefix, bits, served));
  }
}

function numbersOf(address: Ip): Numbers {
  if (isIpv4(address)) {
    const high = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    return { ipv4: true, high, low: 0 };
  }
  const [a, b, c, d] = ipaddr.IPv6.parse(address).parts as [number, number, number, number];
  return { ipv4: false, high: a * 65_536 + b, low: c * 65_536 + d };
}

/** Shifts of 32 bits are none in JavaScript, so a length of 0 is a case of its own. A longer one than 64 counts as 64. */
function covers(prefix: Numbers, bits: number, { ipv4, high, low }: Numbers): boolean {
  if (prefix.ipv4 !== ipv4) return false;
  if (bits === 0) return true;
  if (bits <= 32) return (prefix.high ^ high) >>> (32 - bits) === 0;
  return prefix.high === high && (prefix.low ^ low) >>> Math.max(0, 64 - bits) === 0;
}

import type { LogEvent } from "../model/event.ts";
import { isIpv4, prefixOf, type Target } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import { keyOf, type SubjectKey } from "../model/subject-key.ts";
import type { UnixMs } from "../model/time.ts";

/** Of each generation; on a busier site only those are remembered who were served last. */
const MAX_SERVED = 50_000;
const GENERATION_MS = 30 * 60_000;
/** A power of two, so that a part of an address is a place. */
const PLACES = 1 << 14;

/** The upper 64 bits of an address, as two numbers of 32; of an IPv4 address all of it is in `high`. */
interface Numbers {
  readonly ipv4: boolean;
  readonly high: number;
  readonly low: number;
}
/** By address, or of IPv6 the /64: whether a ban by a rule covers it. */
type Generation = Map<SubjectKey, boolean>;

/**
 * Who got what they asked for (a 2xx) within the last hour of the log, and how many of them bans by rules hit. An IPv6
 * client counts by its /64. There are two generations of half an hour; who is served again goes over into the younger one.
 */
export class ServedClients {
  #young: Generation = new Map();
  #old: Generation = new Map();
  /** IPv4 clients of the young generation that came last: of most lines the client is one of them, and need not be looked up. */
  readonly #recent = new Int32Array(PLACES);
  /** When the young generation began, on the time of the lines. */
  #since = 0;
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
      // Either way: a clock that was wrong must not keep everybody for ever.
      if (Math.abs(event.time - this.#since) >= GENERATION_MS) this.#begin(event.time);
      const key = keyOf(event.client);
      if (typeof key === "number") {
        const place = (key ^ (key >>> 14)) & (PLACES - 1);
        if (this.#recent[place] === key) continue;
        this.#recent[place] = key;
      }
      if (this.#young.has(key)) continue;
      const hit = this.#old.get(key) ?? false;
      this.#old.delete(key);
      this.#young.set(typeof key === "string" ? detached(key) : key, hit);
      if (this.#young.size >= MAX_SERVED) this.#begin(event.time);
    }
  }

  /** Begins a generation, which lets go of the one before the last. */
  #begin(time: UnixMs): void {
    for (const hit of this.#old.values()) if (hit) this.#hits--;
    this.#old = time - this.#since < 2 * GENERATION_MS ? this.#young : new Map();
    if (this.#old !== this.#young) for (const hit of this.#young.values()) if (hit) this.#hits--;
    this.#young = new Map();
    this.#recent.fill(0);
    this.#since = time;
  }

  /** Those whom a ban of `target` would hit and no ban has. */
  wouldHit(target: Target): number {
    let count = 0;
    for (const [key, generation] of this.#within(target)) if (generation.get(key) === false) count++;
    return count;
  }

  /** A ban of `target` was made. */
  hit(target: Target): void {
    for (const [key, generation] of this.#within(target)) {
      if (generation.get(key) === false) this.#hits++;
      generation.set(key, true);
    }
  }

  /** A person has looked: what was hit until now does not count any more. */
  forgetHits(): void {
    for (const generation of [this.#young, this.#old])
      for (const key of generation.keys()) generation.set(key, false);
    this.#hits = 0;
  }

  *#within(target: Target): Generator<[SubjectKey, Generation]> {
    const { address, bits } = prefixOf(target);
    const key = keyOf(address);
    const isSubject = bits === (isIpv4(target) ? 32 : 64);
    const prefix = numbersOf(key);
    for (const generation of [this.#young, this.#old]) {
      if (isSubject) {
        if (generation.has(key)) yield [key, generation];
        continue;
      }
      for (const each of generation.keys())
        if (covers(prefix, bits, numbersOf(each))) yield [each, generation];
    }
  }
}

function numbersOf(key: SubjectKey): Numbers {
  if (typeof key === "number") return { ipv4: true, high: key >>> 0, low: 0 };
  const [a = 0, b = 0, c = 0, d = 0] = key.split(":").map((group) => Number.parseInt(group, 16) || 0);
  return { ipv4: false, high: a * 65_536 + b, low: c * 65_536 + d };
}

/** Shifts of 32 bits are none in JavaScript, so a length of 0 is a case of its own. A longer one than 64 counts as 64. */
function covers(prefix: Numbers, bits: number, { ipv4, high, low }: Numbers): boolean {
  if (prefix.ipv4 !== ipv4) return false;
  if (bits === 0) return true;
  if (bits <= 32) return (prefix.high ^ high) >>> (32 - bits) === 0;
  return prefix.high === high && (prefix.low ^ low) >>> Math.max(0, 64 - bits) === 0;
}

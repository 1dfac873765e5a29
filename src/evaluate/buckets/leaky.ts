import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { Evidence, type Held, isWorthKeeping } from "./evidence.ts";

/** A leaky bucket: it holds `capacity` hits, and `leak` of them leak out in each `per`. */
export interface Leak {
  readonly capacity: number;
  readonly leak: number;
  readonly per: DurationMs;
}

/** A pace that is faster than the leak by more than one part in so many is found. */
const PRECISION = 4;

/** What is older does not count: a few times as long as a full bucket takes to run empty. */
export const leakyWindow = ({ capacity, leak, per }: Leak): DurationMs =>
  ((PRECISION * capacity * per) / leak) as DurationMs;

/**
 * Overflows with a hit for which there is no room: bursts up to the capacity pass, a pace faster than the leak does not. It
 * keeps the times of hits rather than a level, so that a late line counts where its time puts it, and a restart, which
 * counts the hits of a window again, comes to the same level.
 */
export class LeakyBucket extends Bucket {
  readonly #leak: Leak;
  readonly #window: DurationMs;
  /** Oldest first. */
  readonly #times: UnixMs[] = [];
  /** Where the hits begin that made it overflow. */
  #from = 0;
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(leak: Leak, held: Held) {
    super();
    this.#leak = leak;
    this.#window = leakyWindow(leak);
    this.#held = held;
  }

  add({ time, line }: LogEvent): boolean {
    const times = this.#times;
    if (time <= this.lastSeen - this.#window) return false;
    if (time >= this.lastSeen) times.push(time);
    else times.splice(times.findLastIndex((each) => each <= time) + 1, 0, time);
    this.#dropStale();
    this.#keepLine(line, time);
    return this.#overflows();
  }

  /** So many leak out within the window, and so many it has room for: one more is always too many. */
  #dropStale(): void {
    const windowStart = this.lastSeen - this.#window;
    let stale = Math.max(0, this.#times.length - (PRECISION + 1) * this.#leak.capacity - 1);
    while (this.#times[stale]! <= windowStart) stale++;
    if (stale > 0) this.#times.splice(0, stale);
  }

  /** The level is the most that any run of hits up to the newest leaves in it. */
  #overflows(): boolean {
    const { capacity, leak, per } = this.#leak;
    const times = this.#times;
    this.#from = 0;
    if (times.length <= capacity) return false;
    const newest = times[times.length - 1]!;
    let level = capacity * per;
    let overflows = false;
    for (let at = times.length - capacity - 1; at >= 0; at--) {
      const left = (times.length - at) * per - (newest - times[at]!) * leak;
      if (left <= level) continue;
      level = left;
      this.#from = at;
      overflows = true;
    }
    return overflows;
  }

  #keepLine(line: string, time: UnixMs): void {
    if (this.#times.length === 1) this.#evidence?.clear();
    if (!isWorthKeeping(this.#times.length, this.#leak.capacity)) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line, time, this.lastSeen - this.#window);
  }

  get firstSeen(): UnixMs {
    return this.#times[this.#from] ?? NO_TIME;
  }
  get lastSeen(): UnixMs {
    return this.#times[this.#times.length - 1] ?? NO_TIME;
  }
  get count(): number {
    return this.#times.length - this.#from;
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#times.length = 0;
    this.#from = 0;
    this.#evidence?.clear();
  }
}

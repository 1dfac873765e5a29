import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { Evidence, type Held, isWorthKeeping } from "./evidence.ts";

/** Times that have left the window wait until there are this many: moving the rest for each would cost more. */
const KEEP_STALE = 16;
/** Most subjects have one hit within the window: they share this, until they have a second. */
const NO_TIMES: UnixMs[] = [];

/** Hits within a sliding window. */
export class ThresholdBucket extends Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  #newest = NO_TIME;
  /** The other hits, oldest first. Those before `#first` have left the window and are thrown away some at a time. */
  #older = NO_TIMES;
  #first = 0;
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(threshold: number, window: DurationMs, held: Held) {
    super();
    this.#threshold = threshold;
    this.#window = window;
    this.#held = held;
  }

  add({ time, line }: LogEvent): boolean {
    const newest = this.#newest;
    if (newest === NO_TIME) this.#newest = time;
    else if (time <= newest - this.#window) return false;
    else if (time < newest) this.#insert(time);
    else if (newest <= time - this.#window) this.#restart(time);
    else {
      this.#newest = time;
      this.#insert(newest);
    }
    this.#keepLine(line, time);
    return this.count === this.#threshold;
  }

  /** All hits have left the window but the newest. */
  #restart(time: UnixMs): void {
    this.#newest = time;
    if (this.#older !== NO_TIMES) this.#older.length = 0;
    this.#first = 0;
  }

  #insert(time: UnixMs): void {
    // An array that is made with its one element is a tenth of one that grows to it.
    if (this.#older === NO_TIMES) this.#older = [time];
    else {
      const older = this.#older;
      const last = older.length - 1;
      if (last < 0 || older[last]! <= time) older.push(time);
      else older.splice(older.findLastIndex((each) => each <= time) + 1, 0, time);
    }
    const windowStart = this.#newest - this.#window;
    while (this.#older[this.#first]! <= windowStart) this.#first++;
    if (this.count > this.#threshold) this.#first++;
    if (this.#first > KEEP_STALE && this.#first * 2 > this.#older.length) this.#dropStale();
  }

  #dropStale(): void {
    this.#older.splice(0, this.#first);
    this.#first = 0;
  }

  #keepLine(line: string, time: UnixMs): void {
    if (this.count === 1) this.#evidence?.clear();
    if (!isWorthKeeping(this.count, this.#threshold)) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line, time, this.#newest - this.#window);
  }

  get firstSeen(): UnixMs {
    return this.#older[this.#first] ?? this.#newest;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  get count(): number {
    return this.#newest === NO_TIME ? 0 : this.#older.length - this.#first + 1;
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#newest = NO_TIME;
    this.#older = NO_TIMES;
    this.#first = 0;
    this.#evidence?.clear();
  }
}

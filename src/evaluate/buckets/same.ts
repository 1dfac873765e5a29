import type { LogEvent } from "../../model/event.ts";
import { detached } from "../../model/line.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME, VALUE_LENGTH } from "./bucket.ts";
import type { Held } from "./evidence.ts";

/** Of one subject so many values are counted at a time: the longest unseen gives way. */
const MOST_VALUES = 32;
/** What a value's own bucket is taken to hold, beside what it says itself. */
const BYTES_OF_BUCKET = 400;

/** A bucket for each value of a field, as in the same path again and again: it fires when one of them does. */
export class SameBucket extends Bucket {
  readonly #valueOf: (event: LogEvent) => string;
  readonly #window: DurationMs;
  readonly #newBucket: (held: Held) => Bucket;
  readonly #held: Held;
  /** The longest unseen first. */
  readonly #buckets = new Map<string, Bucket>();
  /** The one that was added to last. */
  #last: Bucket | null = null;
  #newest = NO_TIME;

  constructor(
    read: (event: LogEvent) => string,
    window: DurationMs,
    newBucket: (held: Held) => Bucket,
    held: Held,
  ) {
    super();
    this.#valueOf = read;
    this.#window = window;
    this.#newBucket = newBucket;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    if (event.time <= this.#newest - this.#window) return false;
    if (event.time > this.#newest) this.#newest = event.time;
    const text = this.#valueOf(event).slice(0, VALUE_LENGTH);
    const bucket = this.#take(text);
    const isFull = bucket.add(event);
    this.#last = bucket;
    for (const [value, { lastSeen }] of this.#buckets) {
      if (lastSeen > this.#newest - this.#window && this.#buckets.size <= MOST_VALUES) break;
      this.#forget(value);
    }
    return isFull;
  }

  /** The value's bucket, from now on the last to give way. */
  #take(text: string): Bucket {
    const known = this.#buckets.get(text);
    if (known !== undefined) {
      this.#buckets.delete(text);
      this.#buckets.set(text, known);
      return known;
    }
    const bucket = this.#newBucket(this.#held);
    this.#buckets.set(detached(text), bucket);
    this.#held.bytes += text.length + BYTES_OF_BUCKET;
    return bucket;
  }

  #forget(value: string): void {
    this.#buckets.get(value)?.clear();
    if (this.#buckets.delete(value)) this.#held.bytes -= value.length + BYTES_OF_BUCKET;
  }

  get firstSeen(): UnixMs {
    return this.#last?.firstSeen ?? NO_TIME;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  get count(): number {
    return this.#last?.count ?? 0;
  }
  evidence(): readonly string[] {
    return this.#last?.evidence() ?? [];
  }
  clear(): void {
    for (const value of [...this.#buckets.keys()]) this.#forget(value);
    this.#last = null;
    this.#newest = NO_TIME;
  }
}

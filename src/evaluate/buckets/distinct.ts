import type { LogEvent } from "../../model/event.ts";
import { detached } from "../../model/line.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME, VALUE_LENGTH } from "./bucket.ts";
import { type Held, holdMore, isWorthKeeping, someOf, takeLine } from "./evidence.ts";

/** What a value takes beside its characters and those of its line. */
const BYTES_OF_VALUE = 200;

interface Hit {
  readonly value: string;
  readonly time: UnixMs;
  readonly line: string;
}

/** Different values of a field within a sliding window. */
export class DistinctBucket extends Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  readonly #valueOf: (event: LogEvent) => string;
  /** Each value with its newest hit, the longest unseen first. */
  readonly #seen = new Map<string, Hit>();
  #newest = NO_TIME;
  /** No hit came late: those that have left the window stand before all others. */
  #isInOrder = true;
  readonly #held: Held;

  constructor(threshold: number, window: DurationMs, read: (event: LogEvent) => string, held: Held) {
    super();
    this.#threshold = threshold;
    this.#window = window;
    this.#valueOf = read;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const { time } = event;
    if (time <= this.#newest - this.#window) return false;
    if (time >= this.#newest) this.#newest = time;
    else this.#isInOrder = false;
    const text = this.#valueOf(event).slice(0, VALUE_LENGTH);
    const known = this.#seen.get(text);
    if (known !== undefined && known.time > time) return this.#seen.size >= this.#threshold;
    const value = known?.value ?? detached(text);
    this.#forget(value);
    const isKept = isWorthKeeping(this.#seen.size + 1, this.#threshold);
    const line = isKept ? takeLine(event.line, this.#held) : "";
    this.#seen.set(value, { value, time, line });
    this.#held.bytes += value.length + BYTES_OF_VALUE;
    this.#dropStale();
    return this.#seen.size === this.#threshold;
  }

  #dropStale(): void {
    for (const [value, { time }] of this.#seen) {
      const isOver = time <= this.#newest - this.#window || this.#seen.size > this.#threshold;
      if (isOver) this.#forget(value);
      else if (this.#isInOrder) return;
    }
  }

  #forget(value: string): void {
    const hit = this.#seen.get(value);
    if (hit === undefined) return;
    this.#held.bytes -= value.length + BYTES_OF_VALUE;
    holdMore(-hit.line.length, this.#held);
    this.#seen.delete(value);
  }

  get firstSeen(): UnixMs {
    return Math.min(...[...this.#seen.values()].map((hit) => hit.time)) as UnixMs;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  get count(): number {
    return this.#seen.size;
  }
  evidence(): readonly string[] {
    return someOf([...this.#seen.values()].map((hit) => hit.line).filter((line) => line !== ""));
  }
  clear(): void {
    for (const value of [...this.#seen.keys()]) this.#forget(value);
    this.#newest = NO_TIME;
    this.#isInOrder = true;
  }
}

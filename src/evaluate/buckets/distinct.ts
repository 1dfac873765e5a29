import type { LogEvent } from "../../model/event.ts";
import { detached } from "../../model/line.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME, VALUE_LENGTH } from "./bucket.ts";
import { type Held, lineIfRoom, someOf } from "./evidence.ts";

/** Different values of a field within a sliding window. */
export class DistinctBucket extends Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  readonly #valueOf: (event: LogEvent) => string;
  /** Each value with its newest hit, the longest unseen first. */
  readonly #seen = new Map<string, { time: UnixMs; line: string }>();
  #newest = NO_TIME;
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
    if (time > this.#newest) this.#newest = time;
    const value = detached(this.#valueOf(event).slice(0, VALUE_LENGTH));
    const known = this.#seen.get(value);
    if (known !== undefined && known.time > time) return this.#seen.size >= this.#threshold;
    this.#forget(value);
    const line = lineIfRoom(event.line, this.#held);
    this.#seen.set(value, { time, line });
    this.#held.characters += value.length + line.length;
    for (const [each, hit] of this.#seen) {
      if (hit.time <= this.#newest - this.#window || this.#seen.size > this.#threshold) this.#forget(each);
    }
    return this.#seen.size === this.#threshold;
  }

  #forget(value: string): void {
    const hit = this.#seen.get(value);
    if (hit === undefined) return;
    this.#held.characters -= value.length + hit.line.length;
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
  }
}

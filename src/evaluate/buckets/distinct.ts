import type { LogEvent } from "../../model/event.ts";
import { detached } from "../../model/line.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME, VALUE_LENGTH } from "./bucket.ts";
import { type Held, holdMore, isWorthKeeping, someOf, takeLine } from "./evidence.ts";

/** What a value takes beside its characters and those of its line. */
const BYTES_OF_VALUE = 120;

interface Hit {
  readonly value: string;
  readonly time: UnixMs;
  readonly line: string;
  /** Whose; empty where that is not asked. */
  readonly client: string;
}

/** Of so many different clients the values must be. */
export interface Spread {
  readonly clients: number;
  readonly clientOf: (event: LogEvent) => string;
}

const bytesOf = ({ value, client }: Hit): number => value.length + client.length + BYTES_OF_VALUE;

/** Most subjects have one value, and need no map. */
const NO_HITS: Map<string, Hit> = new Map();

/** Different values of a field within a sliding window. */
export class DistinctBucket extends Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  readonly #valueOf: (event: LogEvent) => string;
  /** The newest hit of the one value, while there is no other. */
  #only: Hit | null = null;
  /** Each value with its newest hit, the longest unseen first. */
  #seen = NO_HITS;
  #newest = NO_TIME;
  /** No hit came late: those that have left the window stand before all others. */
  #isInOrder = true;
  readonly #held: Held;
  readonly #spread: Spread | null;

  constructor(
    threshold: number,
    window: DurationMs,
    read: (event: LogEvent) => string,
    held: Held,
    spread: Spread | null = null,
  ) {
    super();
    this.#threshold = threshold;
    this.#window = window;
    this.#valueOf = read;
    this.#held = held;
    this.#spread = spread;
  }

  add(event: LogEvent): boolean {
    const { time } = event;
    if (time <= this.#newest - this.#window) return false;
    if (time >= this.#newest) this.#newest = time;
    else this.#isInOrder = false;
    const text = this.#valueOf(event).slice(0, VALUE_LENGTH);
    const known = this.#only?.value === text ? this.#only : this.#seen.get(text);
    if (known !== undefined && known.time > time) return this.#isFull();
    const value = known?.value ?? detached(text);
    if (known !== undefined) this.#forget(known);
    this.#dropStale();
    const isKept = isWorthKeeping(this.count + 1, this.#threshold);
    const client = this.#spread === null ? "" : detached(this.#spread.clientOf(event));
    this.#keep({ value, time, line: isKept ? takeLine(event.line, this.#held) : "", client });
    return this.#isFull();
  }

  #isFull(): boolean {
    if (this.count < this.#threshold) return false;
    if (this.#spread === null) return true;
    return new Set([...this.#hits()].map(({ client }) => client)).size >= this.#spread.clients;
  }

  #keep(hit: Hit): void {
    this.#held.bytes += bytesOf(hit);
    if (this.#seen === NO_HITS) {
      if (this.#only === null) {
        this.#only = hit;
        return;
      }
      this.#seen = new Map([[this.#only.value, this.#only]]);
      this.#only = null;
    }
    this.#seen.set(hit.value, hit);
    const oldest = this.#seen.values().next().value;
    if (oldest !== undefined && this.#seen.size > this.#threshold) this.#forget(oldest);
  }

  #dropStale(): void {
    if (this.#only === null && this.#seen.size === 0) return;
    for (const hit of this.#hits()) {
      if (hit.time <= this.#newest - this.#window) this.#forget(hit);
      else if (this.#isInOrder) return;
    }
  }

  #forget(hit: Hit): void {
    this.#held.bytes -= bytesOf(hit);
    holdMore(-hit.line.length, this.#held);
    if (this.#only === hit) this.#only = null;
    else this.#seen.delete(hit.value);
  }

  #hits(): Iterable<Hit> {
    return this.#only === null ? this.#seen.values() : [this.#only];
  }

  get firstSeen(): UnixMs {
    return Math.min(...[...this.#hits()].map((hit) => hit.time)) as UnixMs;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  get count(): number {
    return this.#only === null ? this.#seen.size : 1;
  }
  evidence(): readonly string[] {
    return someOf([...this.#hits()].map((hit) => hit.line).filter((line) => line !== ""));
  }
  clear(): void {
    for (const hit of [...this.#hits()]) this.#forget(hit);
    this.#seen = NO_HITS;
    this.#newest = NO_TIME;
    this.#isInOrder = true;
  }
}

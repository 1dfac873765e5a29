import type { LogEvent } from "../model/event.ts";
import { detached } from "../model/line.ts";
import type { DurationMs, UnixMs } from "../model/time.ts";

/**
 * Counting state of one rule for one subject, on event time. Lines may come out of order by a little: a hit that is
 * older than the window before the newest hit does not count, any other counts where its time puts it.
 */
export interface Bucket {
  /** Adds a hit. True when the bucket holds its threshold; it keeps no more than that, the newest. */
  add(event: LogEvent): boolean;
  readonly firstSeen: UnixMs;
  readonly lastSeen: UnixMs;
  readonly count: number;
  evidence(): readonly string[];
  clear(): void;
}

/** Lines kept of one bucket: the first and the newest of the rest. */
const EVIDENCE_LINES = 10;
/** A bucket that needs many hits keeps lines only once it is half full, so that calm clients cost nothing. */
const KEEP_EVERY_LINE_UP_TO = 20;
/** Times that have left the window wait until there are this many: moving the rest for each would cost more. */
const KEEP_STALE = 16;
/** A line of evidence is cut here; a request can make one of 97 KB. */
const EVIDENCE_LENGTH = 4_096;
const VALUE_LENGTH = 256;

/** Characters that the buckets of one generation of subjects hold in lines and values. */
export interface Held {
  characters: number;
}

class Evidence {
  readonly #lines: string[] = [];
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  add(line: string): void {
    if (this.#lines.length === EVIDENCE_LINES) this.#held.characters -= this.#lines.splice(1, 1)[0]!.length;
    const kept = detached(line.length > EVIDENCE_LENGTH ? `${line.slice(0, EVIDENCE_LENGTH)} [cut]` : line);
    this.#held.characters += kept.length;
    this.#lines.push(kept);
  }

  clear(): void {
    for (const line of this.#lines) this.#held.characters -= line.length;
    this.#lines.length = 0;
  }

  lines(): readonly string[] {
    return [...this.#lines];
  }
}

export class ThresholdBucket implements Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  /** Times of hits, oldest first. Those before `#first` have left the window and are thrown away some at a time. */
  #times: UnixMs[] = [];
  #first = 0;
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(threshold: number, window: DurationMs, held: Held) {
    this.#threshold = threshold;
    this.#window = window;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const times = this.#times;
    const { time } = event;
    const last = times.length - 1;
    if (last < 0) {
      // Most subjects have one hit; an array made with it is a tenth of one that grows to it.
      this.#times = [time];
      this.#keepLine(event);
      return this.#threshold === 1;
    }
    const newest = times[last]! < time ? time : times[last]!;
    const windowStart = newest - this.#window;
    if (time <= windowStart) return false;
    if (times[last]! <= time) times.push(time);
    else times.splice(times.findLastIndex((each) => each <= time) + 1, 0, time);
    while (times[this.#first]! <= windowStart) this.#first++;
    if (this.count > this.#threshold) this.#first++;
    if (this.#first > KEEP_STALE && this.#first * 2 > times.length) this.#dropStale();
    this.#keepLine(event);
    return this.count === this.#threshold;
  }

  #dropStale(): void {
    this.#times.splice(0, this.#first);
    this.#first = 0;
  }

  #keepLine(event: LogEvent): void {
    if (this.count === 1) this.#evidence?.clear();
    if (this.#threshold > KEEP_EVERY_LINE_UP_TO && this.count * 2 < this.#threshold) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(event.line);
  }

  get firstSeen(): UnixMs {
    return this.#times[this.#first]!;
  }
  get lastSeen(): UnixMs {
    return this.#times[this.#times.length - 1]!;
  }
  get count(): number {
    return this.#times.length - this.#first;
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#times = [];
    this.#first = 0;
    this.#evidence?.clear();
  }
}

export class DistinctBucket implements Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  readonly #valueOf: (event: LogEvent) => string;
  /** Each value with its newest hit, the longest unseen first. */
  readonly #seen = new Map<string, { time: UnixMs; line: string }>();

  readonly #held: Held;

  constructor(threshold: number, window: DurationMs, read: (event: LogEvent) => string, held: Held) {
    this.#threshold = threshold;
    this.#window = window;
    this.#valueOf = read;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const { time } = event;
    if (this.#seen.size > 0 && time <= this.lastSeen - this.#window) return false;
    const value = detached(this.#valueOf(event).slice(0, VALUE_LENGTH));
    const known = this.#seen.get(value);
    if (known !== undefined && known.time > time) return this.#seen.size >= this.#threshold;
    this.#forget(value);
    const line = detached(event.line.slice(0, EVIDENCE_LENGTH));
    this.#seen.set(value, { time, line });
    this.#held.characters += value.length + line.length;
    const newest = this.lastSeen;
    for (const [each, hit] of this.#seen) {
      if (hit.time <= newest - this.#window || this.#seen.size > this.#threshold) this.#forget(each);
    }
    return this.#seen.size === this.#threshold;
  }

  #forget(value: string): void {
    const hit = this.#seen.get(value);
    if (hit === undefined) return;
    this.#held.characters -= value.length + hit.line.length;
    this.#seen.delete(value);
  }

  #times(): UnixMs[] {
    return [...this.#seen.values()].map((hit) => hit.time);
  }
  get firstSeen(): UnixMs {
    return Math.min(...this.#times()) as UnixMs;
  }
  get lastSeen(): UnixMs {
    return Math.max(...this.#times()) as UnixMs;
  }
  get count(): number {
    return this.#seen.size;
  }
  evidence(): readonly string[] {
    const lines = [...this.#seen.values()].map((hit) => hit.line);
    return lines.length <= EVIDENCE_LINES ? lines : [lines[0]!, ...lines.slice(1 - EVIDENCE_LINES)];
  }
  clear(): void {
    for (const value of [...this.#seen.keys()]) this.#forget(value);
  }
}

import type { LogEvent } from "../model/event.ts";
import { detached } from "../model/line.ts";
import type { DurationMs, UnixMs } from "../model/time.ts";

/**
 * Hits of one lane are never counted together with another's. Apache's own logs are lane 0. Each audit source has two: one
 * for events that it may ban for, one for the rest. So an app can neither complete a ban with events that it may not ban
 * for, nor lend its hits to another source and hide whose ban it is, nor spoil the count of honest reports by mixing in
 * hits that make the finding one to be spared.
 */
export type Lane = number;
export const APACHE: Lane = 0;

/**
 * Counting state of one rule for one subject, on event time. Lines may come out of order by a little: a hit that is
 * older than the window before the newest hit does not count, any other counts where its time puts it.
 *
 * There is one for each of many clients, so what leads to it and belongs to it is in the one object.
 */
export abstract class Bucket {
  /** The rule's position. */
  position = 0;
  /** Whose hits these are. */
  lane = APACHE;
  /** When the rule fired last for the subject; its cooldown runs from there. */
  firedAt: UnixMs | null = null;
  /** Another of the same subject. Most do what one or two rules look at, so a list is shorter than a place for each rule. */
  next: Bucket | null = null;

  /** Adds a hit. True when the bucket holds its threshold; it keeps no more than that, the newest. */
  abstract add(event: LogEvent): boolean;
  /** Of the hits that count; there is at least one. */
  abstract readonly firstSeen: UnixMs;
  abstract readonly lastSeen: UnixMs;
  abstract readonly count: number;
  abstract evidence(): readonly string[];
  abstract clear(): void;
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

/** Before the first hit. */
const NO_TIME = -1 as UnixMs;
/** Most subjects have one hit within the window: they share this, until they have a second. */
const NO_TIMES: UnixMs[] = [];

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
    this.#keepLine(line);
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

  #keepLine(line: string): void {
    if (this.count === 1) this.#evidence?.clear();
    if (this.#threshold > KEEP_EVERY_LINE_UP_TO && this.count * 2 < this.#threshold) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line);
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

export class DistinctBucket extends Bucket {
  readonly #threshold: number;
  readonly #window: DurationMs;
  readonly #valueOf: (event: LogEvent) => string;
  /** Each value with its newest hit, the longest unseen first. */
  readonly #seen = new Map<string, { time: UnixMs; line: string }>();

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

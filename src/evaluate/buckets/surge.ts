import type { LogEvent } from "../../model/event.ts";
import { type DurationMs, formatDuration, type UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { Evidence, type Held, isWorthKeeping } from "./evidence.ts";

export interface Surge {
  readonly window: DurationMs;
  /** So many windows are a past. */
  readonly past: number;
  /** So many hits in one window at least. */
  readonly count: number;
  /** So many times as many as in a window of the past. */
  readonly times: number;
}

/** The past reaches back over the age that runs and the one before. */
export const surgeWindow = ({ window, past }: Surge): DurationMs => (2 * past * window) as DurationMs;

/** Hits of one age: as many windows as a past has, counted from 1970, so that a restart makes the same. */
interface Age {
  hits: number;
  first: UnixMs;
}

/**
 * Compares a window with the subject's own past, of which it keeps a few numbers: hits of this age and of the one before, and
 * when they began. A subject that has been known for less than a past has none, and is not judged.
 */
export class SurgeBucket extends Bucket {
  readonly #surge: Surge;
  readonly #age: DurationMs;
  #newest = NO_TIME;
  /** Hits in the window of the newest. */
  #inWindow = 0;
  #began = NO_TIME;
  #this: Age = { hits: 0, first: NO_TIME };
  #last: Age = { hits: 0, first: NO_TIME };
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(surge: Surge, held: Held) {
    super();
    this.#surge = surge;
    this.#age = (surge.past * surge.window) as DurationMs;
    this.#held = held;
  }

  add({ time, line }: LogEvent): boolean {
    const { window, count, times } = this.#surge;
    const ages = numberOf(time, this.#age) - numberOf(this.#newest, this.#age);
    if (ages < -1) return false;
    if (this.#newest === NO_TIME || ages > 1) this.#last = { hits: 0, first: NO_TIME };
    else if (ages === 1) this.#last = this.#this;
    if (this.#newest === NO_TIME || ages > 0) this.#this = { hits: 0, first: NO_TIME };
    const age = ages < 0 ? this.#last : this.#this;
    age.hits++;
    if (age.first === NO_TIME || time < age.first) age.first = time;
    const windows = numberOf(time, window) - numberOf(this.#newest, window);
    if (windows < 0) return false;
    if (this.#newest === NO_TIME || windows > 0) this.#beginWindow(time);
    this.#inWindow++;
    if (time > this.#newest) this.#newest = time;
    if (time < this.#began) this.#began = time;
    this.#keepLine(line, time);
    if (this.#inWindow < count) return false;
    const usual = this.#usual();
    return usual !== null && this.#inWindow >= times * usual;
  }

  #beginWindow(time: UnixMs): void {
    this.#inWindow = 0;
    this.#began = time;
    this.#evidence?.clear();
  }

  /** Hits in a window of the past; null while there is no past that is long enough. */
  #usual(): number | null {
    const { window, past } = this.#surge;
    const windowStart = numberOf(this.#newest, window) * window;
    const { first } = this.#last.hits > 0 ? this.#last : this.#this;
    const windows = (windowStart - first) / window;
    return windows < past ? null : (this.#last.hits + this.#this.hits - this.#inWindow) / windows;
  }

  #keepLine(line: string, time: UnixMs): void {
    if (!isWorthKeeping(this.#inWindow, this.#surge.count)) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line, time, NO_TIME);
  }

  get firstSeen(): UnixMs {
    return this.#began;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  get count(): number {
    return this.#inWindow;
  }
  override get made(): string {
    return `usually ${(this.#usual() ?? 0).toFixed(1)} in ${formatDuration(this.#surge.window)}`;
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#newest = NO_TIME;
    this.#inWindow = 0;
    this.#began = NO_TIME;
    this.#this = { hits: 0, first: NO_TIME };
    this.#last = { hits: 0, first: NO_TIME };
    this.#evidence?.clear();
  }
}

/** The number of the span of this length that a time is in. */
const numberOf = (time: UnixMs, length: DurationMs): number => Math.floor(time / length);

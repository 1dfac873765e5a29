import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { Evidence, type Held, isWorthKeeping } from "./evidence.ts";

/** Parts of a window that are counted together: a busy client costs as much memory as a calm one. */
export const PARTS = 30;

export interface Ratio {
  /** Of how many hits at least the share is taken. */
  readonly count: number;
  /** 0 to 1. */
  readonly share: number;
  readonly window: DurationMs;
  readonly matching: (event: LogEvent) => boolean;
}

/** Hits of one part of a window; parts are counted from 1970, so that a restart makes the same. */
interface Part {
  readonly number: number;
  all: number;
  matching: number;
  first: UnixMs;
}

/** The share of the hits within a window that match a second matcher, over a least number of hits. */
export class RatioBucket extends Bucket {
  readonly #ratio: Ratio;
  readonly #length: number;
  /** Those with hits, oldest first. */
  readonly #parts: Part[] = [];
  #newest = NO_TIME;
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(ratio: Ratio, held: Held) {
    super();
    this.#ratio = ratio;
    this.#length = ratio.window / PARTS;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const { time } = event;
    const number = Math.floor(time / this.#length);
    if (number <= this.#newestPart() - PARTS) return false;
    if (time > this.#newest) this.#newest = time;
    const part = this.#part(number, time);
    part.all++;
    if (this.#ratio.matching(event)) {
      part.matching++;
      this.#keepLine(event.line, time);
    }
    const { count, share } = this.#ratio;
    const all = this.#sum("all");
    return all >= count && this.count >= share * all;
  }

  #newestPart(): number {
    return Math.floor(this.#newest / this.#length);
  }

  #part(number: number, time: UnixMs): Part {
    const oldest = this.#newestPart() - PARTS;
    while (this.#parts.length > 0 && this.#parts[0]!.number <= oldest) this.#parts.shift();
    const before = this.#parts.findLastIndex((part) => part.number <= number);
    let part = this.#parts[before];
    if (part?.number !== number) {
      part = { number, all: 0, matching: 0, first: time };
      this.#parts.splice(before + 1, 0, part);
    }
    if (time < part.first) part.first = time;
    return part;
  }

  #sum(of: "all" | "matching"): number {
    let sum = 0;
    for (const part of this.#parts) sum += part[of];
    return sum;
  }

  #keepLine(line: string, time: UnixMs): void {
    if (!isWorthKeeping(this.count, this.#ratio.count * this.#ratio.share)) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line, time, this.#newest - this.#ratio.window);
  }

  get firstSeen(): UnixMs {
    return this.#parts[0]?.first ?? NO_TIME;
  }
  get lastSeen(): UnixMs {
    return this.#newest;
  }
  /** Those that match. */
  get count(): number {
    return this.#sum("matching");
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#parts.length = 0;
    this.#newest = NO_TIME;
    this.#evidence?.clear();
  }
}

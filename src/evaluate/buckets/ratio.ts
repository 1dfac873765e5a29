import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket } from "./bucket.ts";
import { Evidence, type Held, isWorthKeeping } from "./evidence.ts";
import { Parts } from "./parts.ts";

export interface Ratio {
  /** Of how many hits at least the share is taken. */
  readonly count: number;
  /** 0 to 1. */
  readonly share: number;
  readonly window: DurationMs;
  readonly matching: (event: LogEvent) => boolean;
}

/** The share of the hits within a window that match a second matcher, over a least number of hits. */
export class RatioBucket extends Bucket {
  readonly #ratio: Ratio;
  readonly #parts: Parts;
  #evidence: Evidence | null = null;
  readonly #held: Held;

  constructor(ratio: Ratio, held: Held) {
    super();
    this.#ratio = ratio;
    this.#parts = new Parts(ratio.window, held);
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const isMatching = this.#ratio.matching(event);
    if (!this.#parts.add(event.time, isMatching)) return false;
    if (isMatching) this.#keepLine(event.line, event.time);
    const { count, share } = this.#ratio;
    const { all } = this.#parts;
    return all >= count && this.count >= share * all;
  }

  #keepLine(line: string, time: UnixMs): void {
    if (!isWorthKeeping(this.count, this.#ratio.count * this.#ratio.share)) return;
    this.#evidence ??= new Evidence(this.#held);
    this.#evidence.add(line, time, this.lastSeen - this.#ratio.window);
  }

  get firstSeen(): UnixMs {
    return this.#parts.first;
  }
  get lastSeen(): UnixMs {
    return this.#parts.newest;
  }
  /** Those that match. */
  get count(): number {
    return this.#parts.matching;
  }
  evidence(): readonly string[] {
    return this.#evidence?.lines() ?? [];
  }
  clear(): void {
    this.#parts.clear();
    this.#evidence?.clear();
  }
}

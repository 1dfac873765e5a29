import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket } from "./bucket.ts";
import type { Held } from "./evidence.ts";
import { Parts } from "./parts.ts";

export interface Unless {
  readonly isHit: (event: LogEvent) => boolean;
  /** What many innocent people behind one address do. */
  readonly isGood: (event: LogEvent) => boolean;
  /** So many of these spare the subject; infinite: no number does. */
  readonly count: number;
  /** So large a part of hits and these does, 0 to 1; infinite: no part does. */
  readonly share: number;
  readonly window: DurationMs;
  /** Only what is good within the window behind a hit is counted. */
  readonly afterHit: boolean;
}

/** Another bucket, which does not fire while enough that is good is counted beside it. */
export class UnlessBucket extends Bucket {
  readonly #unless: Unless;
  readonly #inner: Bucket;
  readonly #parts: Parts;

  constructor(unless: Unless, inner: Bucket, held: Held) {
    super();
    this.#unless = unless;
    this.#inner = inner;
    this.#parts = new Parts(unless.window, held);
  }

  add(event: LogEvent): boolean {
    const { isHit, isGood, count, share, window, afterHit } = this.#unless;
    const hit = isHit(event);
    // Where a bucket that is over was not forgotten yet, nothing may differ.
    if (!hit && afterHit && this.#inner.lastSeen <= event.time - window) return false;
    this.#parts.add(event.time, isGood(event));
    if (!hit || !this.#inner.add(event)) return false;
    const { all, matching } = this.#parts;
    return matching < count && matching < share * all;
  }

  get firstSeen(): UnixMs {
    return this.#inner.firstSeen;
  }
  get lastSeen(): UnixMs {
    return Math.max(this.#inner.lastSeen, this.#parts.newest) as UnixMs;
  }
  get count(): number {
    return this.#inner.count;
  }
  evidence(): readonly string[] {
    return this.#inner.evidence();
  }
  clear(): void {
    this.#inner.clear();
    this.#parts.clear();
  }
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { ThresholdBucket } from "../../src/evaluate/buckets/threshold.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access } from "./events.ts";

const WINDOW = 60;

/** The same by a list that is sorted and cut with each hit. */
class PlainBucket {
  #times: number[] = [];
  readonly #threshold: number;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  add(time: number): boolean {
    const newest = Math.max(time, ...this.#times);
    if (time <= newest - WINDOW) return false;
    const counting = [...this.#times, time].filter((each) => each > newest - WINDOW).sort((a, b) => a - b);
    this.#times = counting.slice(-this.#threshold);
    return this.#times.length === this.#threshold;
  }

  clear(): void {
    this.#times = [];
  }

  get state() {
    return [this.#times.length, this.#times[0], this.#times.at(-1)];
  }
}

test("a threshold bucket counts as a sorted list of times would, whatever their order", () => {
  const step = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -80, max: 90 }) },
    fc.constant("clear" as const),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(step, { maxLength: 200 }), (threshold, steps) => {
      const bucket = new ThresholdBucket(threshold, (WINDOW * 1_000) as DurationMs, { bytes: 0, lines: 0 });
      const plain = new PlainBucket(threshold);
      let seconds = 1_000;
      const { time: zero } = access("192.0.2.7", 0);
      for (const each of steps) {
        if (each === "clear") {
          bucket.clear();
          plain.clear();
          continue;
        }
        seconds += Math.round(each / 8);
        expect(bucket.add(access("192.0.2.7", seconds))).toBe(plain.add(seconds));
        const second = (time: number) => (time - zero) / 1_000;
        expect([bucket.count, second(bucket.firstSeen), second(bucket.lastSeen)]).toEqual(plain.state);
      }
    }),
    { numRuns: runs(500) },
  );
});

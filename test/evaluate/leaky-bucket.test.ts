import fc from "fast-check";
import { expect, test } from "vitest";
import { LeakyBucket } from "../../src/evaluate/buckets/leaky.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";

const PER = 10;
const newBucket = (capacity: number, leak: number) =>
  new LeakyBucket({ capacity, leak, per: (PER * 1_000) as DurationMs }, { bytes: 0, lines: 0 });
const hit = (seconds: number) => access("192.0.2.7", seconds);

/** Pours all hits of the window in once more, in order of time, for each. */
class PlainBucket {
  #times: number[] = [];
  readonly #capacity: number;
  readonly #leak: number;

  constructor(capacity: number, leak: number) {
    this.#capacity = capacity;
    this.#leak = leak;
  }

  add(time: number): boolean {
    const window = (4 * this.#capacity * PER) / this.#leak;
    const newest = Math.max(time, ...this.#times);
    if (time <= newest - window) return false;
    this.#times = [...this.#times, time].filter((each) => each > newest - window).sort((a, b) => a - b);
    this.#times = this.#times.slice(-5 * this.#capacity - 1);
    let level = 0;
    let before = this.#times[0]!;
    for (const each of this.#times) {
      level = Math.max(0, level - ((each - before) * this.#leak) / PER) + 1;
      before = each;
    }
    return level > this.#capacity + 1e-9;
  }
}

test("a leaky bucket overflows when one does into which the hits of its window are poured, whatever their order", () => {
  const steps = fc.array(fc.integer({ min: -40, max: 60 }), { maxLength: 150 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      steps,
      (capacity, leak, pauses) => {
        const bucket = newBucket(capacity, leak);
        const plain = new PlainBucket(capacity, leak);
        let seconds = 1_000;
        for (const pause of pauses) {
          seconds += Math.round(pause / 8);
          expect(bucket.add(hit(seconds))).toBe(plain.add(seconds));
          expect(bucket.count).toBeLessThanOrEqual(5 * capacity + 1);
        }
      },
    ),
    { numRuns: runs(500) },
  );
});

test("a burst that it has room for passes, and one hit more does not", () => {
  const bucket = newBucket(5, 1);
  expect([1, 2, 3, 4, 5, 6].map(() => bucket.add(hit(0)))).toEqual([false, false, false, false, false, true]);
  expect([bucket.count, bucket.firstSeen, bucket.lastSeen]).toEqual([6, at(0), at(0)]);
});

test("the pace at which it leaks passes for ever, one that is half as fast again does not", () => {
  const calm = newBucket(5, 1);
  expect(Array.from({ length: 500 }, (_, n) => calm.add(hit(n * PER))).includes(true)).toBe(false);
  const hasty = newBucket(5, 1);
  expect(Array.from({ length: 500 }, (_, n) => hasty.add(hit(n * 7))).includes(true)).toBe(true);
});

test("the finding begins with the burst, not with what has leaked out before", () => {
  const bucket = newBucket(3, 1);
  bucket.add(hit(0));
  for (const seconds of [25, 25, 26]) expect(bucket.add(hit(seconds))).toBe(false);
  expect(bucket.add(hit(26))).toBe(true);
  expect([bucket.count, bucket.firstSeen]).toEqual([4, at(25)]);
});

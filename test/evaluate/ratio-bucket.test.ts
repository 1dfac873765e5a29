import fc from "fast-check";
import { expect, test } from "vitest";
import { PARTS } from "../../src/evaluate/buckets/parts.ts";
import { RatioBucket } from "../../src/evaluate/buckets/ratio.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";

const WINDOW = 60;
const isError = (event: LogEvent): boolean => event.kind === "access" && event.status >= 400;
const newBucket = (count: number, share: number, held = { bytes: 0, lines: 0 }) =>
  new RatioBucket({ count, share, window: (WINDOW * 1_000) as DurationMs, matching: isError }, held);
const answer = (seconds: number, error: boolean) =>
  access("192.0.2.7", seconds, { status: error ? 404 : 200 });

test("a ratio bucket takes the share as a list of all hits would, whatever their order", () => {
  const step = fc.record({ pause: fc.integer({ min: -80, max: 90 }), error: fc.boolean() });
  const shares = fc.constantFrom(0.3, 0.5, 0.75, 1);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      shares,
      fc.array(step, { maxLength: 150 }),
      (count, share, steps) => {
        const bucket = newBucket(count, share);
        let hits: { part: number; seconds: number; error: boolean }[] = [];
        let seconds = 1_000;
        for (const { pause, error } of steps) {
          seconds += Math.round(pause / 8);
          const part = Math.floor(at(seconds) / ((WINDOW * 1_000) / PARTS));
          const newest = Math.max(part, ...hits.map((each) => each.part));
          if (part > newest - PARTS) hits.push({ part, seconds, error });
          hits = hits.filter((each) => each.part > newest - PARTS);
          const errors = hits.filter((each) => each.error).length;
          const fires = part > newest - PARTS && hits.length >= count && errors >= share * hits.length;
          expect(bucket.add(answer(seconds, error))).toBe(fires);
          const times = hits.map((each) => at(each.seconds));
          expect([bucket.count, bucket.firstSeen, bucket.lastSeen]).toEqual([
            errors,
            Math.min(...times),
            Math.max(...times),
          ]);
        }
      },
    ),
    { numRuns: runs(500) },
  );
});

test("few hits have no share, and many good ones outweigh the bad", () => {
  const few = newBucket(10, 0.5);
  expect(Array.from({ length: 9 }, () => few.add(answer(0, true))).includes(true)).toBe(false);
  expect(few.add(answer(1, false))).toBe(true);
  expect(few.count).toBe(9);
  const many = newBucket(10, 0.5);
  for (let n = 0; n < 1_000; n++) expect(many.add(answer(n / 20, n % 3 === 0))).toBe(n === 9 && false);
});

test("a client of a thousand requests a second costs no more than a window's parts", () => {
  const held = { bytes: 0, lines: 0 };
  const bucket = newBucket(1_000_000, 1, held);
  for (let n = 0; n < 100_000; n++) bucket.add(answer(n / 1_000, true));
  expect(bucket.count).toBeLessThanOrEqual(60_000);
  expect(held.lines).toBe(0);
});

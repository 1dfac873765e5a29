import fc from "fast-check";
import { expect, test } from "vitest";
import { SequenceBucket, WAITING } from "../../src/evaluate/buckets/sequence.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";

const WINDOW = 60;
const isStep = (letter: string) => (event: LogEvent) =>
  event.kind === "access" && event.path.includes(letter);
const newBucket = (steps: string, held = { bytes: 0, lines: 0 }) =>
  new SequenceBucket({ steps: [...steps].map(isStep), window: (WINDOW * 1_000) as DurationMs }, held);
const asked = (path: string, seconds: number) =>
  access("192.0.2.7", seconds, { path, line: `${path}@${seconds}` });

interface Asked {
  readonly path: string;
  readonly seconds: number;
}

/** Tries every way through the hits in order of time. */
function isThrough(hits: readonly Asked[], steps: string, from = 0, begun: number | null = null): boolean {
  if (steps === "") return true;
  return hits.some(
    ({ path, seconds }, index) =>
      index >= from &&
      path.includes(steps[0]!) &&
      (begun === null || seconds < begun + WINDOW) &&
      isThrough(hits, steps.slice(1), index + 1, begun ?? seconds),
  );
}

const paths = fc.constantFrom("a", "b", "c", "ab", "bc", "x");
const sequences = fc.constantFrom("ab", "abc", "aab", "ba", "aa");

test("a sequence is found in order of time as by trying every way, also when some lines come late", () => {
  const hit = fc.record({
    path: paths,
    pause: fc.integer({ min: 0, max: 25 }),
    late: fc.nat({ max: WAITING - 2 }),
  });
  fc.assert(
    fc.property(sequences, fc.array(hit, { maxLength: 40 }), (steps, hits) => {
      const bucket = newBucket(steps);
      let seconds = 1_000;
      let place = 0;
      const written = hits
        .map(({ path, pause, late }) => {
          seconds += pause;
          return { path, seconds, place: place++ + late };
        })
        .sort((a, b) => a.place - b.place);
      const read: Asked[] = [];
      for (const { path, seconds: time } of written) {
        const newest = Math.max(time, ...read.map((each) => each.seconds));
        const isHit = time > newest - WINDOW && [...steps].some((step) => path.includes(step));
        if (isHit) read.push({ path, seconds: time });
        const counting = read
          .filter((each) => each.seconds > newest - WINDOW)
          .sort((a, b) => a.seconds - b.seconds);
        expect(bucket.add(asked(path, time))).toBe(isHit && isThrough(counting, steps));
      }
    }),
    { numRuns: runs(1_000) },
  );
});

test("the finding has one line for each step, of the latest beginning", () => {
  const bucket = newBucket("abc");
  for (const [path, seconds] of [
    ["a", 0],
    ["b", 1],
    ["a", 5],
    ["b", 6],
    ["x", 7],
  ] as const) {
    expect(bucket.add(asked(path, seconds))).toBe(false);
  }
  expect(bucket.add(asked("c", 8))).toBe(true);
  expect(bucket.evidence()).toEqual(["a@5", "b@6", "c@8"]);
  expect([bucket.count, bucket.firstSeen, bucket.lastSeen]).toEqual([3, at(5), at(8)]);
});

test("a flood of other steps neither hides a beginning nor fills memory", () => {
  const held = { bytes: 0, lines: 0 };
  const bucket = newBucket("abcd", held);
  for (const path of ["a", "b", "c"]) bucket.add(asked(path, 0));
  for (let n = 0; n < 10_000; n++) expect(bucket.add(asked(n % 2 === 0 ? "a" : "b", n / 1_000))).toBe(false);
  expect(held.bytes).toBeLessThan(300);
  expect(bucket.add(asked("d", 11))).toBe(true);
  bucket.clear();
  expect(held.bytes).toBe(0);
});

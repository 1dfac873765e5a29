import fc from "fast-check";
import { expect, test } from "vitest";
import { DistinctBucket } from "../../src/evaluate/buckets/distinct.ts";
import type { LogEvent } from "../../src/model/event.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { runs } from "../property.ts";
import { access, at } from "./events.ts";

const WINDOW = 60;
const pathOf = (event: LogEvent): string => (event.kind === "access" ? event.path : "");

test("a distinct bucket counts the values of its window as a list of all hits would", () => {
  const step = fc.record({ pause: fc.integer({ min: -40, max: 90 }), path: fc.integer({ min: 1, max: 8 }) });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 150 }), (threshold, steps) => {
      const bucket = new DistinctBucket(threshold, (WINDOW * 1_000) as DurationMs, pathOf, {
        bytes: 0,
        lines: 0,
      });
      let hits: { seconds: number; path: string }[] = [];
      let seconds = 1_000;
      for (const step of steps) {
        seconds += Math.round(step.pause / 8);
        const path = `/${step.path}`;
        const newest = Math.max(seconds, ...hits.map((each) => each.seconds));
        const counts = seconds > newest - WINDOW;
        if (counts) hits.push({ seconds, path });
        hits = hits.filter((each) => each.seconds > newest - WINDOW);
        const values = new Set(hits.map((each) => each.path));
        const isFull = bucket.add(access("192.0.2.7", seconds, { path }));
        expect(isFull).toBe(counts && values.size >= threshold);
        if (isFull) {
          // The next begins anew, as after a finding.
          expect(bucket.lastSeen).toBe(at(newest));
          bucket.clear();
          hits = [];
        } else if (counts) expect(bucket.count).toBe(values.size);
      }
    }),
    { numRuns: runs(500) },
  );
});

test("a distinct bucket that asks for several clients waits until its values are of so many", () => {
  const clientOf = (event: LogEvent): string => (event.kind === "access" ? event.client : "");
  const held = { bytes: 0, lines: 0 };
  const window = (WINDOW * 1_000) as DurationMs;
  const bucket = new DistinctBucket(4, window, pathOf, held, { clients: 3, clientOf });
  const add = (client: string, seconds: number, path: string) =>
    bucket.add(access(client, seconds, { path }));
  for (let hit = 0; hit < 10; hit++) expect(add("192.0.2.1", hit, `/${hit}`)).toBe(false);
  expect(add("192.0.2.2", 10, "/10")).toBe(false);
  // A client that asks for what another has asked for brings no value.
  expect(add("192.0.2.3", 11, "/10")).toBe(false);
  expect(add("192.0.2.2", 12, "/12")).toBe(true);
  expect(bucket.count).toBe(4);
  bucket.clear();
  expect(held).toEqual({ bytes: 0, lines: 0 });
});

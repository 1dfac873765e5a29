import { expect, test } from "vitest";
import type { TrafficPoint } from "../../src/model/api.ts";
import { columnsOf, SERIES } from "../../web/traffic-data.ts";

const START = Date.UTC(2026, 10, 20, 12) / 1_000;
const point = (minute: number, refused: number): TrafficPoint => ({
  time: new Date((START + minute * 60) * 1_000).toISOString(),
  s1xx: 0,
  s2xx: 10,
  s3xx: 0,
  s4xx: 0,
  s5xx: 0,
  refused,
});
const REFUSED = SERIES.findIndex(({ key }) => key === "refused");
const ANSWERED = SERIES.findIndex(({ key }) => key === "s2xx");

test("an hour is shown minute by minute", () => {
  const { times, rates } = columnsOf([point(0, 1), point(1, 2), point(2, 3)], 60);
  expect(times).toEqual([START, START + 60]);
  expect(rates[REFUSED]).toEqual([1, 2]);
});

test("the running minute is left out, unless it and the one before are all there is", () => {
  const quiet = { ...point(0, 0), s2xx: 0 };
  const minutes = (points: readonly TrafficPoint[]) => columnsOf(points, 60).times.length;
  expect(minutes([point(0, 1), point(1, 1), point(2, 0)])).toBe(2);
  expect(minutes([quiet, point(1, 1), point(2, 1)])).toBe(3);
  expect(minutes([quiet, { ...quiet, time: point(1, 0).time }, point(2, 1)])).toBe(3);
  expect(minutes([point(0, 1)])).toBe(1);
  expect(columnsOf([], 60).times).toEqual([]);
});

test("longer spans gather minutes and stay in requests a minute, also where the last step has just begun", () => {
  const points = Array.from({ length: 12 }, (_, minute) => point(minute, minute < 5 ? 0 : 6));
  const { times, rates } = columnsOf(points, 360);
  expect(times).toEqual([START, START + 300, START + 600]);
  expect(rates[REFUSED]).toEqual([0, 6, 6]);
  expect(rates[ANSWERED]).toEqual([10, 10, 10]);
});

test("every class of traffic has a line of its own", () => {
  const { time: _, ...classes } = point(0, 0);
  expect(SERIES.map(({ key }) => key).toSorted()).toEqual(Object.keys(classes).toSorted());
});

test("no two lines share their dashes, but for the thick one of what was refused", () => {
  const dashes = SERIES.filter(({ key }) => key !== "refused").map(({ dash }) => dash.join(" "));
  expect(new Set(dashes).size).toBe(dashes.length);
});

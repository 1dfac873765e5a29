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
  const { times, rates } = columnsOf([point(0, 1), point(1, 2)], 60);
  expect(times).toEqual([START, START + 60]);
  expect(rates[REFUSED]).toEqual([1, 2]);
});

test("a line ends before the running minute, where it would only seem to break off", () => {
  const { times, rates } = columnsOf([point(0, 50), point(1, 60), { ...point(2, 7), s2xx: 11 }], 60);
  expect(times).toHaveLength(3);
  expect(rates[REFUSED]).toEqual([50, 60, null]);
  expect(rates[ANSWERED]).toEqual([10, 10, 11]);
});

test("a flood that has just begun is seen at once, in each span", () => {
  const points = [point(0, 0), point(1, 0), point(2, 90)];
  expect(columnsOf(points, 60).rates[REFUSED]).toEqual([0, 0, 90]);
  expect(columnsOf(points, 1440).rates[REFUSED]).toEqual([30]);
});

test("the running minute does not lower the step that it is in", () => {
  const { rates } = columnsOf([point(0, 60), point(1, 60), point(2, 3)], 360);
  expect(rates[REFUSED]).toEqual([60]);
});

test("the first minute of all is shown while it runs", () => {
  expect(columnsOf([point(0, 1)], 60).rates[REFUSED]).toEqual([1]);
  expect(columnsOf([], 60).times).toEqual([]);
});

test("longer spans gather minutes and stay in requests a minute, also where the last step has just begun", () => {
  const points = Array.from({ length: 11 }, (_, minute) => point(minute, minute < 5 ? 0 : 6));
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

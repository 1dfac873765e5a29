import { expect, test } from "vitest";
import { openZone } from "../../src/parse/zone.ts";

const HOUR = 3_600_000;
const host = Intl.DateTimeFormat().resolvedOptions().timeZone;

test("the host's zone and the same zone by its name agree, around the clock and the year", () => {
  const named = openZone(host ?? "UTC");
  const own = openZone(null);
  for (let wall = Date.UTC(2026, 0, 1); wall < Date.UTC(2027, 0, 1); wall += 7 * HOUR + 61_000) {
    expect(own.toUtc(wall)).toBe(named.toUtc(wall));
  }
});

test.each([
  ["Asia/Kathmandu", Date.UTC(2026, 0, 1, 12), -(5 * HOUR + 45 * 60_000)],
  ["America/St_Johns", Date.UTC(2026, 0, 1, 12), 3.5 * HOUR],
  ["Australia/Lord_Howe", Date.UTC(2026, 0, 1, 12), -11 * HOUR],
  ["Australia/Lord_Howe", Date.UTC(2026, 6, 1, 12), -10.5 * HOUR],
  ["Asia/Tokyo", Date.UTC(2026, 6, 1, 0, 0, 30), -9 * HOUR],
])("%s", (timezone, wall, offset) => {
  expect(openZone(timezone).toUtc(wall)).toBe(wall + offset);
});

test("every moment of a year comes back from its wall clock, but for the hour that happens twice", () => {
  const zone = openZone("America/New_York");
  const clock = new Intl.DateTimeFormat("sv-SE", {
    timeZone: "America/New_York",
    dateStyle: "short",
    timeStyle: "medium",
  });
  for (let utc = Date.UTC(2026, 0, 1); utc < Date.UTC(2027, 0, 1); utc += 5 * HOUR + 13 * 60_000) {
    const wall = Date.parse(`${clock.format(utc).replace(" ", "T")}Z`);
    expect([utc, utc - HOUR]).toContain(zone.toUtc(wall));
  }
});

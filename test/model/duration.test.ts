import { expect, test } from "vitest";
import { formatDuration, later, parseDuration, toIso, type UnixMs } from "../../src/model/time.ts";

test("lengths are read, and written as they were", () => {
  for (const text of ["90s", "15m", "4h", "6d", "2w", "permanent"]) {
    expect(formatDuration(parseDuration(text)!)).toBe(text);
  }
  for (const text of ["", "0s", "-1s", "1.5h", "4 h", "h", "1y", "1000000000s"]) {
    expect(parseDuration(text), text).toBeNull();
  }
});

test("a length beyond what a date can tell is none", () => {
  const now = Date.parse("2026-11-20T12:00:00Z") as UnixMs;
  for (const unit of ["s", "m", "h", "d", "w"]) {
    const length = parseDuration(`999999999${unit}`);
    if (length !== null) expect(toIso(later(now, length)), unit).toMatch(/^2\d{3}-/);
  }
  expect(parseDuration("999999999w")).toBeNull();
  expect(parseDuration("100000d")).not.toBeNull();
});

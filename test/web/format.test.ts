import { expect, test } from "vitest";
import {
  formatAgo,
  formatAhead,
  formatBytes,
  formatRemaining,
  formatShare,
  sentence,
} from "../../web/format.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const seconds = (count: number): number => NOW + count * 1_000;
const HOUR = 3_600;

test("what remains of a ban counts down to the second", () => {
  expect(formatRemaining(seconds(4 * HOUR), NOW)).toBe("4:00:00");
  expect(formatRemaining(seconds(4 * HOUR - 1), NOW)).toBe("3:59:59");
  expect(formatRemaining(seconds(6 * 24 * HOUR + 3 * HOUR + 62), NOW)).toBe("6 d 03:01:02");
  expect(formatRemaining(seconds(0.2), NOW)).toBe("0:00:01");
});

test("nothing remains from the moment of expiry on", () => {
  expect(formatRemaining(NOW, NOW)).toBeNull();
  expect(formatRemaining(seconds(-5), NOW)).toBeNull();
});

test("an age is rough, and a time just ahead of the clock is now", () => {
  expect(formatAgo(seconds(3), NOW)).toBe("now");
  expect(formatAgo(seconds(-99), NOW)).toBe("99 s ago");
  expect(formatAgo(seconds(-100), NOW)).toBe("1 min ago");
  expect(formatAgo(seconds(-3 * HOUR), NOW)).toBe("3 h ago");
  expect(formatAgo(seconds(-49 * HOUR), NOW)).toBe("2 d ago");
});

test("a time ahead says how far", () => {
  expect(formatAhead(seconds(760), NOW)).toBe("in 12 min");
  expect(formatAhead(seconds(-1), NOW)).toBe("now");
});

test("bytes take the unit in which they are short", () => {
  expect([0, 1023, 1024, 10_240, 5_400_000].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "10 KiB",
    "5.1 MiB",
  ]);
});

test("a share of nothing is not a number", () => {
  expect(formatShare(0, 0)).toBeNull();
  expect(formatShare(1, 4)).toBe("25%");
});

test("a hint begins with a capital letter, a path, a key or an address stays as it is", () => {
  expect(sentence("write 192.0.2.7 or 2001:db8::/64")).toBe("Write 192.0.2.7 or 2001:db8::/64");
  for (const hint of [
    "docs/errors.md says more",
    "enforcers.ufw is off",
    "Start it",
    "sekisho check names the section",
    "192.0.2.7 is ours",
    "",
  ])
    expect(sentence(hint)).toBe(hint);
});

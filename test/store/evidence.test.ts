import { expect, test } from "vitest";
import { keptEvidence } from "../../src/store/evidence.ts";

const kept = (lines: readonly string[]): string[] => JSON.parse(keptEvidence(lines)) as string[];

test("short evidence is kept as it is, without its secrets", () => {
  const lines = Array.from({ length: 10 }, (_, n) => `GET /${n}?token=abc`);
  expect(kept(lines)).toEqual(lines.map((line) => expect.stringContaining(line.slice(0, 7))));
  expect(keptEvidence(lines)).not.toContain("abc");
  expect(kept([])).toEqual([]);
});

test("of long lines a KiB is kept and they are marked as cut, also where JSON escapes each letter", () => {
  for (const letter of ["x", "\u0000", "\u00e9", '"']) {
    const [line] = kept([letter.repeat(4_096)]);
    expect(line).toMatch(/ \[cut\]$/);
    expect(line!.startsWith(letter.repeat(150))).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThanOrEqual(1_024);
  }
});

test("of many long lines the first and the last are kept, 8 KiB in all, and it is told how many are not", () => {
  const lines = Array.from({ length: 20 }, (_, n) => `${n} ${"x".repeat(4_000)}`);
  const all = kept(lines);
  expect(all.map((line) => line.slice(0, 2).trim())).toEqual([
    "0",
    "1",
    "2",
    "3",
    "[1",
    "16",
    "17",
    "18",
    "19",
  ]);
  expect(all[4]).toBe("[12 lines not kept]");
  expect(Buffer.byteLength(keptEvidence(lines))).toBeLessThanOrEqual(8_192 + 32);
});

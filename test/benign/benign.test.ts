import { describe, expect, test } from "vitest";
import { judgeWeek } from "./judge-week.ts";
import { VISITORS } from "./visitors.ts";
import { benignWeek } from "./week.ts";

describe("a week on a site that nobody attacks", () => {
  test("has every kind of visitor, and the same lines for the same seed", () => {
    const { access, error, whois } = benignWeek(0.05, 1, 2);
    expect(access.length).toBeGreaterThan(40_000);
    expect(error.length).toBeGreaterThan(0);
    expect(new Set(whois.values())).toEqual(new Set(VISITORS.map(({ who }) => who)));
    expect(benignWeek(0.05, 1, 2).access.at(-1)).toBe(access.at(-1));
  });

  // A whole week of a million lines, and other seeds: npm run bench -- benign
  test("leads to no ban with the shipped rules in its first two days", async () => {
    const { lines, bans } = await judgeWeek(0.05, 1, 2);
    expect(lines).toBeGreaterThan(40_000);
    expect(bans).toEqual([]);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSize, LiteralTable } from "../../src/evaluate/literal-table.ts";

function groupsIn(groups: readonly (readonly string[])[], text: string, ignoreCase = false): number[] {
  const found = new Uint8Array(groups.length);
  const numbers: number[] = [];
  new LiteralTable(groups, ignoreCase).search(text, found, numbers);
  expect(numbers.toSorted()).toEqual(groups.flatMap((_group, index) => (found[index] === 1 ? [index] : [])));
  return numbers.toSorted();
}

describe("a table of literals", () => {
  test("finds all groups of which a literal is in the text, as looking for one after the other does", () => {
    // Few characters: literals overlap, and are ends and beginnings of each other.
    const literal = fc.string({
      unit: fc.constantFrom("a", "b", "A", "é", "日"),
      minLength: 1,
      maxLength: 6,
    });
    const text = fc.string({ unit: fc.constantFrom("a", "b", "B", "é", "日", "x"), maxLength: 60 });
    const groups = fc.array(fc.array(literal, { minLength: 1, maxLength: 5 }), {
      minLength: 1,
      maxLength: 6,
    });
    fc.assert(
      fc.property(groups, text, (sought, read) => {
        const expected = sought.flatMap((group, index) =>
          group.some((each) => read.includes(each)) ? [index] : [],
        );
        expect(groupsIn(sought, read)).toEqual(expected);
      }),
    );
  });

  test("leaves the case of ASCII letters aside when told so, and of nothing else", () => {
    expect(groupsIn([["Union"], ["[x"], ["\xe9"]], "uNION {X \xc9", true)).toEqual([0]);
    expect(groupsIn([["Union"]], "union")).toEqual([]);
  });

  test("a literal in two groups is found for both", () => {
    expect(groupsIn([["/.env"], ["/.git"], ["env", "/.env"]], "/a/.env")).toEqual([0, 2]);
  });

  test("refuses more than memory should be spent on", () => {
    const many = Array.from({ length: 200_000 }, (_each, index) => `literal number ${index} of many`);
    expect(() => checkSize([many])).toThrow(
      expect.objectContaining({ code: "RULE_INVALID", message: expect.stringContaining("too many texts") }),
    );
  });
});

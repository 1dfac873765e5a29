import fc from "fast-check";
import { expect, test } from "vitest";
import { changedBlocks } from "../../src/model/block-changes.ts";
import type { Block } from "../../src/model/decision.ts";
import type { Target } from "../../src/model/ip.ts";
import { unixMs } from "../../src/model/time.ts";

const block = (n: number, until = 1_000): Block => ({
  target: `192.0.${n >> 8}.${n & 255}/32` as Target,
  until: unixMs(until),
});
const blocks = (count: number): Block[] => Array.from({ length: count }, (_, n) => block(n));
const targets = (of: ReadonlyMap<Target, Block>): Target[] => [...of.keys()].sort();

test("the same list has no changes", () => {
  const list = blocks(1_000);
  const { gone, come } = changedBlocks(list, [...list]);
  expect([gone.size, come.size]).toEqual([0, 0]);
});

test("equal blocks are no changes, and one with another end is one", () => {
  const { gone, come } = changedBlocks(blocks(3), [block(0), block(1, 2_000), block(2)]);
  expect(targets(gone)).toEqual([]);
  expect([...come.values()]).toEqual([block(1, 2_000)]);
});

test("what a list took over is a change of who asks for it", () => {
  const listed = { ...block(1), list: "drop" };
  expect([...changedBlocks(blocks(3), [block(0), listed, block(2)]).come.values()]).toEqual([listed]);
});

test("lists that went different ways are told apart by target, wherever blocks are", () => {
  const all = blocks(40);
  const places = fc
    .array(fc.constantFrom(...all.keys()), { maxLength: 40 })
    .map((some) => [...new Set(some)]);
  const isLonger = fc.infiniteStream(fc.boolean());
  fc.assert(
    fc.property(places, places, isLonger, (before, after, longer) => {
      const was = before.map((n) => all[n]!);
      const is = after.map((n) => (longer.next().value ? block(n, 2_000) : all[n]!));
      const { gone, come } = changedBlocks(was, is);
      const known = new Map(was.map((each) => [each.target, each]));
      const wanted = new Map(is.map((each) => [each.target, each]));
      expect(targets(gone)).toEqual([...known.keys()].filter((target) => !wanted.has(target)).sort());
      expect([...come.values()].map(({ target, until }) => `${target} ${until}`).sort()).toEqual(
        is
          .filter(({ target, until }) => known.get(target)?.until !== until)
          .map(({ target, until }) => `${target} ${until}`)
          .sort(),
      );
    }),
  );
});

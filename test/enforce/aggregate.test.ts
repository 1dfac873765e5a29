import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AggregateSettings, Aggregation, aggregate } from "../../src/enforce/aggregate.ts";
import type { Block } from "../../src/model/decision.ts";
import { type Target, TargetSet } from "../../src/model/ip.ts";
import { block, target } from "./blocks.ts";

const settings = (ipv4: number, ipv6 = 0): AggregateSettings => ({
  ipv4: { prefix: 24, atLeast: ipv4 },
  ipv6: { prefix: 48, atLeast: ipv6 },
});
const yes = () => true;
const targets = (blocks: readonly Block[]): string[] => blocks.map((each) => each.target).sort();

describe("many bans of one prefix", () => {
  test("are one block from so many on, and each is told which range stands for it", () => {
    const three = ["192.0.2.1", "192.0.2.2", "192.0.2.200"].map((text) => block(text));
    const other = block("198.51.100.1");
    expect(aggregate([...three, other], settings(4), yes).blocks).toHaveLength(4);
    const { blocks, rangeOf } = aggregate([...three, other], settings(3), yes);
    expect(targets(blocks)).toEqual(["192.0.2.0/24", "198.51.100.1/32"]);
    expect([...rangeOf]).toEqual(three.map((each) => [each.target, "192.0.2.0/24"]));
  });

  test("stay one block until fewer are left than that", () => {
    const want = [block("192.0.2.1", 50), block("192.0.2.2", 90), block("192.0.2.3", 70)];
    expect(aggregate(want, settings(2), yes).blocks).toEqual([block("192.0.2.0/24", 70)]);
    expect(aggregate([block("192.0.2.4"), ...want], settings(2), yes).blocks[0]!.until).toBe(90);
  });

  test("of IPv6 are counted by targets, and those as wide as the prefix stay", () => {
    const want = ["2001:db8:1:1::/64", "2001:db8:1:2::/64", "2001:db8:2::/48", "2001:db8:3::/40"].map(
      (text) => block(text),
    );
    expect(targets(aggregate(want, settings(0, 2), yes).blocks)).toEqual([
      "2001:db8:1::/48",
      "2001:db8:2::/48",
      "2001:db8::/40",
    ]);
  });

  test("are a list's only where all of them are, so that bans keep their place", () => {
    const listed = ["192.0.2.1", "192.0.2.2"].map((text) => ({ ...block(text), list: "drop" }));
    expect(aggregate(listed, settings(2), yes).blocks).toMatchObject([
      { target: "192.0.2.0/24", list: "drop" },
    ]);
    const mixed = aggregate([...listed, block("192.0.2.3")], settings(2), yes).blocks;
    expect(mixed.map(({ list }) => list)).toEqual([undefined]);
  });

  test("stay many where somebody in the prefix is to be spared, where it is banned itself, and where it is off", () => {
    const want = ["192.0.2.1", "192.0.2.2"].map((text) => block(text));
    const spared = new TargetSet([target("192.0.2.77")]);
    const mayCover = (range: Target): boolean => spared.overlapping(range) === null;
    expect(aggregate(want, settings(2), mayCover).blocks).toEqual(want);
    const withRange = [...want, block("192.0.2.0/24", 5)];
    expect(aggregate(withRange, settings(2), yes).blocks).toEqual(withRange);
    expect(aggregate(want, settings(0), yes).blocks).toBe(want);
    expect(aggregate(want, null, yes).blocks).toBe(want);
  });
});

test("whoever is banned is covered for as long, and a range covers nobody to be spared and stands for enough", () => {
  const address = fc.tuple(fc.nat(3), fc.nat(7)).map(([third, last]) => `192.0.${third}.${last}`);
  const bans = fc.array(fc.tuple(address, fc.integer({ min: 1, max: 9 })), { maxLength: 40 });
  fc.assert(
    fc.property(bans, address, fc.integer({ min: 2, max: 6 }), fc.nat(9), (all, spare, atLeast, now) => {
      const untils = new Map(all.map(([text, until]) => [target(text), until]));
      const active = [...untils]
        .filter(([, until]) => until > now)
        .map(([each, until]) => block(each, until));
      const spared = new TargetSet([target(spare)]);
      const { blocks, rangeOf } = aggregate(
        active,
        settings(atLeast),
        (range) => spared.overlapping(range) === null,
      );
      const given = new TargetSet(blocks.map((each) => each.target));
      for (const ban of active) expect(given.covering(ban.target)).not.toBeNull();
      for (const range of blocks.filter((each) => each.target.endsWith("/24"))) {
        expect(spared.overlapping(range.target)).toBeNull();
        const members = active.filter((ban) => rangeOf.get(ban.target) === range.target);
        // At its end fewer than enough are left, and just before there were enough.
        expect(members.filter((ban) => ban.until > range.until).length).toBeLessThan(atLeast);
        expect(members.filter((ban) => ban.until >= range.until).length).toBeGreaterThanOrEqual(atLeast);
      }
    }),
  );
});

test("after many changes the same is given as for the last list alone", () => {
  const address = fc.tuple(fc.nat(3), fc.nat(7)).map(([third, last]) => `192.0.${third}.${last}`);
  const range = fc.nat(3).map((third) => `192.0.${third}.0/24`);
  const ban = fc.tuple(fc.oneof({ weight: 8, arbitrary: address }, range), fc.integer({ min: 1, max: 3 }));
  const lists = fc.array(fc.tuple(fc.array(ban, { maxLength: 30 }), range), { minLength: 2, maxLength: 6 });
  const sorted = (blocks: readonly Block[]): Block[] =>
    [...blocks].sort((a, b) => (a.target < b.target ? -1 : 1));
  fc.assert(
    fc.property(lists, fc.integer({ min: 2, max: 4 }), (history, atLeast) => {
      let spared = "";
      const mayCover = (each: Target): boolean => each !== spared;
      const followed = new Aggregation(settings(atLeast), mayCover);
      for (const [bans, spare] of history) {
        spared = spare;
        const untils = new Map(bans.map(([text, until]) => [target(text), until]));
        const active = [...untils].map(([each, until]) => block(each, until));
        const { blocks, rangeOf } = followed.of(active);
        const alone = aggregate(active, settings(atLeast), mayCover);
        expect(sorted(blocks)).toEqual(sorted(alone.blocks));
        expect(new Map([...rangeOf].sort())).toEqual(new Map([...alone.rangeOf].sort()));
      }
    }),
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTarget, type Target, TargetSet } from "../../src/model/ip.ts";
import { NO_TARGETS, PackedTargets } from "../../src/model/packed-targets.ts";

const ipv4 = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 32 }))
  .map(([b, d, bits]) => parseTarget(`203.${b}.0.${d * 85}/${bits}`)!);
const ipv6 = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 128 }))
  .map(([c, h, bits]) => parseTarget(`2001:db8:0:${(c * 0x5555).toString(16)}::${h}/${bits}`)!);
const target = fc.oneof(ipv4, ipv6);
const overlap = (a: Target, b: Target): boolean => new TargetSet([a]).overlapping(b) !== null;

describe("packed targets", () => {
  test("tell the same as a set of targets, of addresses and ranges of both families", () => {
    fc.assert(
      fc.property(fc.array(target, { maxLength: 20 }), target, (given, asked) => {
        const packed = PackedTargets.of(given);
        const members = [...new Set(given)];
        expect([...packed].sort()).toEqual(members.toSorted());
        expect(packed.has(asked)).toBe(members.includes(asked));
        expect(packed.equals(PackedTargets.of(members.toReversed()))).toBe(true);
        expect(packed.equals(PackedTargets.of([...members, asked]))).toBe(members.includes(asked));
        expect(packed.size).toBe(members.length);
        expect([...packed.touching(asked)].sort()).toEqual(
          members.filter((each) => overlap(each, asked)).sort(),
        );
        expect(packed.covers(asked)).toBe(new TargetSet(members).covering(asked) !== null);
      }),
    );
  });

  test("are the same on the other side of a thread", () => {
    const members = ["192.0.2.7/32", "203.0.113.0/24", "2001:db8::/64", "2001:db8::1/128"] as Target[];
    const there = new PackedTargets(structuredClone(PackedTargets.of(members).packed));
    expect(members.map((each) => there.covers(each))).toEqual([true, true, true, true]);
    expect([...there.touching("0.0.0.0/0" as Target)].sort()).toEqual(members.slice(0, 2));
  });

  test("without a member touch nothing", () => {
    expect(NO_TARGETS.covers("192.0.2.7/32" as Target)).toBe(false);
    expect(NO_TARGETS.size).toBe(0);
  });
});

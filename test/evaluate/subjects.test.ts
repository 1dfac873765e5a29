import fc from "fast-check";
import { expect, test } from "vitest";
import { Subjects } from "../../src/evaluate/subjects.ts";
import { type Ip, parseIp, parseTarget, subjectOf, type Target } from "../../src/model/ip.ts";
import { keyOf, keyOfSubject, subjectOfKey } from "../../src/model/subject-key.ts";
import { runs } from "../property.ts";

/** Addresses with many zeros, so that `::` stands everywhere, and some that share their /64. */
const group = fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const ipv6 = fc
  .array(group, { minLength: 8, maxLength: 8 })
  .map((groups) => parseIp(groups.map((each) => each.toString(16)).join(":"))!);
const ipv4 = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
  .map((bytes) => parseIp(bytes.join("."))!);
const address = fc.oneof(ipv6, ipv4);

test("a subject's key leads back to it, from any of its addresses", () => {
  fc.assert(
    fc.property(address, (ip) => {
      const subject = subjectOf(ip);
      expect(subjectOfKey(keyOf(ip))).toBe(subject);
      expect(keyOfSubject(subject)).toBe(keyOf(ip));
    }),
    { numRuns: runs(5_000) },
  );
});

test.each([
  ["2001:db8:1:2::1", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8"],
  ["2001:db8::5:6:7:8", "2001:db8"],
  ["2001:db8:0:0:1::", "2001:db8"],
  ["2001::2:5:6:7:8", "2001:0:0:2"],
  ["2001:0:0:2::1", "2001:0:0:2"],
  ["::1", ""],
  ["192.0.2.7", (192 << 24) | (2 << 8) | 7],
])("%s has the key %s", (text, key) => {
  expect(keyOf(parseIp(text)!)).toBe(key);
});

const ip = (text: string): Ip => parseIp(text)!;
/** The number under which the address was first met. */
function met(subjects: Subjects<number>, text: string, number: number): number {
  const known = subjects.get(keyOf(ip(text)));
  if (known === undefined) subjects.set(keyOf(ip(text)), number);
  return known ?? number;
}

test("the calmest are forgotten first, and whoever comes back is kept", () => {
  const subjects = new Subjects<number>(4, () => {});
  const meet = (last: number, number: number) => met(subjects, `192.0.2.${last}`, number);
  for (const last of [1, 2, 3]) meet(last, last);
  expect(meet(1, 10)).toBe(1);
  expect(subjects.size).toBe(3);
  for (const last of [4, 5]) meet(last, last);
  expect(meet(1, 10)).toBe(1);
  expect(meet(2, 20)).toBe(20);
});

test("forgetting a range forgets who is in it, and nobody else", () => {
  const subjects = new Subjects<number>(100, () => {});
  const all = ["192.0.2.7", "192.0.3.7", "2001:db8:1:2::1", "2001:db8:1:3::1"];
  for (const [index, each] of all.entries()) met(subjects, each, index);
  subjects.forget(parseTarget("192.0.2.0/24") as Target);
  subjects.forget(parseTarget("2001:db8:1:2::/64") as Target);
  expect(all.map((each) => met(subjects, each, 10))).toEqual([10, 1, 10, 3]);
});

test("a sweep looks at some in turn, comes to all, and replaces or drops what it is told to", () => {
  const subjects = new Subjects<number>(100, () => {});
  for (let last = 0; last < 10; last++) met(subjects, `192.0.2.${last}`, last);
  const seen: number[] = [];
  const halve = (value: number): number | null => {
    seen.push(value);
    return value % 2 === 1 ? null : value + 100;
  };
  for (let look = 0; look < 5; look++) subjects.sweep(2, halve);
  expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(subjects.size).toBe(5);
  expect(met(subjects, "192.0.2.4", 0)).toBe(104);
  subjects.sweep(1_000, () => null);
  expect(subjects.size).toBe(0);
  subjects.sweep(1_000, () => null);
});

test("when much is held the longest known make room, and what is dropped gives back what it held", () => {
  const MIB = 2 ** 20;
  const subjects: Subjects<number> = new Subjects(100, (state) => {
    subjects.held.bytes -= state;
  });
  for (let last = 0; last < 23; last++) {
    met(subjects, `192.0.2.${last}`, 8 * MIB);
    subjects.held.bytes += 8 * MIB;
  }
  expect(subjects.get(keyOf(ip("192.0.2.22")))).toBe(8 * MIB);
  expect(subjects.get(keyOf(ip("192.0.2.0")))).toBe(undefined);
  expect(subjects.givenUp).toBeGreaterThan(0);
  expect(subjects.size).toBe(23 - subjects.givenUp);
  expect(subjects.held.bytes).toBe(subjects.size * (8 * MIB + 48));
  subjects.forget(parseTarget("192.0.2.0/24") as Target);
  expect([subjects.size, subjects.held.bytes]).toEqual([0, 0]);
});

test("who is hotter outlasts those who came later, however many these are", () => {
  const subjects = new Subjects<number>(
    100,
    () => {},
    (heat) => heat,
  );
  for (let last = 0; last < 20; last++) met(subjects, `192.0.2.${last}`, last < 3 ? 9 : 2);
  for (let client = 0; client < 1_000; client++) met(subjects, `198.51.${client >> 8}.${client & 255}`, 1);
  expect([0, 1, 2, 3, 19].map((last) => subjects.get(keyOf(ip(`192.0.2.${last}`))))).toEqual([9, 9, 9, 2, 2]);
  expect(subjects.get(keyOf(ip("198.51.3.231")))).toBe(1);
  expect(subjects.get(keyOf(ip("198.51.0.0")))).toBe(undefined);
  expect(subjects.size).toBeLessThanOrEqual(100);
  expect(subjects.givenUp).toBe(1_020 - subjects.size);
});

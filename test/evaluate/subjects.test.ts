import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf, keyOfSubject, Subjects, subjectOfKey } from "../../src/evaluate/subjects.ts";
import { type Ip, parseIp, parseTarget, subjectOf, type Target } from "../../src/model/ip.ts";

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
    { numRuns: 5_000 },
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
const found = (subjects: Subjects<{ name: string }>, text: string): string => subjects.of(ip(text)).name;

test("the calmest are forgotten first, and whoever comes back is kept", () => {
  let made = 0;
  const subjects = new Subjects(4, () => ({ name: `state ${++made}` }));
  for (const last of [1, 2, 3]) subjects.of(ip(`192.0.2.${last}`));
  expect(found(subjects, "192.0.2.1")).toBe("state 1");
  expect(subjects.size).toBe(3);
  for (const last of [4, 5]) subjects.of(ip(`192.0.2.${last}`));
  expect(found(subjects, "192.0.2.1")).toBe("state 1");
  expect(found(subjects, "192.0.2.2")).toBe("state 6");
});

test("forgetting a range forgets who is in it, and nobody else", () => {
  let made = 0;
  const subjects = new Subjects(100, () => ({ name: `state ${++made}` }));
  const all = ["192.0.2.7", "192.0.3.7", "2001:db8:1:2::1", "2001:db8:1:3::1"];
  for (const each of all) subjects.of(ip(each));
  subjects.forget(parseTarget("192.0.2.0/24") as Target);
  subjects.forget(parseTarget("2001:db8:1:2::/64") as Target);
  expect(all.map((each) => found(subjects, each))).toEqual(["state 5", "state 2", "state 6", "state 4"]);
});

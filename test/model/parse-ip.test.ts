import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { parseIp, parseWrittenIp } from "../../src/model/ip.ts";
import { runs } from "../property.ts";

/** Groups with many zeros, since those are what the canonical form is about. */
const group = fc.oneof(fc.constantFrom(0, 0, 0, 1, 0xffff), fc.integer({ min: 0, max: 0xffff }));
const groups = fc.array(group, { minLength: 8, maxLength: 8 });
const canonical = (parts: number[]): string => {
  const address = new ipaddr.IPv6(parts);
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String();
};

test("every spelling of an IPv6 address gives its one canonical text", () => {
  const spelled = fc.record({
    parts: groups,
    start: fc.nat(8),
    length: fc.nat(8),
    upper: fc.boolean(),
    pad: fc.boolean(),
  });
  fc.assert(
    fc.property(spelled, ({ parts, start, length, upper, pad }) => {
      const text = (values: number[]) =>
        values.map((value) => value.toString(16).padStart(pad ? 4 : 1, "0")).join(":");
      const end = Math.min(start + length, 8);
      const isGap = end > start && parts.slice(start, end).every((value) => value === 0);
      const written = isGap ? `${text(parts.slice(0, start))}::${text(parts.slice(end))}` : text(parts);
      expect(parseIp(upper ? written.toUpperCase() : written)).toBe(canonical(parts));
    }),
    { numRuns: runs(3_000) },
  );
});

test("a canonical address is itself", () => {
  fc.assert(
    fc.property(groups.map(canonical), (text) => {
      expect(parseIp(text)).toBe(text);
    }),
    { numRuns: runs(3_000) },
  );
});

describe("what is not exactly one address is none", () => {
  test.each([
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "1:2:3:4:5:6:7::8:9",
    ":1::2",
    "1::2:",
    "12345::",
    "00001::1",
    "::0.0.0.0x1",
    "::ffff:010.0.0.1",
    "g::",
    "::1%eth0",
    "[::1]",
    "::1/64",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4:80",
    " 1.2.3.4",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "16909060",
    "localhost",
  ])("%j", (text) => expect(parseIp(text)).toBeNull());
});

describe("of a client's address as Apache writes it", () => {
  test.each([
    ["fe80::bcc5:1bff:fe58:f4fd%v0", "fe80::bcc5:1bff:fe58:f4fd"],
    ["FEBF::1%br-0123456789a.", "febf::1"],
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8::7%eth0", null],
    ["fe80::1%", null],
    ["fe80::1%a b", null],
    ["fe80::1%longer-than-15-is", null],
    ["fe80::g%eth0", null],
    ["192.0.2.7%eth0", null],
  ])("%s is %s", (text, address) => expect(parseWrittenIp(text)).toBe(address));
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  banFiles,
  IPV4_BAN_FILES,
  IPV6_BAN_FILES,
  targetOfBanFile,
} from "../../../src/enforce/apache/ban-files.ts";
import { network, parseIp, type Target } from "../../../src/model/ip.ts";
import { runs } from "../../property.ts";
import { target } from "../blocks.ts";

/** The files that Apache looks for when this client comes: its own text, and what the patterns make of it. */
function lookedFor(client: string): string[] {
  const files = [client];
  for (const { pattern, names } of [IPV4_BAN_FILES, ...IPV6_BAN_FILES]) {
    const match = new RegExp(pattern).exec(client);
    if (match === null) continue;
    files.push(...names.map((name) => name.replace(/\$(\d)/g, (_, group) => match[Number(group)] ?? "")));
  }
  return files;
}
const refuses = (banned: Target, client: string): boolean =>
  banFiles(banned)!.some((file) => lookedFor(client).includes(file));

/** inet_ntop of glibc, written down from its source as a second opinion on what Apache prints. */
function inetNtop(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  let text = "";
  for (let at = 0; at < 8; at++) {
    if (best.at !== -1 && at >= best.at && at < best.at + best.length) {
      if (at === best.at) text += ":";
      continue;
    }
    if (at !== 0) text += ":";
    if (at === 6 && best.at === 0 && best.length === 6) {
      const [high, low] = [groups[6]!, groups[7]!];
      return `${text}${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
    }
    text += groups[at]!.toString(16);
  }
  return best.at !== -1 && best.at + best.length === 8 ? `${text}:` : text;
}

/** All 256 addresses whose groups are 0 or 1: every way in which zero runs can lie. */
const everyZeroPattern = (): number[][] =>
  Array.from({ length: 256 }, (_, mask) => Array.from({ length: 8 }, (_, group) => (mask >> group) & 1));

/** Few different values, so that zero runs of every length lie everywhere. */
const groups = fc.array(fc.constantFrom(0, 0, 0, 1, 0xdb8, 0xffff), { minLength: 8, maxLength: 8 });
const isMapped = (g: readonly number[]): boolean => g.slice(0, 5).every((x) => x === 0) && g[5] === 0xffff;
const fullText = (g: readonly number[]): string => g.map((x) => x.toString(16)).join(":");

describe("the files of an IPv6 range", () => {
  test.each([48, 64, 128])(
    "a banned /%i refuses exactly its addresses, however Apache spells them",
    (bits) => {
      const all = everyZeroPattern();
      const prefixes = new Set(all.map((g) => network(parseIp(fullText(g))!, bits)));
      for (const client of all) {
        const own = network(parseIp(fullText(client))!, bits);
        const looked = lookedFor(inetNtop(client));
        for (const banned of prefixes) {
          const refused = banFiles(banned)!.some((file) => looked.includes(file));
          if (refused !== (banned === own))
            expect.fail(`${inetNtop(client)} under ${banned}: refused is ${refused}`);
        }
      }
    },
  );

  test("holds for random addresses, with zero groups anywhere", () => {
    fc.assert(
      fc.property(groups, groups, fc.constantFrom(48, 56, 60, 64, 120, 128), (client, other, bits) => {
        fc.pre(!isMapped(client) && !isMapped(other));
        for (const banned of [
          network(parseIp(fullText(other))!, bits),
          network(parseIp(fullText(client))!, bits),
        ]) {
          const inside = network(parseIp(fullText(client))!, bits) === banned;
          expect(refuses(banned, inetNtop(client))).toBe(inside);
        }
      }),
      { numRuns: runs(3_000) },
    );
  });

  test("holds for random addresses of random groups", () => {
    const any = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(any, (client) => {
        const own = network(parseIp(fullText(client))!, 64);
        expect(refuses(own, inetNtop(client))).toBe(true);
        const neighbour = network(parseIp(fullText(client.with(3, client[3]! ^ 1)))!, 64);
        expect(refuses(neighbour, inetNtop(client))).toBe(false);
      }),
    );
  });

  test.each([
    ["2001:db8:1:2::/64", ["2001:db8:1:2_64"]],
    ["2001:db8::/64", ["2001:db8:0:0_64", "2001:db8::_64"]],
    ["2001:0:0:5::/64", ["2001:0:0:5_64", "2001::5_64"]],
    ["2001:db8:7::/48", ["2001:db8:7_48"]],
    ["2001:db8::1/128", ["2001:db8::1"]],
    ["::192.0.2.1/128", ["::192.0.2.1"]],
  ])("%s is %j", (range, files) => {
    expect(banFiles(target(range))).toEqual(files);
  });

  test("a /56 is written as its 256 /64s, a /49 and a /119 are not carried", () => {
    expect(banFiles(target("2001:db8:0:100::/56"))).toHaveLength(256);
    expect(banFiles(target("2001:db8::/49"))).toBeNull();
    expect(banFiles(target("2001:db8::/32"))).toBeNull();
    expect(banFiles(target("2001:db8::/119"))).toBeNull();
    expect(banFiles(target("2001:db8::/120"))).toHaveLength(256);
  });
});

describe("the files of an IPv4 range", () => {
  test.each([
    ["198.51.100.7/32", ["198.51.100.7"]],
    ["198.51.100.0/24", ["198.51.100.0_24"]],
    ["198.51.0.0/16", ["198.51.0.0_16"]],
    ["198.0.0.0/8", ["198.0.0.0_8"]],
    ["198.51.100.6/31", ["198.51.100.6", "198.51.100.7"]],
    ["198.51.100.0/23", ["198.51.100.0_24", "198.51.101.0_24"]],
  ])("%s is %j", (range, files) => {
    expect(banFiles(target(range))).toEqual(files);
  });

  test("a banned range refuses exactly its addresses", () => {
    const octet = fc.constantFrom(0, 1, 10, 100, 101, 255);
    const address = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join("."));
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 32 }), (client, other, bits) => {
        const banned = network(parseIp(other)!, bits);
        expect(refuses(banned, client)).toBe(network(parseIp(client)!, bits) === banned);
      }),
      { numRuns: runs(2_000) },
    );
  });
});

describe("what a file's name says", () => {
  test("every file of a target leads back into it", () => {
    fc.assert(
      fc.property(groups, fc.constantFrom(48, 56, 64, 122, 128), (address, bits) => {
        fc.pre(!isMapped(address));
        const banned = network(parseIp(fullText(address))!, bits);
        for (const file of banFiles(banned)!) {
          const held = targetOfBanFile(file)!;
          expect(network(held.slice(0, held.indexOf("/")) as never, bits)).toBe(banned);
        }
      }),
    );
  });

  test.each([
    [
      "",
      ".",
      "..",
      "README",
      ".198.51.100.7",
      "198.51.100.7~",
      "198.51.100.007",
      "198.51.100.7_24",
      "1.2.3_24",
    ],
    [
      "2001:db8::1_64",
      "2001:DB8::1",
      "2001:db8:0:0:0:0:0:1",
      "::ffff:192.0.2.1",
      "a:b_999",
      "2001::_32",
      "::_8",
    ],
    ["198.51.100.0_24_x", "198.51.100.0_64", "1.2.3.4/32", "1:2:3:4:5_64", ":::_64", "1::2::3_64"],
  ])("a name that we would not write is not ours: %s, %s, %s, …", (...names) => {
    for (const name of names) expect(targetOfBanFile(name), name).toBeNull();
  });
});

import { describe, expect, test } from "vitest";
import { DnsProof } from "../../src/crawlers/dns.ts";
import { parseIp } from "../../src/model/ip.ts";
import { dnsServer, type Zone } from "./dns-server.ts";

const GOOGLE = ["googlebot.com", "google.com"];
const ZONE: Zone = {
  "PTR 1.66.249.192.in-addr.arpa": ["crawl-1.googlebot.com"],
  "A crawl-1.googlebot.com": ["192.249.66.1"],
  // Anybody can write this of his own address.
  "PTR 7.113.0.203.in-addr.arpa": ["crawl-7.googlebot.com"],
  "A crawl-7.googlebot.com": ["192.249.66.9"],
  "PTR 8.113.0.203.in-addr.arpa": ["host.notgooglebot.com", "googlebot.com.evil.example", "googlebot.com"],
  "A host.notgooglebot.com": ["203.0.113.8"],
  "A googlebot.com.evil.example": ["203.0.113.8"],
  "A googlebot.com": ["203.0.113.8"],
  "PTR 9.113.0.203.in-addr.arpa": "fails",
  "PTR 10.113.0.203.in-addr.arpa": ["crawl-10.googlebot.com"],
  "A crawl-10.googlebot.com": "fails",
  "PTR 11.113.0.203.in-addr.arpa": ["other.example", "CRAWL-11.GoogleBot.com"],
  "A crawl-11.googlebot.com": ["192.0.2.1", "203.0.113.11"],
  "PTR 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa": ["six.googlebot.com"],
  "AAAA six.googlebot.com": ["2001:db8:66:0:0:0:0:1"],
};

describe("an address is a crawler's", () => {
  test.each([
    ["when its name leads back to it", "192.249.66.1", true],
    ["when one of several names and addresses does, however it is written", "203.0.113.11", true],
    ["when it is one of IPv6", "2001:db8:66::1", true],
    ["not when its name leads elsewhere", "203.0.113.7", false],
    ["not when its name only looks alike", "203.0.113.8", false],
    ["not when it has no name", "203.0.113.99", false],
    ["perhaps, when its name cannot be looked up", "203.0.113.9", null],
    ["perhaps, when the address of its name cannot", "203.0.113.10", null],
  ])("%s", async (_when, address, expected) => {
    using dns = await dnsServer(ZONE);
    expect(await new DnsProof([dns.server]).isWithin(parseIp(address)!, GOOGLE)).toBe(expected);
  });
});

test("of an address with very many names only a few are looked up", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `n${n}.google.com`);
  using dns = await dnsServer({
    "PTR 7.113.0.203.in-addr.arpa": names.slice(0, 10),
    ...Object.fromEntries(names.map((name) => [`A ${name}`, ["192.0.2.1"]])),
  });
  expect(await new DnsProof([dns.server]).isWithin(parseIp("203.0.113.7")!, GOOGLE)).toBe(false);
  expect(dns.asked.length).toBeLessThan(6);
});

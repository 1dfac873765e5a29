import { expect, test, vi } from "vitest";
import { DnsProof } from "../../src/crawlers/dns.ts";
import { CrawlerVerifier } from "../../src/crawlers/verifier.ts";
import type { CrawlerClaim, CrawlerName, CrawlerVerdict } from "../../src/model/crawler.ts";
import { parseIp } from "../../src/model/ip.ts";
import { dnsServer } from "./dns-server.ts";

const claim = (address: string, crawler: CrawlerName = "google"): CrawlerClaim => ({
  client: parseIp(address)!,
  crawler,
});

test("claims are looked up once a day, those that DNS was silent on after ten minutes", async () => {
  using dns = await dnsServer({
    "PTR 1.2.0.192.in-addr.arpa": ["a.googlebot.com"],
    "A a.googlebot.com": ["192.0.2.1"],
    "PTR 3.2.0.192.in-addr.arpa": "fails",
  });
  let now = 0;
  const told: CrawlerVerdict[] = [];
  const ask = async (...claims: CrawlerClaim[]) => {
    told.length = 0;
    verifier.ask(claims);
    await vi.waitFor(() => expect(told).toHaveLength(claims.length), 60_000);
    return new Map(told.map(({ client, isGenuine }) => [client as string, isGenuine]));
  };
  using verifier = new CrawlerVerifier(
    new DnsProof([dns.server]),
    (verdicts) => told.push(...verdicts),
    () => now,
  );
  const all = [claim("192.0.2.1"), claim("192.0.2.2"), claim("192.0.2.3"), claim("192.0.2.1", "bing")];
  expect([...(await ask(...all.slice(0, 3))).entries()].sort()).toEqual([
    ["192.0.2.1", true],
    ["192.0.2.2", false],
    ["192.0.2.3", null],
  ]);
  expect(await ask(all[3]!)).toEqual(new Map([["192.0.2.1", false]]));
  const { length } = dns.asked;
  await ask(...all);
  expect(dns.asked).toHaveLength(length);
  now += 11 * 60_000;
  await ask(...all);
  expect(new Set(dns.asked.slice(length))).toEqual(new Set(["PTR 3.2.0.192.in-addr.arpa"]));
  now += 24 * 3_600_000;
  dns.asked.length = 0;
  await ask(...all);
  expect(dns.asked).toContain("PTR 1.2.0.192.in-addr.arpa");
});

test("of a flood of claims so many wait, and the others are answered that nothing is known", () => {
  const told: CrawlerVerdict[] = [];
  using verifier = new CrawlerVerifier(new DnsProof(["127.0.0.1:9"]), (verdicts) => told.push(...verdicts));
  verifier.ask(Array.from({ length: 3_000 }, (_, n) => claim(`10.0.${n >> 8}.${n & 255}`)));
  expect(told).toHaveLength(2_000);
  expect(told.every(({ isGenuine }) => isGenuine === null)).toBe(true);
});

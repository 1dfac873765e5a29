import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { DnsProof } from "../../src/crawlers/dns.ts";
import { CrawlerVerifier } from "../../src/crawlers/verifier.ts";
import { IngestThread } from "../../src/ingest/thread.ts";
import type { CrawlerClaim } from "../../src/model/crawler.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { type DurationMs, parseDuration } from "../../src/model/time.ts";
import { dnsServer } from "../crawlers/dns-server.ts";
import { ruleSpec } from "../evaluate/rules.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const HOUR = parseDuration("1h") as DurationMs;
const line = (client: string): string =>
  `${client} - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0 (compatible; Googlebot/2.1)"\n`;

test("a client under a search engine's name is looked up beside reading, and banned once DNS has said that it is none", async () => {
  using folder = temporaryFolder();
  using dns = await dnsServer({
    "PTR 1.2.0.192.in-addr.arpa": ["crawl.googlebot.com"],
    "A crawl.googlebot.com": ["192.0.2.1"],
  });
  const path = join(folder.path, "access.log");
  writeFileSync(path, ["192.0.2.1", "203.0.113.7", "198.51.100.1"].map(line).join(""));
  const rule = {
    id: "fake",
    spec: ruleSpec("fake", {
      match: { crawler: "disproved" },
      bucket: { kind: "trigger" },
      ban: "permanent",
    }),
  };
  const claims: CrawlerClaim[] = [];
  const decided: string[] = [];
  let told = 0;
  const thread = await IngestThread.start(
    {
      databaseFile: join(folder.path, "sekisho.sqlite"),
      unparsedBudget: 1_000,
      settings: {
        mode: "observe",
        logs: [{ path, kind: "access", format: "combined", timezone: null, fields: null }],
        rules: [rule],
        origins: [],
        allowlist: [],
        trustedProxies: [],
        policy: { ban: HOUR, factor: 2, max: HOUR, memory: HOUR },
        crawlers: { ranges: new Map([["google", [parseTarget("198.51.100.0/24")!]]]), dns: true },
      },
    },
    () => {},
  );
  using verifier = new CrawlerVerifier(new DnsProof([dns.server]), (verdicts) => {
    void thread
      .request<"note-crawlers">({ kind: "note-crawlers", verdicts })
      .then(() => (told += verdicts.length));
  });
  await using _stopping = { [Symbol.asyncDispose]: () => thread.stop() };
  thread.hear((message) => {
    if (message.kind === "committed") decided.push(...message.decided.map(({ target }) => target));
    else {
      claims.push(...message.claims);
      verifier.ask(message.claims);
    }
  });
  await vi.waitFor(() => expect(told).toBe(2), 60_000);
  expect(claims.map(({ client }) => client).sort()).toEqual(["192.0.2.1", "203.0.113.7"]);
  expect(decided).toEqual([]);
  appendFileSync(path, ["192.0.2.1", "198.51.100.1", "203.0.113.7"].map(line).join(""));
  await vi.waitFor(() => expect(decided).toEqual(["203.0.113.7/32"]), 60_000);
});

/** Joins what tells who is a search engine with the thread that reads the logs. */
import type { Config } from "./config/schema.ts";
import { DnsProof } from "./crawlers/dns.ts";
import { refreshRanges } from "./crawlers/download.ts";
import { CrawlerVerifier } from "./crawlers/verifier.ts";
import type { IngestThread } from "./ingest/thread.ts";
import { fetchCrawlerRanges } from "./schedule/fetch-crawler-ranges.ts";
import type { Job } from "./schedule/scheduler.ts";

/** Looks up in DNS whom the thread asks about, and tells it. */
export const crawlerVerifier = (thread: IngestThread): CrawlerVerifier =>
  new CrawlerVerifier(new DnsProof(), (verdicts) => thread.post({ kind: "note-crawlers", verdicts }));

export const crawlerJob = ({ data, crawlers }: Config, thread: IngestThread): Job =>
  fetchCrawlerRanges(crawlers.schedule, () =>
    refreshRanges(data, crawlers.ranges, (ranges) =>
      thread.request<"set-crawler-ranges">({ kind: "set-crawler-ranges", ranges }),
    ),
  );

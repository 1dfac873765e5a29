import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { unixMs } from "../../src/model/time.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const COMMON = '192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 199\n';
const VHOST = `site.example:443 ${COMMON.trimEnd()} "-" "Mozilla/5.0"\n`;

test("a log whose format is changed while it is read is read in its new format from the next batch on", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const clock = { now: () => unixMs(Date.now()) };
  writeFileSync(log, COMMON.repeat(5));
  using store = new StoreWriter(join(folder.path, "test.sqlite"), 1 << 20, clock);
  using reader = new StoreReader(join(folder.path, "test.sqlite"), clock);
  const hour = 3_600_000 as DurationMs;
  using ingestion = new Ingestion(
    {
      mode: "observe",
      logs: [{ path: log, kind: "access", format: "auto", timezone: null, fields: null }],
      rules: [],
      origins: [],
      allowlist: [],
      trustedProxies: [],
      policy: { ban: hour, factor: 1, max: hour, memory: hour },
    },
    store,
    clock,
  );
  const stop = new AbortController();
  const running = ingestion.run(stop.signal, () => {});
  const read = () => reader.eventCounts();
  await expect.poll(read).toMatchObject({ access: 5, unparsed: 0 });
  appendFileSync(log, VHOST.repeat(3));
  await expect.poll(read).toMatchObject({ access: 5, unparsed: 3 });
  appendFileSync(log, VHOST.repeat(4));
  await expect.poll(read).toMatchObject({ access: 9, unparsed: 3 });
  expect(ingestion.sources()[0]!.format).toBe("vhost_combined");
  stop.abort();
  await running;
});

import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import type { IngestSettings } from "../../src/ingest/messages.ts";
import type { DurationMs } from "../../src/model/time.ts";
import { unixMs } from "../../src/model/time.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const COMMON = '192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET /x HTTP/1.1" 200 199\n';
const VHOST = `site.example:443 ${COMMON.trimEnd()} "-" "Mozilla/5.0"\n`;

const hour = 3_600_000 as DurationMs;

test("a log whose format is changed while it is read is read in its new format from the next batch on, which a reload still knows", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const clock = { now: () => unixMs(Date.now()) };
  writeFileSync(log, COMMON.repeat(5));
  const errors = join(folder.path, "error.log");
  writeFileSync(errors, "");
  using store = new StoreWriter(join(folder.path, "test.sqlite"), 1 << 20, clock);
  using reader = new StoreReader(join(folder.path, "test.sqlite"), clock);
  const settings: IngestSettings = {
    mode: "observe",
    logs: [
      { path: log, kind: "access", format: "auto", timezone: null, fields: null },
      { path: errors, kind: "error", format: "auto", timezone: null, fields: null },
    ],
    rules: [],
    origins: [],
    allowlist: [],
    trustedProxies: [],
    policy: { ban: hour, factor: 1, max: hour, memory: hour },
  };
  using ingestion = new Ingestion(settings, store, clock);
  const stop = new AbortController();
  const running = ingestion.run(stop.signal, () => {});
  const read = () => reader.eventCounts();
  await expect.poll(read).toMatchObject({ access: 5, unparsed: 0 });
  appendFileSync(log, VHOST.repeat(3));
  await expect.poll(read).toMatchObject({ access: 5, unparsed: 3 });
  appendFileSync(log, VHOST.repeat(4));
  await expect.poll(read).toMatchObject({ access: 9, unparsed: 3 });
  const formats = (of: Ingestion) => of.sources().map(({ format }) => format);
  expect(formats(ingestion)).toEqual(["vhost_combined", "error"]);
  stop.abort();
  await running;

  // A reload, after which no line has come yet.
  const { evaluator, formats: known } = ingestion;
  using next = new Ingestion(settings, store, clock, [], evaluator.nearMisses, known);
  const stopNext = new AbortController();
  const reading = next.run(stopNext.signal, () => {});
  await expect.poll(() => formats(next)).toEqual(["vhost_combined", "error"]);
  stopNext.abort();
  await reading;
});

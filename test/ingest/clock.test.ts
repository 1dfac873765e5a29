import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import { type DurationMs, type UnixMs, unixMs } from "../../src/model/time.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const NOON = Date.parse("2026-11-20T12:00:00Z");
const denied = (time: string): string => `[${time}] [core:error] [pid 7] [client 192.0.2.7:5] a message\n`;

test("a log whose zone is not the host's is told of, until its lines have the host's time again", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "error.log");
  writeFileSync(log, denied("Fri Nov 20 12:00:00.000000 2026"));
  const clock = { now: (): UnixMs => unixMs(NOON) };
  using store = new StoreWriter(join(folder.path, "test.sqlite"), 1 << 20, clock);
  const hour = 3_600_000 as DurationMs;
  using ingestion = new Ingestion(
    {
      mode: "observe",
      logs: [{ path: log, kind: "error", format: "auto", timezone: "America/New_York", fields: null }],
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
  const problem = () => ingestion.sources()[0]?.problem?.message ?? null;
  await expect.poll(problem).toBe(`the newest line of ${log} is 5 hours ahead of this host's clock`);
  appendFileSync(log, denied("Fri Nov 20 07:00:00.000000 2026"));
  await expect.poll(problem).toBe(null);
  stop.abort();
  await running;
});

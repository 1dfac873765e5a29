import { existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { complaintOf } from "../../src/ingest/audit-sockets.ts";
import { Ingestion } from "../../src/ingest/ingestion.ts";
import { progressOf } from "../../src/ingest/spool-progress.ts";
import { type DurationMs, unixMs } from "../../src/model/time.ts";
import { Receiver } from "../../src/receive/receiver.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const LINES = 30_000;
const clock = { now: () => unixMs(Date.now()) };
const hour = 3_600_000 as DurationMs;

test("a flood that rotates the spool again and again, over restarts of ingestion, is counted once each, on little disk", async () => {
  using folder = temporaryFolder();
  const spool = join(folder.path, "audit/chat.jsonl");
  const file = join(folder.path, "test.sqlite");
  const limits = { rotateAt: 50_000, fullAt: 200_000 };
  using store = new StoreWriter(file, 1 << 20, clock);
  using reader = new StoreReader(file, clock);
  let rotations = 0;
  let inode = 0;
  await using _receiver = await Receiver.start(
    { path: join(folder.path, "chat.sock"), spool, group: null, mode: 0o660 },
    {
      check: complaintOf,
      limits,
      progress: (each) => {
        const { ino, size } = statSync(spool);
        expect(size).toBeLessThan(limits.fullAt + 70_000);
        if (ino !== inode) rotations++;
        inode = ino;
        return progressOf(each, reader.committedFiles(spool));
      },
    },
  );
  const ingestion = () =>
    new Ingestion(
      {
        mode: "observe",
        logs: [{ path: spool, kind: "audit", format: "auto", timezone: null, fields: null }],
        rules: [],
        origins: [],
        allowlist: [],
        trustedProxies: [],
        policy: { ban: hour, factor: 1, max: hour, memory: hour },
      },
      store,
      clock,
    );
  const socket = connect(join(folder.path, "chat.sock"));
  const text = Array.from({ length: LINES }, (_, n) =>
    JSON.stringify({
      time: "2026-11-20T12:00:00Z",
      event: "ws.open",
      client: "192.0.2.7",
      connection: `c${n}`,
    }),
  ).join("\n");
  const received = new Promise((resolve) => socket.once("data", (answer) => resolve(String(answer))));
  socket.write(`${text}\n\n`);
  const stored = (): number => reader.eventCounts().audit;
  for (let before = -1; stored() < LINES; ) {
    using running = ingestion();
    const stop = new AbortController();
    const done = running.run(stop.signal, () => {});
    while (stored() === before) await new Promise((resolve) => setTimeout(resolve, 20));
    // Some batches, then it is stopped wherever it is.
    await new Promise((resolve) => setTimeout(resolve, 300));
    before = stored();
    stop.abort();
    await done;
  }
  expect(await received).toBe(`{"received":${LINES}}\n`);
  socket.destroy();
  expect(rotations).toBeGreaterThan(5);
  expect(existsSync(`${spool}.1`)).toBe(true);
  const database = new Database(file, { readonly: true });
  const sql = "SELECT count(*) AS rows, count(DISTINCT connection) AS names FROM events";
  expect(database.prepare(sql).get()).toEqual({ rows: LINES, names: LINES });
  database.close();
});

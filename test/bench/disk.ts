import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { Ip } from "../../src/model/ip.ts";
import type { Clock, UnixMs } from "../../src/model/time.ts";
import { createParser } from "../../src/parse/formats.ts";
import { parseLines } from "../../src/pipeline.ts";
import { StoreReader } from "../../src/store/reader.ts";
import type { RetentionLimits } from "../../src/store/retention.ts";
import { type Batch, StoreWriter } from "../../src/store/writer.ts";
import { readLog } from "../../src/tail/read-log.ts";
import { type BenchOptions, markdown, percentile } from "./measure.ts";

/** Lines that are stored at once, about as many as the daemon takes. */
const BATCH_LINES = 1_000;
const MIB = 2 ** 20;

/**
 * What do the events take on disk, how long do the dashboard's questions take beside them, and for how long does a step
 * of retention hold up ingestion?
 */
export async function diskBench({ log, lines, directory }: BenchOptions): Promise<string> {
  const file = join(mkdtempSync(join(directory, "disk-")), "sekisho.sqlite");
  const bytes = () => sizeOf(file);
  const clock: Clock & { time: UnixMs } = { time: 0 as UnixMs, now: () => clock.time };
  using writer = new StoreWriter(file, 64 * MIB, clock);
  const source = writer.register({ path: log(), kind: "access" }).id;
  const commits: number[] = [];
  let last: Batch | null = null;
  let first: UnixMs | null = null;
  const commit = (batch: Batch): void => void commits.push(timed(() => writer.commit(batch)));
  for await (const batch of batches(log(), source)) {
    first ??= batch.events[0]!.time;
    clock.time = batch.events[batch.events.length - 1]!.time;
    commit(batch);
    last = batch;
  }
  const answers = questions(file, clock, last!.events[0]!);
  const rows = [sizeRow("all stored", bytes(), lines, commits)];
  const halfway = ((first! + clock.time) / 2) as UnixMs;
  for (const [what, limits] of [
    ["older than half of the time deleted", { before: halfway, disk: null }],
    ["down to a disk budget of two fifths", { before: null, disk: bytes() * 0.4 }],
  ] satisfies [string, RetentionLimits][]) {
    const steps: number[] = [];
    // Ingestion goes on between two steps.
    for (let more = true; more; writer.commit(last!)) {
      steps.push(
        timed(() => {
          more = writer.retain(limits);
        }),
      );
    }
    rows.push(sizeRow(what, bytes(), null, steps));
  }
  const head = ["", "MiB on disk", "bytes an event", "transactions", "p99", "longest"];
  return `${markdown(head, rows)}\n\n${markdown(["the dashboard asks for", "first", "again"], answers)}`;
}

/** What the file holds, or will when the write-ahead log is copied into it. */
function sizeOf(file: string): number {
  const connection = new Database(file, { readonly: true });
  const pages = connection.pragma("page_count", { simple: true }) as number;
  const bytes = pages * (connection.pragma("page_size", { simple: true }) as number);
  connection.close();
  return bytes;
}

const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

function sizeRow(what: string, bytes: number, events: number | null, times: readonly number[]): string[] {
  return [
    what,
    (bytes / MIB).toFixed(0),
    events === null ? "" : (bytes / events).toFixed(1),
    String(times.length),
    milliseconds(percentile(times, 0.99)),
    milliseconds(percentile(times, 1)),
  ];
}

function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

async function* batches(log: string, source: number): AsyncGenerator<Batch> {
  const parser = createParser("access", "combined", null);
  const fingerprint = { device: 1, inode: 1, head: "", headLength: 0 };
  let lines: string[] = [];
  let offset = 0;
  const batch = (): Batch => ({
    events: parseLines({ lines, cut: new Set() }, parser, source, 0 as UnixMs),
    sockets: [],
    findings: [],
    judgements: [],
    checkpoint: { source, fingerprint, offset, tail: "" },
  });
  for await (const read of readLog(log)) {
    for (const line of read.lines) lines.push(line);
    offset = read.offset;
    if (lines.length < BATCH_LINES) continue;
    yield batch();
    lines = [];
  }
  if (lines.length > 0) yield batch();
}

function questions(file: string, clock: Clock, event: Batch["events"][number]): string[][] {
  using reader = new StoreReader(file, clock);
  const page = { limit: 50, cursor: null };
  const client = (event.kind === "access" ? event.client : null) as Ip;
  const asked: Record<string, () => unknown> = {
    "the status": () => [reader.counts(), reader.sourceCounts(), reader.eventCounts(), reader.size()],
    "a day of traffic": () => reader.traffic(1_440),
    "the newest events": () => reader.events({ ...page, client: null, kind: null }),
    "what did not parse": () => reader.events({ ...page, client: null, kind: "unparsed" }),
    "a client's events": () => reader.events({ ...page, client, kind: null }),
    "a client's errors": () => reader.events({ ...page, client, kind: "error" }),
    "an unknown client's events": () => reader.events({ ...page, client: "192.0.2.1" as Ip, kind: null }),
  };
  return Object.entries(asked).map(([what, ask]) => [
    what,
    milliseconds(timed(ask)),
    milliseconds(timed(ask)),
  ]);
}

import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import Database from "better-sqlite3";
import { Daemon } from "./daemon.ts";
import { type BenchOptions, cpuSeconds, markdown, peakMiB, percentile, residentMiB } from "./measure.ts";

const LINES_A_SECOND = 5_000;
const WRITE_EVERY_MS = 20;
/** How often the database is asked what is committed: the latencies are as exact as that. */
const ASK_EVERY_MS = 2;
/** Written first and not measured: a program that has just started compiles its code. */
const WARM_UP_SECONDS = 3;

/**
 * What does the daemon cost while a live log grows by 5,000 lines a second, and how long does a line take from being
 * written to being committed?
 */
export async function tailBench({ log, seconds, lines, directory }: BenchOptions): Promise<string> {
  const wanted = Math.min(lines, LINES_A_SECOND * (WARM_UP_SECONDS + seconds));
  const pieces = await piecesOf(log(), wanted);
  const live = join(directory, "live.log");
  const descriptor = openSync(live, "w");
  await using daemon = await Daemon.start(live, directory, "all cores");
  try {
    await daemon.untilStored(0);
    using committed = new Committed(daemon.database);
    const warmUp = Math.floor((WARM_UP_SECONDS * 1000) / WRITE_EVERY_MS);
    await write(descriptor, pieces.slice(0, warmUp), committed);
    await committed.drained();
    committed.forget();
    const [cpu, started] = [cpuSeconds(daemon.pid), performance.now()];
    await write(descriptor, pieces.slice(warmUp), committed);
    await committed.drained();
    const elapsed = (performance.now() - started) / 1000;
    const share = ((cpuSeconds(daemon.pid) - cpu) / elapsed) * 100;
    const { latencies } = committed;
    const milliseconds = (part: number) => `${percentile(latencies, part).toFixed(0)} ms`;
    return markdown(
      ["lines/s", "of one core", "resident", "peak", "p50", "p99", "longest"],
      [
        [
          String(Math.round(((pieces.length - warmUp) * LINES_A_PIECE) / elapsed)),
          `${share.toFixed(1)} %`,
          `${residentMiB(daemon.pid).toFixed(0)} MiB`,
          `${peakMiB(daemon.pid).toFixed(0)} MiB`,
          milliseconds(0.5),
          milliseconds(0.99),
          milliseconds(1),
        ],
      ],
    );
  } finally {
    closeSync(descriptor);
  }
}

const LINES_A_PIECE = (LINES_A_SECOND * WRITE_EVERY_MS) / 1000;

/** The first lines of the log, in pieces that are written at once. */
async function piecesOf(log: string, lines: number): Promise<string[]> {
  const pieces: string[] = [];
  let piece: string[] = [];
  for await (const line of createInterface({ input: createReadStream(log, "latin1") })) {
    piece.push(`${line}\n`);
    if (piece.length < LINES_A_PIECE) continue;
    pieces.push(piece.join(""));
    piece = [];
    if (pieces.length * LINES_A_PIECE >= lines) break;
  }
  return pieces;
}

/** Writes on time: what was late is made up for. */
async function write(descriptor: number, pieces: readonly string[], committed: Committed): Promise<void> {
  const started = performance.now();
  for (const [index, piece] of pieces.entries()) {
    const due = started + index * WRITE_EVERY_MS;
    for (let left = due - performance.now(); left > 0; left = due - performance.now())
      await setTimeout(Math.min(left, ASK_EVERY_MS)).then(() => committed.look());
    writeSync(descriptor, piece, null, "latin1");
    committed.written();
    committed.look();
  }
}

/** When each piece was written, and when the database had it. */
class Committed implements Disposable {
  readonly #connection: Database.Database;
  readonly #ask: Database.Statement;
  #waiting: { readonly lines: number; readonly at: number }[] = [];
  #lines = 0;
  latencies: number[] = [];

  constructor(file: string) {
    this.#connection = new Database(file, { readonly: true });
    this.#ask = this.#connection.prepare("SELECT coalesce(sum(lines), 0) FROM sources").pluck();
  }

  written(): void {
    this.#lines += LINES_A_PIECE;
    this.#waiting.push({ lines: this.#lines, at: performance.now() });
  }

  look(): void {
    const stored = this.#ask.get() as number;
    const now = performance.now();
    while (this.#waiting.length > 0 && this.#waiting[0]!.lines <= stored)
      this.latencies.push(now - this.#waiting.shift()!.at);
  }

  async drained(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setTimeout(ASK_EVERY_MS);
      this.look();
    }
  }

  forget(): void {
    this.latencies = [];
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

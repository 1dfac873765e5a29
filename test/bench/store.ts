import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "./daemon.ts";
import { type BenchOptions, type Measured, measure, peakMiB, race } from "./measure.ts";
import { goAccess } from "./peers.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/**
 * How fast does the daemon catch up with a log when everything is stored, its start included, beside better-sqlite3 that
 * only inserts the same rows, and beside GoAccess that stores nothing?
 */
export async function storeBench({ log, lines, rounds, directory }: BenchOptions): Promise<string> {
  const file = log();
  const stored = join(directory, "stored.sqlite");
  let sinceFirst: Measured | null = null;
  const catchUp = async (cores: "one core" | "all cores"): Promise<Measured> => {
    const started = performance.now();
    await using daemon = await Daemon.start(file, directory, cores);
    const { firstAt } = await daemon.untilStored(lines);
    const ended = performance.now();
    const run = { peakMiB: peakMiB(daemon.pid), output: "" };
    await daemon.stop();
    copyFileSync(daemon.database, stored);
    sinceFirst = { ...run, seconds: (ended - firstAt) / 1000 };
    return { ...run, seconds: (ended - started) / 1000 };
  };
  return race(
    [
      { what: "sekisho run, its start included", lines, run: () => catchUp("one core") },
      // Of the same run. The lines of the first batch count though their time does not: half a percent.
      { what: "sekisho run, once it has started", lines, run: async () => sinceFirst! },
      { what: "sekisho run, on all cores", lines, run: () => catchUp("all cores") },
      { what: "better-sqlite3, the same rows", lines, run: () => insertRaw(stored, lines, directory) },
      ...goAccess(file, lines),
    ],
    rounds,
  );
}

/** Only inserting counts. Its memory holds all rows beforehand, which says nothing. */
async function insertRaw(stored: string, lines: number, directory: string): Promise<Measured> {
  const folder = mkdtempSync(join(directory, "raw-"));
  try {
    const args = [join(import.meta.dirname, "raw-insert.ts"), stored, join(folder, "raw.sqlite")];
    const run = await measure(join(ROOT, "bin/node"), args, ROOT);
    const { seconds, rows } = JSON.parse(run.output) as { seconds: number; rows: number };
    if (rows !== lines) throw new Error(`inserted ${rows} rows of ${lines}`);
    return { ...run, seconds, peakMiB: Number.NaN };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

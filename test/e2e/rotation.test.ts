import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { DaemonUnderTest } from "./daemon.ts";

/** Each line has a path of its own, so that one that is missing or doubled can be told. */
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => {
    return `192.0.2.7 - - [20/Nov/2026:22:01:30 +0000] "GET /page/${from + n} HTTP/1.1" 200 287 "-" "Mozilla/5.0"\n`;
  }).join("");

function rotate(log: string): void {
  for (const [from, to] of [
    [".2.gz", ".3.gz"],
    [".2.zst", ".3.zst"],
  ] as const) {
    if (existsSync(log + from)) renameSync(log + from, log + to);
  }
  if (existsSync(`${log}.1`)) renameSync(`${log}.1`, `${log}.2`);
  renameSync(log, `${log}.1`);
  writeFileSync(log, "");
}

test("a log that is rotated and packed while the daemon is down or killed is stored line by line, each once", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "");
  await using daemon = new DaemonUnderTest(
    folder.path,
    // The lines are of a day that is long over.
    `logs: [{ path: ${log} }]\nstore: { retention: permanent }\ndashboard: { listen: "127.0.0.1:0" }\n`,
  );
  const stored = (): { rows: number; paths: number } => {
    using database = open(join(daemon.data, "sekisho.sqlite"));
    const rows = `SELECT count(*) AS "rows", count(DISTINCT t.value) AS paths FROM events e JOIN texts t ON t.id = e.path`;
    return database.connection.prepare(rows).get() as { rows: number; paths: number };
  };
  await daemon.start();
  appendFileSync(log, lines(0, 1_000));
  await expect.poll(() => stored().rows).toBe(1_000);
  await daemon.kill("SIGKILL");

  appendFileSync(log, lines(1_000, 40_000));
  rotate(log);
  appendFileSync(log, lines(40_000, 80_000));
  rotate(log);
  writeFileSync(`${log}.2.gz`, gzipSync(readFileSync(`${log}.2`)));
  rmSync(`${log}.2`);
  appendFileSync(log, lines(80_000, 90_000));
  await daemon.start();
  await expect.poll(() => stored().rows, { interval: 20 }).toBeGreaterThan(1_000);
  // In the middle of it, and the log is rotated once more before the next start.
  await daemon.kill("SIGKILL");
  rotate(log);
  writeFileSync(`${log}.2.zst`, zstdCompressSync(readFileSync(`${log}.2`)));
  rmSync(`${log}.2`);
  appendFileSync(log, lines(90_000, 100_000));
  await daemon.start();
  await expect.poll(stored).toEqual({ rows: 100_000, paths: 100_000 });
});

function open(file: string): { readonly connection: Database.Database } & Disposable {
  const connection = new Database(file, { readonly: true });
  return { connection, [Symbol.dispose]: () => connection.close() };
}

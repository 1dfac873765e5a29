import { createWriteStream, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { DaemonUnderTest } from "./daemon.ts";

const LINES = 50_000;

/** Each line has a path of its own, so that one that is missing or doubled can be told. */
async function writeLog(path: string): Promise<void> {
  const out = createWriteStream(path);
  for (let n = 0; n < LINES; n++) {
    const client = `10.${n % 7}.${n % 200}.${n % 250}`;
    out.write(
      `${client} - - [20/Nov/2026:22:01:30 +0000] "GET /page/${n} HTTP/1.1" 200 287 "-" "Mozilla/5.0"\n`,
    );
  }
  await new Promise((resolve) => out.end(resolve));
}

test("kill -9 in the middle of 50,000 lines, again and again: every line is stored exactly once", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  await writeLog(log);
  await using daemon = new DaemonUnderTest(
    folder.path,
    // The lines are of a day that is long over.
    `logs: [{ path: ${log} }]\nstore: { retention: permanent }\ndashboard: { listen: "127.0.0.1:0" }\n`,
  );
  const database = join(daemon.data, "sekisho.sqlite");
  const stored = (): number => {
    if (!existsSync(database)) return 0;
    using reader = open(database);
    return reader.connection.prepare("SELECT count(*) FROM events").pluck().get() as number;
  };
  let kills = 0;
  let after = 0;
  while (stored() < LINES && kills < 15) {
    await daemon.start();
    // Later each time, so that it dies at many stages: while starting, reading, committing.
    await sleep(20 + 30 * (kills % 10));
    await daemon.kill("SIGKILL");
    kills++;
    const now = stored();
    expect(now).toBeGreaterThanOrEqual(after);
    after = now;
  }
  expect(kills).toBeGreaterThan(1);
  // A slow machine has not read all by then.
  if (after < LINES) {
    await daemon.start();
    await expect.poll(stored, { timeout: 90_000, interval: 500 }).toBe(LINES);
    await daemon.kill("SIGKILL");
  }
  using reader = open(database);
  const [row] = reader.connection
    .prepare(
      "SELECT count(*) AS rows, count(DISTINCT t.value) AS paths FROM events e JOIN texts t ON t.id = e.path",
    )
    .all() as { rows: number; paths: number }[];
  expect(row).toEqual({ rows: LINES, paths: LINES });
  expect(reader.connection.prepare("SELECT lines FROM sources").pluck().get()).toBe(LINES);
  expect(reader.connection.pragma("integrity_check", { simple: true })).toBe("ok");
});

function open(file: string): { readonly connection: Database.Database } & Disposable {
  const connection = new Database(file, { readonly: true });
  return { connection, [Symbol.dispose]: () => connection.close() };
}

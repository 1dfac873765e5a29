import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { ruleSchema } from "../../src/evaluate/rule-schema.ts";
import type { Answers, Command, FromWorker, IngestedLog, IngestSettings } from "../../src/ingest/messages.ts";
import { IngestThread } from "../../src/ingest/thread.ts";
import type { SekishoError } from "../../src/model/errors.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { type DurationMs, parseDuration } from "../../src/model/time.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const HOUR = parseDuration("1h") as DurationMs;
const TARGET = parseTarget("192.0.2.7") as Target;
const denials = (count: number): string =>
  `192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 403 1\n`.repeat(count);
const log = (path: string, more: Partial<IngestedLog> = {}): IngestedLog => ({
  path,
  kind: "access",
  format: "auto",
  timezone: null,
  fields: null,
  ...more,
});
const rule = (match: object) => ({
  id: "denied",
  spec: ruleSchema.parse({
    title: { en: "Denied", ja: "拒否" },
    detects: "d",
    why: "w",
    severity: "medium",
    events: "access",
    match,
    bucket: { kind: "threshold", count: 3, window: "1m" },
    ban: "permanent",
  }),
});
const settings = (logs: readonly IngestedLog[], match: object = { status: 403 }): IngestSettings => ({
  mode: "observe",
  logs,
  rules: [rule(match)],
  origins: [],
  allowlist: [],
  trustedProxies: [],
  policy: { ban: HOUR, factor: 2, max: HOUR, memory: HOUR },
});

/** The real thread on a database of its own, and what it told. */
class Ingesting implements AsyncDisposable {
  readonly database: string;
  lines = 0;
  decided: string[] = [];
  problems: string[] = [];
  readonly failures: string[] = [];
  worker!: Worker;
  #thread!: IngestThread;

  private constructor(folder: string) {
    this.database = join(folder, "sekisho.sqlite");
  }

  static async start(folder: string, logs: readonly IngestedLog[]): Promise<Ingesting> {
    const running = new Ingesting(folder);
    process.once("worker", (worker: Worker) => {
      running.worker = worker;
    });
    running.#thread = await IngestThread.start(
      { databaseFile: running.database, unparsedBudget: 1_000, settings: settings(logs) },
      (message) => running.#hear(message),
      (error) => running.failures.push(error.message),
    );
    return running;
  }

  #hear(message: Extract<FromWorker, { kind: "committed" | "state" }>): void {
    if (message.kind === "state") this.problems = message.problems.map(({ code }) => code);
    else {
      this.lines += message.lines;
      this.decided.push(...message.decided.map(({ target }) => target));
    }
  }

  /** The answer, or the code of the refusal. */
  request = <K extends Command["kind"]>(
    command: Extract<Command, { kind: K }>,
  ): Promise<Answers[K] | string> =>
    this.#thread.request<K>(command).catch((error: SekishoError) => error.code);

  [Symbol.asyncDispose] = (): Promise<void> => this.#thread.stop();
}

test("a thread that dies is told once, refuses what is asked of it, and does not keep the daemon from stopping", async () => {
  using folder = temporaryFolder();
  const running = await Ingesting.start(folder.path, []);
  await running.worker.terminate();
  expect(running.failures).toEqual(["the ingestion thread ended"]);
  expect(await running.request<"unban">({ kind: "unban", target: TARGET })).toBe("INTERNAL");
  await running[Symbol.asyncDispose]();
});

test("settings that cannot run are refused, and those that ran go on", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "access.log");
  writeFileSync(path, denials(2));
  await using running = await Ingesting.start(folder.path, [log(path)]);
  await expect.poll(() => running.lines).toBe(2);
  const refused = { kind: "configure", settings: settings([], { level: "error" }) } as const;
  expect(await running.request<"configure">(refused)).toBe("RULE_INVALID");
  appendFileSync(path, denials(1));
  await expect.poll(() => running.decided).toEqual([TARGET]);
});

test("two JSON logs are read each by its own names", async () => {
  using folder = temporaryFolder();
  const logs = ["ip", "remote"].map((client) => {
    const path = join(folder.path, `${client}.log`);
    const line = {
      [client]: "192.0.2.7",
      time: "2026-11-20T12:00:00Z",
      method: "GET",
      path: "/",
      status: 403,
    };
    writeFileSync(path, `${JSON.stringify(line)}\n`.repeat(2));
    return log(path, { format: "json", fields: { client } });
  });
  await using running = await Ingesting.start(folder.path, logs);
  await expect.poll(() => running.lines).toBe(4);
  expect(running.decided).toEqual([TARGET]);
});

test("while the database is locked a ban is refused and leaves no trace, and a new log is taken up afterwards", async () => {
  using folder = temporaryFolder();
  await using running = await Ingesting.start(folder.path, [log(join(folder.path, "*.log"))]);
  const other = new Database(running.database);
  other.exec("BEGIN IMMEDIATE");
  writeFileSync(join(folder.path, "access.log"), denials(3));
  const ban = { kind: "ban", target: TARGET, length: HOUR, reason: "a test" } as const;
  expect(await running.request<"ban">(ban)).toBe("DATABASE_LOCKED");
  await expect.poll(() => running.problems, { timeout: 15_000 }).toEqual(["DATABASE_LOCKED"]);
  other.exec("ROLLBACK");
  other.close();
  await expect.poll(() => running.decided, { timeout: 15_000 }).toEqual([TARGET]);
  await expect.poll(() => running.problems, { timeout: 5_000 }).toEqual([]);
  expect(running.failures).toEqual([]);
}, 60_000);

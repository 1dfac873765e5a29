import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import type { Answers, Command, IngestedLog, IngestSettings, Told } from "../../src/ingest/messages.ts";
import { IngestThread } from "../../src/ingest/thread.ts";
import type { SekishoError } from "../../src/model/errors.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { type DurationMs, parseDuration, type UnixMs, unixMs } from "../../src/model/time.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { ruleSpec } from "../evaluate/rules.ts";
import { missing } from "../requirements.ts";
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
const rule = (match: object) => ({ id: "denied", spec: ruleSpec("denied", { match, ban: "permanent" }) });
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
      (error) => running.failures.push(error.message),
    );
    running.#thread.hear((message) => running.#hear(message));
    await running.#thread.reading;
    return running;
  }

  #hear(message: Told): void {
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
  await expect.poll(() => running.problems).toEqual(["DATABASE_LOCKED"]);
  other.exec("ROLLBACK");
  other.close();
  await expect.poll(() => running.decided).toEqual([TARGET]);
  await expect.poll(() => running.problems).toEqual([]);
  expect(running.failures).toEqual([]);
});

test("an unban that finds no ban changes nothing: hits count on", async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "access.log");
  writeFileSync(path, denials(2));
  await using running = await Ingesting.start(folder.path, [log(path)]);
  await expect.poll(() => running.lines).toBe(2);
  const unban = { kind: "unban", target: TARGET } as const;
  expect(await running.request<"unban">(unban)).toBe("TARGET_NOT_BANNED");
  appendFileSync(path, denials(1));
  await expect.poll(() => running.decided).toEqual([TARGET]);
  expect(await running.request<"unban">(unban)).toBeNull();
  expect(await running.request<"unban">(unban)).toBe("TARGET_NOT_BANNED");
});

test("a reset of the circuit breaker that could not lift the bans can be asked for again", async () => {
  using folder = temporaryFolder();
  const now = unixMs(Date.now());
  {
    using store = new StoreWriter(join(folder.path, "sekisho.sqlite"), 0, { now: () => now });
    const until = (now + HOUR) as UnixMs;
    const ban = { kind: "ban", target: TARGET, rule: "denied", by: "rule", reason: "a test" } as const;
    store.decide({ ...ban, at: now, until, reportedBy: null });
    store.halts.begin({ name: "breaker", since: now, reason: "a test", from: now });
  }
  await using running = await Ingesting.start(folder.path, []);
  const other = new Database(running.database);
  other.exec("CREATE TRIGGER broken BEFORE UPDATE ON decisions BEGIN SELECT raise(ABORT, 'broken'); END");
  const reset = { kind: "end-halt", name: "breaker", lift: true } as const;
  expect(await running.request<"end-halt">(reset)).toBe("INTERNAL");
  other.exec("DROP TRIGGER broken");
  other.close();
  expect(await running.request<"end-halt">(reset)).toBe(1);
  expect(await running.request<"end-halt">(reset)).toBe("NOT_HALTED");
});

test.skipIf(missing("root"))(
  "a ban that waits for room on the disk cannot be taken back until it is stored",
  async () => {
    using folder = temporaryFolder();
    const disk = join(folder.path, "disk");
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "sekisho-test", disk]);
    try {
      const path = join(folder.path, "access.log");
      await using running = await Ingesting.start(disk, [log(path)]);
      expect(() => writeFileSync(join(disk, "ballast"), Buffer.alloc(4 << 20))).toThrow("ENOSPC");
      const others = Array.from({ length: 100 }, (_, n) =>
        denials(1)
          .replace("192.0.2.7", "192.0.2.8")
          .replace("403", "200")
          .replace("/ ", `/${n}${"x".repeat(900)} `),
      );
      writeFileSync(path, `${denials(3)}${others.join("")}`);
      await expect.poll(() => running.problems).toEqual(["DISK_FULL"]);
      const unban = { kind: "unban", target: TARGET } as const;
      expect(await running.request<"unban">(unban)).toBe("DISK_FULL");
      rmSync(join(disk, "ballast"));
      await expect.poll(() => running.decided).toEqual([TARGET]);
      expect(await running.request<"unban">(unban)).toBeNull();
    } finally {
      execFileSync("umount", ["-l", disk]);
    }
  },
);

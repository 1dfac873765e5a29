/** What may stand in a log's place, and how it is taken up again. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, Server } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FollowedLog } from "../../src/tail/followed-log.ts";
import { LineReader } from "../../src/tail/line-reader.ts";
import { openLog } from "../../src/tail/open-log.ts";
import { asNobody } from "../config/as-nobody.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, Running } from "./running.ts";

type Put = (path: string) => unknown;
/** What, how it gets there, and what is told of it. */
const UNFIT: readonly [string, Put, string, RegExp][] = [
  ["nothing", () => {}, "LOG_MISSING", /does not exist/],
  ["a folder", (path) => mkdirSync(path), "LOG_UNREADABLE", /not a regular file/],
  ["a pipe", (path) => execFileSync("mkfifo", [path]), "LOG_UNREADABLE", /not a regular file/],
  [
    "a socket",
    async (path) => {
      const server = createServer().listen(path);
      await once(server, "listening");
      return server;
    },
    "LOG_UNREADABLE",
    /not a regular file/,
  ],
  ["a link to a device", (path) => symlinkSync("/dev/zero", path), "LOG_UNREADABLE", /not a regular file/],
  ["a link into nothing", (path) => symlinkSync(`${path}.nowhere`, path), "LOG_MISSING", /does not exist/],
  ["a link to itself", (path) => symlinkSync(path, path), "LOG_UNREADABLE", /symbolic link/],
  [
    "a packed file",
    (path) => {
      writeFileSync(path, "packed\n");
      execFileSync("gzip", [path]);
      renameSync(`${path}.gz`, path);
    },
    "LOG_UNREADABLE",
    /is packed/,
  ],
];

describe("a log in whose place stands", () => {
  test.each(UNFIT)(
    "%s is a problem of that log, and is read again once it is a file",
    async (_what, put, code, message) => {
      using folder = temporaryFolder();
      const log = join(folder.path, "access.log");
      const other = join(folder.path, "other.log");
      writeFileSync(log, "one\n");
      writeFileSync(other, "other\n");
      await using running = new Running(join(folder.path, "*.log"), new Registry());
      const problems = () => running.tailer.status().map(({ problem }) => problem?.code);
      await running.has(2);
      renameSync(log, join(folder.path, "moved-away"));
      {
        const server = await put(log);
        await using _server = server instanceof Server ? server : null;
        await eventually(problems).toEqual([code, undefined]);
        expect(running.problem()!.message).toMatch(message);
        expect(running.problem()!.hint.length).toBeGreaterThan(10);
        // Who had it open goes on writing, and it goes on being read.
        writeFileSync(join(folder.path, "moved-away"), "two\n", { flag: "a" });
        await running.has(3);
        rmSync(log, { recursive: true, force: true });
      }
      writeFileSync(log, "three\n");
      await running.has(4);
      expect(problems()).toEqual([undefined, undefined]);
      expect(running.lines.filter((line) => line !== "other")).toEqual(["one", "two", "three"]);
    },
  );

  test("a link to another file is read there, and again where it leads next", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    for (const day of ["monday", "tuesday"]) writeFileSync(join(folder.path, day), `${day}\n`);
    symlinkSync(join(folder.path, "monday"), log);
    await using running = new Running(log, new Registry());
    await running.has(1);
    symlinkSync(join(folder.path, "tuesday"), `${log}.new`);
    renameSync(`${log}.new`, log);
    await running.has(2);
    writeFileSync(join(folder.path, "monday"), "late on monday\n", { flag: "a" });
    await running.has(3);
    expect(running.lines).toEqual(["monday", "tuesday", "late on monday"]);
  });
});

test("a link that leads on before the first line of an empty file was seen loses no line", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const lead = (day: string): void => {
    symlinkSync(join(folder.path, day), `${log}.new`);
    renameSync(`${log}.new`, log);
  };
  const days = Array.from({ length: 20 }, (_, day) => `day ${day}`);
  writeFileSync(join(folder.path, days[0]!), "");
  lead(days[0]!);
  await using running = new Running(log, new Registry());
  await eventually(() => running.tailer.status().length).toBe(1);
  for (const [at, day] of days.entries()) {
    await eventually(() => running.lines.length).toBe(at);
    appendFileSync(join(folder.path, day), `${day}\n`);
    if (days[at + 1] === undefined) break;
    writeFileSync(join(folder.path, days[at + 1]!), "");
    lead(days[at + 1]!);
  }
  await running.isIdleWith(days);
});

test("a pipe that takes a log's place between two looks is not waited for", () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "");
  const stat = statSync(log);
  rmSync(log);
  execFileSync("mkfifo", [log]);
  expect(() => openLog(log, stat, "access")).toThrow("not a regular file");
});

test("a log that its user may not read is a problem with a hint, and is read once it may be", () => {
  using folder = temporaryFolder();
  chmodSync(folder.path, 0o777);
  const module = join(import.meta.dirname, "../../src/tail/tailer.ts");
  const told = asNobody(
    module,
    "Tailer",
    `const { chmodSync, writeFileSync } = await import("node:fs");
    const path = ${JSON.stringify(join(folder.path, "access.log"))};
    writeFileSync(path, "one\\n");
    chmodSync(path, 0);
    const log = { path, kind: "access", format: "auto", timezone: null, fields: null };
    const tailer = new Tailer([log], { register: (log) => ({ ...log, id: 1 }), checkpoints: () => [] });
    const problem = () => tailer.status()[0]?.problem ?? null;
    const problems = [];
    const timer = setInterval(() => {
      if (problem() === null || problems.length > 0) return;
      problems.push(problem().code, problem().hint);
      chmodSync(path, 0o600);
    }, 10);
    for await (const { lines } of tailer.batches(new AbortController().signal)) {
      clearInterval(timer);
      return { problems, lines, after: problem() };
    }`,
  );
  expect(told).toEqual({
    problems: ["LOG_UNREADABLE", expect.stringContaining("group adm")],
    lines: ["one"],
    after: null,
  });
});

test("a link to an audit log is followed only in a folder that nobody else may write to", async () => {
  using folder = temporaryFolder();
  using elsewhere = temporaryFolder();
  const secret = join(elsewhere.path, "secret");
  writeFileSync(secret, "for root only\n");
  const log = join(folder.path, "audit.jsonl");
  symlinkSync(secret, log);
  const open = (kind: "audit" | "access") => openLog(log, statSync(log), kind);
  closeSync(open("audit"));
  chmodSync(folder.path, 0o1777);
  expect(() => open("audit")).toThrow(/is a link in a folder that others/);
  // Apache's own logs are root's.
  closeSync(open("access"));
  rmSync(log);
  writeFileSync(log, "mine\n");
  closeSync(open("audit"));
});

test("what an app links to as a generation of its audit log is not read", async () => {
  using folder = temporaryFolder();
  using elsewhere = temporaryFolder();
  chmodSync(folder.path, 0o777);
  const secret = join(elsewhere.path, "secret");
  writeFileSync(secret, "for root only\n");
  const log = join(folder.path, "audit.jsonl");
  const registry = new Registry();
  writeFileSync(log, "one\n");
  {
    await using running = new Running(log, registry, { kind: "audit" });
    await running.has(1);
  }
  symlinkSync(secret, `${log}.1`);
  rmSync(log);
  writeFileSync(log, "two\n");
  await using running = new Running(log, registry, { kind: "audit" });
  await running.has(1);
  expect(running.lines).toEqual(["two"]);
  expect(running.problem()?.message).toMatch(/is a link/);
});

/** A regular file that opens and fails when it is read, as on a bad disk or a network drive that went away. */
const FAILING = "/proc/self/mem";
const openDescriptors = () => readdirSync("/proc/self/fd").length;

test("a log that opens and cannot be read is a problem of that log, and no look at it leaves it open", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "access.log");
  symlinkSync(FAILING, path);
  const source = { id: 1, path, kind: "access", format: "auto", timezone: null, fields: null } as const;
  const followed = new FollowedLog(source, [], new LineReader());
  const before = openDescriptors();
  for (let looks = 0; looks < 5; looks++) followed.check();
  expect(followed.problem).toMatchObject({ code: "LOG_UNREADABLE", message: expect.stringMatching(/EIO/) });
  expect(openDescriptors()).toBe(before);
});

test("a generation that opens and cannot be read is a problem of that log, which goes on", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, "one\n");
  {
    await using running = new Running(log, registry);
    await running.has(1);
  }
  rmSync(log);
  symlinkSync(FAILING, `${log}.1`);
  writeFileSync(log, "two\n");
  const before = openDescriptors();
  {
    await using running = new Running(log, registry);
    await running.has(1);
    expect(running.lines).toEqual(["two"]);
    expect(running.problem()).toMatchObject({
      code: "LOG_UNREADABLE",
      message: expect.stringMatching(/EIO/),
    });
  }
  expect(openDescriptors()).toBe(before);
});

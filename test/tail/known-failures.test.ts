/** What other tailers are known to have lost, doubled or stumbled over. */
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, linesOf, numbered, Running } from "./running.ts";

/** More than is compared of a file's beginning. */
const SAME_BEGINNING = `${"the same in both ".repeat(100)}\n`;

test("a burst of thousands of changes among files that come and go loses no line", async () => {
  using folder = temporaryFolder();
  await using running = new Running(join(folder.path, "*.log"), new Registry());
  for (let file = 0; file < 40; file++) writeFileSync(join(folder.path, `${file}.log`), "");
  for (let round = 0; round < 100; round++) {
    const noise = join(folder.path, `noise-${round}`);
    writeFileSync(noise, "");
    for (let file = 0; file < 40; file++) {
      const log = join(folder.path, `${file}.log`);
      appendFileSync(log, `${file} ${round}\n`);
    }
    rmSync(noise);
  }
  await running.has(4_000);
  expect(new Set(running.lines).size).toBe(4_000);
});

test("many logs that are replaced at once, each by a file that was written elsewhere, are all read whole", async () => {
  using folder = temporaryFolder();
  const logs = Array.from({ length: 60 }, (_, n) => join(folder.path, `${n}.log`));
  const replace = (round: number): void => {
    for (const log of logs) writeFileSync(`${log}.new`, `${log} round ${round}\n`);
    for (const log of logs) renameSync(`${log}.new`, log);
  };
  await using running = new Running(join(folder.path, "*.log"), new Registry());
  for (let round = 0; round < 5; round++) {
    replace(round);
    await running.has((round + 1) * logs.length);
  }
  expect(new Set(running.lines).size).toBe(5 * logs.length);
});

test("links into nothing, and a link to itself, do not keep the other logs of their folder from being read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "b.log");
  symlinkSync(join(folder.path, "nowhere"), join(folder.path, "a.log"));
  symlinkSync(join(folder.path, "c.log"), join(folder.path, "c.log"));
  symlinkSync(join(folder.path, "nowhere"), `${log}.9`);
  writeFileSync(log, numbered(0, 2));
  const registry = new Registry();
  {
    await using running = new Running(join(folder.path, "*.log"), registry);
    await running.has(2);
    appendFileSync(log, numbered(2, 3));
    await running.has(3);
    expect(running.tailer.watchProblem).toBeNull();
    const problems = running.tailer.status().map(({ problem }) => problem?.code);
    expect(problems).toEqual(["LOG_MISSING", undefined, "LOG_UNREADABLE"]);
  }
  renameSync(log, `${log}.1`);
  appendFileSync(`${log}.1`, numbered(3, 4));
  writeFileSync(log, numbered(4, 5));
  await using running = new Running(join(folder.path, "*.log"), registry);
  await running.isIdleWith(["line 3", "line 4"]);
});

test("a log that is truncated and written again with the same beginning, beyond where it was read, is read anew and once", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, SAME_BEGINNING + numbered(0, 100));
  const registry = new Registry();
  {
    await using running = new Running(log, registry);
    await running.has(101);
    writeFileSync(log, SAME_BEGINNING + numbered(1_000, 1_200));
    await running.has(302);
    expect(running.lines.slice(101)).toEqual(linesOf(SAME_BEGINNING + numbered(1_000, 1_200)));
  }
  // And while nobody watches.
  writeFileSync(log, SAME_BEGINNING + numbered(2_000, 2_300));
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(SAME_BEGINNING + numbered(2_000, 2_300)));
});

test("a log that is written again with what it had, and more, goes on where it was", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 100));
  await using running = new Running(log, new Registry());
  await running.has(100);
  writeFileSync(log, numbered(0, 110));
  await running.isIdleWith(linesOf(numbered(0, 110)));
});

test("a log that gets the inode of the one that was read is read from its beginning", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, numbered(0, 4));
  {
    await using running = new Running(log, registry);
    await running.has(4);
  }
  rmSync(log);
  writeFileSync(log, numbered(10, 20));
  const { ino } = statSync(log);
  registry.change((each) => ({ ...each, fingerprint: { ...each.fingerprint, inode: ino } }));
  await using running = new Running(log, registry);
  await running.isIdleWith(linesOf(numbered(10, 20)));
});

test("two generations with the same first KiB are told apart, plain and packed, also when an inode is used again", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, SAME_BEGINNING + numbered(0, 100));
  {
    await using running = new Running(log, registry);
    await running.has(101);
  }
  appendFileSync(log, numbered(100, 110));
  const second = SAME_BEGINNING + numbered(200, 310);
  const third = SAME_BEGINNING + numbered(400, 510);
  writeFileSync(`${log}.2.gz`, gzipSync(SAME_BEGINNING + numbered(0, 110)));
  writeFileSync(`${log}.1.gz`, gzipSync(second));
  writeFileSync(log, third); // The first one's inode, as long as it was.
  await using running = new Running(log, registry);
  await running.isIdleWith([...linesOf(numbered(100, 110)), ...linesOf(second), ...linesOf(third)]);
});

test("two logs with the same first KiB are each read whole, live and after a restart", async () => {
  using folder = temporaryFolder();
  const registry = new Registry();
  const [a, b] = ["a.log", "b.log"].map((name) => join(folder.path, name)) as [string, string];
  for (const log of [a, b]) writeFileSync(log, `${SAME_BEGINNING}first of ${log}\n`);
  {
    await using running = new Running(join(folder.path, "*.log"), registry);
    await running.has(4);
  }
  for (const log of [a, b]) appendFileSync(log, `second of ${log}\n`);
  await using running = new Running(join(folder.path, "*.log"), registry);
  await running.isIdleWith([`second of ${a}`, `second of ${b}`]);
});

test("a start in the middle of a line takes neither half of it for a line", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, "whole\nfirst half, ");
  for (const [written, read, waiting] of [
    ["", ["whole"], 12],
    ["still not its end, ", [], 31],
    ["second half\nlast\n", ["first half, still not its end, second half", "last"], 0],
  ] as const) {
    appendFileSync(log, written);
    await using running = new Running(log, registry);
    await eventually(() => running.tailer.status()[0]?.lagBytes).toBe(waiting);
    expect(running.lines).toEqual(read);
  }
});

test("what an old process writes into a log that is already packed and deleted is read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 3));
  const child = openSync(log, "a");
  await using running = new Running(log, new Registry());
  await running.has(3);
  renameSync(log, `${log}.1`);
  writeFileSync(log, numbered(3, 4));
  await running.has(4);
  writeFileSync(`${log}.1.gz`, gzipSync(numbered(0, 3)));
  rmSync(`${log}.1`);
  writeSync(child, "a socket that was open\n");
  await running.isIdleWith([...linesOf(numbered(0, 4)), "a socket that was open"]);
});

test("a folder of logs that is moved away and made anew is read on", async () => {
  using folder = temporaryFolder();
  const logs = join(folder.path, "logs");
  mkdirSync(logs);
  writeFileSync(join(logs, "access.log"), "one\n");
  await using running = new Running(join(logs, "access.log"), new Registry());
  await running.has(1);
  renameSync(logs, join(folder.path, "old"));
  appendFileSync(join(folder.path, "old/access.log"), "two\n");
  await running.has(2);
  mkdirSync(logs);
  writeFileSync(join(logs, "access.log"), "three\n");
  await running.has(3);
  appendFileSync(join(logs, "access.log"), "four\n");
  await running.isIdleWith(["one", "two", "three", "four"]);
});

test("a clock that was set back does not hide lines", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\n");
  await using running = new Running(log, new Registry());
  await running.has(1);
  appendFileSync(log, "two\n");
  utimesSync(log, 1_000, 1_000);
  await running.has(2);
  appendFileSync(log, "three\n");
  utimesSync(log, 1_000, 1_000);
  await running.isIdleWith(["one", "two", "three"]);
});

/** Follows a log in a namespace whose limit is used up; what it read, and what it says of watching. */
function followedWithout(
  limit: "max_inotify_instances" | "max_inotify_watches",
  log: string,
  path: string,
): unknown {
  const tailer = pathToFileURL(join(import.meta.dirname, "../../src/tail/tailer.ts")).href;
  const program = `
    import { appendFileSync } from "node:fs";
    import { Tailer } from ${JSON.stringify(tailer)};
    const log = { path: ${JSON.stringify(path)}, kind: "access", format: "auto", timezone: null, fields: null };
    const tailer = new Tailer([log], { register: (log) => ({ ...log, id: 1 }), checkpoints: () => [] });
    const stop = new AbortController();
    const lines = [];
    for await (const batch of tailer.batches(stop.signal)) {
      lines.push(...batch.lines);
      if (lines.length === 1) setTimeout(() => appendFileSync(${JSON.stringify(log)}, "two\\n"), 100);
      if (lines.length === 2) stop.abort();
    }
    const { code, message, hint } = tailer.watchProblem ?? {};
    console.log(JSON.stringify({ lines, code, message, hint }));
    process.exit();`;
  const script = `echo 0 > /proc/sys/user/${limit} && exec "$0" --input-type=module --eval "$1"`;
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["-U", "-r", "sh", "-c", script, process.execPath, program],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

test.skipIf(missing("userns")).each([
  ["max_inotify_instances", "EMFILE", "site/access.log"],
  ["max_inotify_watches", "ENOSPC", "site/access.log"],
  ["max_inotify_instances", "EMFILE", "*/access.log"],
  ["max_inotify_watches", "ENOSPC", "*/access.log"],
] as const)(
  "without inotify (%s is used up, %s) new lines of %s are found all the same, and it is told",
  (limit, why, path) => {
    using folder = temporaryFolder();
    const log = join(folder.path, "site/access.log");
    mkdirSync(join(folder.path, "site"));
    writeFileSync(log, "one\n");
    expect(followedWithout(limit, log, join(folder.path, path))).toEqual({
      lines: ["one", "two"],
      code: "LOG_UNWATCHED",
      message: expect.stringContaining(`(${why}: `),
      hint: expect.stringContaining("sysctl"),
    });
  },
);

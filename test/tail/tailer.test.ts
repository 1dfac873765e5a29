import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Tailer } from "../../src/tail/tailer.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, numbered, Running } from "./running.ts";

test("lines are read as they are written, and half a line waits for its end", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\ntwo\nthr");
  await using running = new Running(log, new Registry());
  await running.has(2);
  appendFileSync(log, "ee\nfour\r\n");
  await running.has(4);
  expect(running.lines).toEqual(["one", "two", "three", "four"]);
});

test("after a rename the old file is read to its end, also what old processes still write, and then the new one", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 3));
  await using running = new Running(log, new Registry());
  await running.has(3);
  renameSync(log, `${log}.1`);
  appendFileSync(`${log}.1`, numbered(3, 5));
  writeFileSync(log, numbered(5, 7));
  await running.has(7);
  appendFileSync(`${log}.1`, "a socket that was open\n");
  await running.has(8);
  expect(running.lines).toEqual([...numbered(0, 7).trim().split("\n"), "a socket that was open"]);
});

test("a truncated file is read from its beginning", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 100));
  await using running = new Running(log, new Registry());
  await running.has(100);
  truncateSync(log);
  appendFileSync(log, "after\n");
  await running.has(101);
  expect(running.lines.at(-1)).toBe("after");
});

test("a file that was truncated and written beyond its old length is read from its beginning", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 5));
  await using running = new Running(log, new Registry());
  await running.has(5);
  writeFileSync(log, `rewritten\n${numbered(0, 20)}`);
  await running.has(26);
});

test("a file that is truncated and rewritten while another log's batch is stored is read from its beginning", async () => {
  using folder = temporaryFolder();
  const [first, second] = ["a.log", "b.log"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(first, "a 1\n");
  writeFileSync(second, "b 1\nb 2\n");
  const logs = {
    path: join(folder.path, "*.log"),
    kind: "access",
    format: "auto",
    timezone: null,
    fields: null,
  } as const;
  using tailer = new Tailer([logs], new Registry());
  const stop = new AbortController();
  const lines: string[] = [];
  for await (const batch of tailer.batches(stop.signal)) {
    lines.push(...batch.lines);
    if (lines.at(-1) === "b 2") appendFileSync(first, "a 2\n");
    if (lines.at(-1) === "a 2") writeFileSync(second, "rewritten 1\nrewritten 2\n");
    if (lines.at(-1) === "rewritten 2") stop.abort();
  }
  expect(lines).toEqual(["a 1", "b 1", "b 2", "a 2", "rewritten 1", "rewritten 2"]);
});

test("a rotation that is taken back does not make the file be read again", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, numbered(0, 3));
  await using running = new Running(log, new Registry());
  await running.has(3);
  renameSync(log, `${log}.1`);
  writeFileSync(log, numbered(3, 4));
  await running.has(4);
  renameSync(`${log}.1`, log);
  await eventually(() => running.tailer.status()[0]?.lagBytes).toBe(0);
  appendFileSync(log, numbered(4, 5));
  await running.has(5);
  expect(running.lines).toEqual(numbered(0, 5).trim().split("\n"));
});

test("a restart goes on after the last committed line, through rotations that happened meanwhile", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, numbered(0, 4));
  {
    await using first = new Running(log, registry);
    await first.has(4);
  }
  appendFileSync(log, numbered(4, 6));
  renameSync(log, `${log}.1`);
  writeFileSync(log, numbered(6, 9));
  await using second = new Running(log, registry);
  await second.has(5);
  expect(second.lines).toEqual(numbered(4, 9).trim().split("\n"));
});

test("generations that came and went while nobody watched are read in order, and older ones are not", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(`${log}.7`, "long before the first start\n");
  utimesSync(`${log}.7`, 1_000, 1_000);
  writeFileSync(log, numbered(0, 3));
  {
    await using first = new Running(log, registry);
    await first.has(3);
  }
  appendFileSync(log, numbered(3, 5));
  for (let rotation = 0; rotation < 5; rotation++) {
    for (let generation = 6; generation > 0; generation--) {
      if (existsSync(`${log}.${generation}`))
        renameSync(`${log}.${generation}`, `${log}.${generation + 1 === 7 ? 8 : generation + 1}`);
    }
    renameSync(log, `${log}.1`);
    utimesSync(`${log}.1`, 2_000 + rotation, 2_000 + rotation);
    writeFileSync(log, numbered(5 + rotation * 2, 7 + rotation * 2));
  }
  await using second = new Running(log, registry);
  await second.has(12);
  expect(second.lines).toEqual(numbered(3, 15).trim().split("\n"));
});

test("a deleted file of a glob is let go of, with its place on the disk and in the status", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "a.log");
  writeFileSync(log, "one\n");
  writeFileSync(join(folder.path, "b.log"), "two\n");
  await using running = new Running(join(folder.path, "*.log"), new Registry());
  await running.has(2);
  utimesSync(log, 1_000, 1_000);
  rmSync(log);
  const paths = () => running.tailer.status().map(({ source }) => source.path);
  await eventually(paths).toEqual([join(folder.path, "b.log")]);
  const open = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the listing's own
    }
  });
  expect(open.filter((path) => path.startsWith(log))).toEqual([]);
});

test("another file with the same beginning and a reused name is not taken for the one that was read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, numbered(0, 4));
  {
    await using first = new Running(log, registry);
    await first.has(4);
  }
  // Made while the other is still there, or it might get that one's inode.
  writeFileSync(join(folder.path, "next"), numbered(0, 6));
  renameSync(join(folder.path, "next"), log);
  await using second = new Running(log, registry);
  await second.has(6);
});

test("a line that does not end within 8 MiB is cut and marked, and the next line is whole", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, `before\n${"x".repeat(9 << 20)}\nnext\n`);
  await using running = new Running(log, new Registry());
  await running.has(3);
  expect(running.cut).toHaveLength(1);
  expect(running.lines[0]).toBe("before");
  expect(running.lines[1]).toHaveLength(1 << 20);
  expect(running.lines[2]).toBe("next");
});

test("a restart in the middle of a cut line does not take its rest for a line", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  writeFileSync(log, "x".repeat((8 << 20) + 10));
  {
    await using first = new Running(log, registry);
    await first.has(1);
  }
  appendFileSync(log, "forged line\nnext\n");
  await using second = new Running(log, registry);
  await second.has(1);
  expect(second.lines).toEqual(["next"]);
});

test("a new file that matches the glob is picked up while running", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "a_access.log"), "a\n");
  await using running = new Running(join(folder.path, "*access.log"), new Registry());
  await running.has(1);
  writeFileSync(join(folder.path, "b_access.log"), "b\n");
  writeFileSync(join(folder.path, "b_error.log"), "not mine\n");
  await running.has(2);
  expect(running.lines).toEqual(["a", "b"]);
});

test("packed generations that match a glob are not read as logs", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\n");
  writeFileSync(`${log}.2.gz`, gzipSync("long ago\n"));
  await using running = new Running(`${log}*`, new Registry());
  await running.has(1);
  expect(running.tailer.status().map(({ source }) => source.path)).toEqual([log]);
});

/** The logs' names in the order of their batches, of the first start and of what `change` leaves to a second. */
async function turns(folder: string, change: () => void): Promise<string[]> {
  const registry = new Registry();
  const logs = [
    { path: join(folder, "*.log"), kind: "access", format: "auto", timezone: null, fields: null },
  ] as const;
  const read = async (until: string): Promise<string[]> => {
    using tailer = new Tailer(logs, registry);
    const stop = new AbortController();
    const names: string[] = [];
    for await (const batch of tailer.batches(stop.signal)) {
      names.push(basename(batch.source.path));
      registry.commit(batch);
      if (batch.lines.at(-1) === until) stop.abort();
    }
    return names;
  };
  await read("first");
  change();
  return read("last");
}

test.each(["a flood in one log", "a packed generation that takes long"])(
  "%s does not keep the others waiting",
  async (what) => {
    using folder = temporaryFolder();
    const flooded = join(folder.path, "a.log");
    const quiet = join(folder.path, "b.log");
    writeFileSync(flooded, "first\n");
    writeFileSync(quiet, "");
    const order = await turns(folder.path, () => {
      const flood = `${numbered(0, 500_000)}last\n`;
      if (what.startsWith("a flood")) {
        appendFileSync(flooded, flood);
      } else {
        renameSync(flooded, `${flooded}.9`);
        writeFileSync(`${flooded}.1.gz`, gzipSync(flood));
        writeFileSync(flooded, "");
      }
      writeFileSync(quiet, "one line\n");
    });
    expect(order.filter((name) => name === "a.log").length).toBeGreaterThan(10);
    expect(order.indexOf("b.log")).toBeLessThan(3);
  },
);

test("thousands of new files of a glob do not keep another log waiting", async () => {
  using folder = temporaryFolder();
  for (let n = 0; n < 3_000; n++) writeFileSync(join(folder.path, `${n}.jsonl`), "one line\n");
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one line\n");
  const paths = [join(folder.path, "*.jsonl"), log];
  const logs = paths.map(
    (path) => ({ path, kind: "audit", format: "audit", timezone: null, fields: null }) as const,
  );
  const registry = new Registry();
  using tailer = new Tailer(logs, registry);
  const stop = new AbortController();
  const names: string[] = [];
  for await (const batch of tailer.batches(stop.signal)) {
    names.push(basename(batch.source.path));
    registry.commit(batch);
    // About what a transaction takes.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    if (batch.source.path === log || names.length === 3_000) stop.abort();
  }
  expect(names.at(-1)).toBe("access.log");
  expect(names.length).toBeLessThan(200);
});

const COUNTED = "/proc/self/io";

test.skipIf(!existsSync(COUNTED))("looking at logs that did not change reads nothing of them", async () => {
  using folder = temporaryFolder();
  const lines = numbered(0, 1_000);
  for (let n = 0; n < 100; n++) writeFileSync(join(folder.path, `${n}.log`), lines);
  // Older than a tick of the clock for files' times.
  for (let n = 0; n < 100; n++) utimesSync(join(folder.path, `${n}.log`), 1_000, 1_000);
  await using running = new Running(join(folder.path, "*.log"), new Registry());
  await running.has(100_000);
  const bytesRead = () => Number(/rchar: (\d+)/.exec(readFileSync(COUNTED, "latin1"))![1]);
  const before = bytesRead();
  for (let look = 1; look <= 10; look++) {
    // It is found by looking at all of them.
    writeFileSync(join(folder.path, `new-${look}.log`), "new\n");
    await running.has(100_000 + look);
  }
  // Their first KiBs alone would be a mebibyte.
  expect(bytesRead() - before).toBeLessThan(100 * 1_024);
});

/** How long files that were rotated are held open, and what becomes of the line that they end in. */
import {
  appendFileSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, numbered, Running } from "./running.ts";

/** The names of the files of a folder that this process has open, deleted ones too, in order. */
function openIn(folder: string): string[] {
  const paths = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ""; // the listing's own
    }
  });
  const logs = paths.filter((path) => path.startsWith(`${folder}/`));
  return logs.map((path) => basename(path)).sort();
}

/** Renames the log to `name` and makes a new one with a line; resolves when that was read. */
async function rotate(log: string, name: string, running: Running): Promise<void> {
  const before = running.lines.length;
  renameSync(log, join(log, "..", name));
  writeFileSync(log, `after ${name}\n`);
  await running.has(before + 1);
}

const longAgo = (path: string): void => utimesSync(path, 1_000, 1_000);

test("a rotated file is let go of when nothing was written to it for a whole cycle, and not before", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const [quiet, noisy] = ["quiet", "noisy"].map((name) => join(folder.path, name)) as [string, string];
  writeFileSync(log, "one\n");
  await using running = new Running(log, new Registry());
  await running.has(1);
  await rotate(log, "quiet", running);
  longAgo(quiet);
  // A cycle is not known before a second rotation.
  await eventually(() => running.tailer.status()[0]?.lagBytes).toBe(0);
  expect(openIn(folder.path)).toEqual(["access.log", "quiet"]);
  await rotate(log, "noisy", running);
  await eventually(() => openIn(folder.path)).toEqual(["access.log", "noisy"]);
  rmSync(noisy);
  await rotate(log, "last", running);
  expect(openIn(folder.path)).toEqual(["access.log", "last", "noisy (deleted)"]);
});

test("a socket that closes days after it was opened is still logged into a file that is long packed and deleted", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\n");
  const child = openSync(log, "a");
  await using running = new Running(log, new Registry());
  await running.has(1);
  for (let day = 1; day <= 3; day++) {
    await rotate(log, `day-${day}`, running);
    // Each day it writes a line, so there is no cycle without one.
    writeSync(child, `day ${day}\n`);
    await running.has(1 + 2 * day);
    rmSync(join(folder.path, `day-${day}`));
  }
  expect(running.lines.filter((line) => line.startsWith("day"))).toEqual(["day 1", "day 2", "day 3"]);
});

test("however often a log is rotated, no more than eight of its old files are held", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\n");
  await using running = new Running(log, new Registry());
  await running.has(1);
  for (let n = 10; n < 25; n++) await rotate(log, `old-${n}`, running);
  await eventually(() => openIn(folder.path).length).toBe(9);
  expect(openIn(folder.path)).toEqual([
    "access.log",
    ...[17, 18, 19, 20, 21, 22, 23, 24].map((n) => `old-${n}`),
  ]);
});

test("half a line at the end of a rotated file is not joined with the next file's, and is read as cut once it will stay so", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, `${numbered(0, 2)}half a l`);
  await using running = new Running(log, new Registry());
  await running.has(2);
  await rotate(log, "first", running);
  expect(running.lines).toEqual(["line 0", "line 1", "after first"]);
  longAgo(join(folder.path, "first"));
  renameSync(log, join(folder.path, "second"));
  writeFileSync(log, "after second\n");
  await running.has(5);
  expect(running.lines.slice(2).sort()).toEqual(["after first", "after second", "half a l"]);
  expect(running.cut).toEqual(["half a l"]);
  expect(openIn(folder.path)).toEqual(["access.log", "second"]);
});

test("half a line that an old process finishes after the rotation is read whole", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\nhalf a l");
  await using running = new Running(log, new Registry());
  await running.has(1);
  await rotate(log, "access.log.1", running);
  appendFileSync(`${log}.1`, "ine\n");
  await running.has(3);
  expect(running.lines).toEqual(["one", "after access.log.1", "half a line"]);
});

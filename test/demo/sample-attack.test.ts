import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startDemo } from "../../src/demo/sample-attack.ts";
import { unixMs } from "../../src/model/time.ts";

const clock = { now: () => unixMs(Date.now()) };
let directory: string;
let abort: AbortController;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sekisho-demo-"));
  abort = new AbortController();
});

afterEach(() => {
  abort.abort();
  rmSync(directory, { recursive: true, force: true });
});

const linesOf = (name: string): string[] =>
  readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1);
const bytes = (): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
const openInDirectory = (): string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      return []; // the descriptor of this listing itself
    }
  });

const until = (what: () => boolean): Promise<void> => expect.poll(what, { interval: 20 }).toBe(true);

test("the three logs are there, with an hour of visits and nothing else, before the attack begins", async () => {
  const logs = await startDemo({ directory, clock, signal: abort.signal });
  expect(logs.map(({ path, kind }) => [path, kind])).toEqual([
    [join(directory, "access.log"), "access"],
    [join(directory, "error.log"), "error"],
    [join(directory, "audit.jsonl"), "audit"],
  ]);
  expect(linesOf("access.log").length).toBeGreaterThan(5_000);
  expect(linesOf("error.log")).toEqual([]);
  const attackers = /198\.51\.100\.|203\.0\.113\.|2001:db8:bad:/;
  for (const { path } of logs) expect(readFileSync(path, "utf8")).not.toMatch(attackers);
});

test("lines appear at the pace of life with the clock's time", async () => {
  const before = Date.now();
  await startDemo({ directory, clock, signal: abort.signal });
  const past = linesOf("access.log").length;
  await until(() => linesOf("access.log").length >= past + 5 && linesOf("error.log").length >= 1);
  expect(Date.now() - before).toBeGreaterThan(400);
  for (const line of linesOf("access.log").slice(past)) {
    const time = Date.parse(line.slice(0, line.indexOf(" ")).replace(/(\.\d{3})\d{3}\+0000$/, "$1Z"));
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  }
});

test("aborting ends it: nothing more is written and no file stays open", async () => {
  await startDemo({ directory, clock, signal: abort.signal });
  await until(() => linesOf("error.log").length > 0);
  abort.abort();
  const size = bytes();
  await setTimeout(500);
  expect(bytes()).toBe(size);
  expect(openInDirectory()).toEqual([]);
});

test("a log that is full is rotated by renaming, and only one older one is kept", async () => {
  await startDemo({ directory, clock, signal: abort.signal, maxLogBytes: 2_500 });
  await until(() => readdirSync(directory).includes("access.log.1"));
  const first = statSync(join(directory, "access.log.1")).ino;
  await until(() => statSync(join(directory, "access.log.1")).ino !== first);
  expect(
    readdirSync(directory)
      .filter((name) => name.startsWith("access.log"))
      .sort(),
  ).toEqual(["access.log", "access.log.1"]);
  expect(statSync(join(directory, "access.log.1")).size).toBeLessThanOrEqual(2_500);
});

test("a demo that cannot write says so and ends", async () => {
  const failures: unknown[] = [];
  await startDemo({ directory, clock, signal: abort.signal, failed: (error) => failures.push(error) });
  rmSync(directory, { recursive: true });
  await until(() => failures.length > 0);
  expect(failures[0]).toMatchObject({ code: "ENOENT" });
});

test("the demo alone does not keep a process alive", () => {
  const player = join(import.meta.dirname, "../../src/demo/sample-attack.ts");
  const program = `
    import { startDemo } from ${JSON.stringify(player)};
    const clock = { now: () => Date.now() };
    await startDemo({ directory: ${JSON.stringify(directory)}, clock, signal: new AbortController().signal });`;
  const run = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    timeout: 60_000,
    encoding: "utf8",
  });
  expect(run).toMatchObject({ status: 0, stderr: "" });
});

test("an older demo's lines do not come back", async () => {
  await startDemo({ directory, clock, signal: abort.signal });
  await until(() => linesOf("error.log").length > 0);
  abort.abort();
  abort = new AbortController();
  await startDemo({ directory, clock, signal: abort.signal });
  expect(linesOf("error.log")).toEqual([]);
  expect(readFileSync(join(directory, "access.log"), "utf8")).not.toContain("198.51.100.");
});

/** What rotation calls the generations of a log, and where it puts them: each name by the program that makes it. */
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { eventually, linesOf, numbered, Running, readOnce } from "./running.ts";

const secondHasPassed = async (): Promise<void> => {
  const second = Math.floor(Date.now() / 1_000);
  await eventually(() => Math.floor(Date.now() / 1_000)).toBeGreaterThan(second);
};

describe.skipIf(missing("logrotate"))(
  "what logrotate made while nobody watched is read in order, once, with",
  () => {
    test.each([
      ["numbers before the ending", "extension .log", null],
      [
        "dates before the ending, packed",
        "extension .log\ndateext\ndateformat -%Y-%m-%d_%H%M%S\ncompress",
        null,
      ],
      [
        "dates that begin with the day",
        "dateext\ndateformat _%d-%m-%Y@%H:%M:%S\ndelaycompress\ncompress",
        null,
      ],
      ["a folder of its own beside the log", "olddir old", "old"],
      [
        "a folder elsewhere, and dates",
        "olddir FOLDER/elsewhere\ndateext\ndateformat .%s",
        "FOLDER/elsewhere",
      ],
    ])("%s", async (_name, options, rotatedTo) => {
      using folder = temporaryFolder();
      const logs = join(folder.path, "logs");
      for (const each of ["logs/old", "elsewhere"]) mkdirSync(join(folder.path, each), { recursive: true });
      const within = (text: string) => text.replace("FOLDER", folder.path);
      const log = join(logs, "access.log");
      const configuration = join(folder.path, "rotation.conf");
      writeFileSync(configuration, `${log} {\nrotate 9\ncreate\n${within(options)}\n}\n`, { mode: 0o600 });
      const registry = new Registry();
      const run = () =>
        new Running(log, registry, { ...(rotatedTo !== null && { rotatedTo: within(rotatedTo) }) });
      writeFileSync(log, numbered(0, 10));
      {
        await using running = run();
        await running.isIdleWith(linesOf(numbered(0, 10)));
      }
      for (let line = 10; line < 30; line += 10) {
        appendFileSync(log, numbered(line, line + 10));
        if (options.includes("dateext")) await secondHasPassed();
        const { status, stderr } = spawnSync("logrotate", [
          "-f",
          "-s",
          join(folder.path, "state"),
          configuration,
        ]);
        expect([status, stderr.toString()]).toEqual([0, ""]);
      }
      appendFileSync(log, numbered(30, 40));
      await using running = run();
      await running.isIdleWith(linesOf(numbered(10, 40)));
    });
  },
);

test("dates that do not begin with the year are no order: generations are read in that in which they were written last", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  await readOnce(log, "first\n", registry);
  rmSync(log);
  const days = ["19-10-2026_13", "12-11-2026_13", "18-11-2026_13", "11-12-2026_13"];
  for (const [at, day] of days.entries()) {
    writeFileSync(`${log}-${day}`, `${day}\n`);
    const written = Date.now() / 1_000 + at;
    utimesSync(`${log}-${day}`, written, written);
  }
  writeFileSync(log, "now\n");
  await using running = new Running(log, registry);
  await running.isIdleWith([...days, "now"]);
});

describe("where the log is a link to the newest of files with dates, the others are read in their order,", () => {
  test("a symbolic link, as cronolog makes it", async () => {
    using folder = temporaryFolder();
    const link = join(folder.path, "access.log");
    const registry = new Registry();
    const turn = (day: string, text: string): void => {
      appendFileSync(join(folder.path, `${day}-access.log`), text);
      rmSync(link, { force: true });
      symlinkSync(`${day}-access.log`, link);
    };
    // It was there before the first start.
    turn("2026.11.18", "old\n");
    turn("2026.11.19", numbered(0, 10));
    {
      await using running = new Running(link, registry);
      await running.isIdleWith(linesOf(numbered(0, 10)));
      turn("2026.11.20", numbered(10, 20));
      await running.isIdleWith(linesOf(numbered(0, 20)));
    }
    appendFileSync(join(folder.path, "2026.11.20-access.log"), numbered(20, 30));
    turn("2026.11.21", numbered(30, 40));
    turn("2026.12.01", numbered(40, 50));
    await using running = new Running(link, registry);
    await running.isIdleWith(linesOf(numbered(20, 50)));
  });

  test.skipIf(missing("apache2"))("a second name, as rotatelogs makes it", async () => {
    using folder = temporaryFolder();
    const link = join(folder.path, "now.log");
    const registry = new Registry();
    const pattern = join(folder.path, "access.%Y-%m-%d-%H_%M_%S.log");
    const child = spawn("rotatelogs", ["-L", link, pattern, "1"], { stdio: ["pipe", "ignore", "inherit"] });
    const ended = new Promise((resolve) => child.on("exit", resolve));
    child.stdin.write(numbered(0, 10));
    {
      await eventually(() => existsSync(link)).toBe(true);
      await using running = new Running(link, registry);
      await running.isIdleWith(linesOf(numbered(0, 10)));
    }
    for (let line = 10; line < 30; line += 10) {
      await secondHasPassed();
      child.stdin.write(numbered(line, line + 10));
    }
    child.stdin.end();
    await ended;
    await using running = new Running(link, registry);
    await running.isIdleWith(linesOf(numbered(10, 30)));
  });
});

test("another vhost's log is no generation, whatever number its name has, nor is one that is read by itself", async () => {
  using folder = temporaryFolder();
  const at = (name: string) => join(folder.path, name);
  const registry = new Registry();
  await readOnce(at("access.log"), "one\n", registry);
  const others = [
    "access-8080.log",
    "access-192.0.2.10.log",
    "access.8080.log",
    "access2.log",
    "access-2026.log",
  ];
  for (const name of others) writeFileSync(at(name), `${name}\n`);
  // As logrotate's, but it is named by the configuration.
  const site = "access-20261121.log";
  writeFileSync(at(site), `${site}\n`);
  rmSync(at("access.log"));
  writeFileSync(at("access.log"), "two\n");
  await using running = new Running([at("access.log"), at(site)], registry);
  await running.has(2);
  expect(running.lines.toSorted()).toEqual([site, "two"]);
});

test("how far behind a log is after a restart counts the generations that are still to be read", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const registry = new Registry();
  await readOnce(log, "first\n", registry);
  rmSync(log);
  const text = numbered(0, 100);
  for (const name of ["access.log.3", "access.log.2", "access.log.1", "access.log"])
    writeFileSync(join(folder.path, name), text);
  // Stopped right behind the first batch: of four files one is read.
  await using running = new Running(log, registry, { batches: 1 });
  await running.stopped;
  expect(running.lines).toHaveLength(100);
  expect(running.tailer.status()[0]?.lagBytes).toBe(3 * text.length);
});

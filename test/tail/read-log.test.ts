import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { SekishoError } from "../../src/model/errors.ts";
import { readLog } from "../../src/tail/read-log.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** The lines until the end or an error, which is kept. */
async function read(path: string): Promise<{ lines: string[]; cut: number; error: SekishoError | null }> {
  const lines: string[] = [];
  let cut = 0;
  try {
    for await (const batch of readLog(path)) {
      for (const line of batch.lines) lines.push(line);
      cut += batch.cut.size;
    }
    return { lines, cut, error: null };
  } catch (error) {
    return { lines, cut, error: error as SekishoError };
  }
}

const LINES = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${(n * 2_654_435_761) % 4_294_967_296}`);
const TEXT = LINES.join("\n");

test("all lines of a finished file are read, the last one also without a newline", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\ntwo\r\nthree");
  expect(await read(log)).toEqual({ lines: ["one", "two", "three"], cut: 0, error: null });
});

test.each([
  ["a plain file", (text: string) => text],
  ["a packed one", (text: string) => gzipSync(text)],
])("a last line of more than a MiB without a newline is fitted as any other: %s", async (_name, pack) => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, pack(`before\n"${"x".repeat(2 << 20)}" 403`));
  const { lines, cut } = await read(log);
  expect([lines[0], lines[1]!.slice(-5), cut]).toEqual(["before", '" 403', 0]);
  writeFileSync(log, pack(`before\n${'"x" '.repeat(1 << 19)}403`));
  expect((await read(log)).cut, "with too many values to shorten").toBe(1);
});

test("what is no file that can be read is refused with a hint: a missing one, a folder, a pipe", async () => {
  using folder = temporaryFolder();
  const pipe = join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [join(folder.path, "nowhere"), folder.path, pipe]) {
    const { error } = await read(path);
    expect(error, path).toMatchObject({ code: "LOG_UNREADABLE" });
    expect(error!.hint.length).toBeGreaterThan(10);
  }
});

test("a file that is not there is told as such", async () => {
  const { error } = await read("/nowhere/access.log");
  expect(error!.message).toBe("/nowhere/access.log: there is no such file");
});

describe.each([
  ["gzip", (text: string | Buffer) => gzipSync(text)],
  ["zstd", (text: string | Buffer) => zstdCompressSync(text)],
])("a log packed by %s", (_name, pack) => {
  test("is read as what was packed, whatever its name is", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log.2");
    writeFileSync(log, pack(TEXT));
    expect(await read(log)).toEqual({ lines: LINES, cut: 0, error: null });
  });

  test("that is cut short gives what is there, and then an error with a hint", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log.gz");
    const packed = pack(TEXT);
    for (const length of [5, packed.length >> 1, packed.length - 1]) {
      writeFileSync(log, packed.subarray(0, length));
      const { lines, error } = await read(log);
      expect(error).toMatchObject({ code: "LOG_DAMAGED", message: expect.stringContaining(log) });
      expect(error!.hint).toContain(" -t");
      expect(lines, "only whole lines").toEqual(LINES.slice(0, lines.length));
      expect(lines.length).toBeGreaterThanOrEqual(
        length === 5 ? 0 : Math.floor((length / packed.length) * 5_000),
      );
    }
  });

  test("that is damaged in the middle gives what stands before, and then an error", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log.gz");
    const packed = Buffer.from(pack(TEXT));
    packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
    writeFileSync(log, packed);
    const { lines, error } = await read(log);
    expect(error).toMatchObject({ code: "LOG_DAMAGED" });
    expect(lines.length).toBeLessThan(LINES.length);
  });

  test("a line that does not end within 8 MiB is cut, and the rest of it is not taken for a line", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log.gz");
    const long = `${"x".repeat(9 << 20)} 192.0.2.7`;
    writeFileSync(log, pack(`before\n${long}\nafter\n`));
    const { lines, cut } = await read(log);
    expect(cut).toBe(1);
    expect(lines.filter((line) => line.length < 1_000)).toEqual(["before", "after"]);
    expect(lines.find((line) => line.length >= 1_000)).toMatch(/^x+$/);
  });
});

test("what was packed in two goes is read whole, or it is told that there is more", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, Buffer.concat([gzipSync(`${TEXT}\n`), gzipSync("one more\n")]));
  expect(await read(log)).toEqual({ lines: [...LINES, "one more"], cut: 0, error: null });
  for (const more of ["one more\n", TEXT]) {
    writeFileSync(log, Buffer.concat([zstdCompressSync(`${TEXT}\n`), zstdCompressSync(more)]));
    const { lines, error } = await read(log);
    expect(lines).toEqual(LINES);
    expect(error).toMatchObject({
      code: "LOG_DAMAGED",
      message: expect.stringContaining("more behind its end"),
    });
    expect(error!.hint).toContain("zstd -dc");
  }
});

test("a file that unpacks to a thousand times its size does not fill memory", async () => {
  using folder = temporaryFolder();
  const bomb = join(folder.path, "access.log.gz");
  const gzip = createGzip();
  const packed = gzip.toArray();
  // 512 MiB without a newline, and lines after it.
  for (let n = 0; n < 512; n++) await new Promise((done) => gzip.write(Buffer.alloc(1 << 20, "x"), done));
  gzip.end("\nlast\n");
  writeFileSync(bomb, Buffer.concat(await packed));
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = 0;
  const lines: string[] = [];
  for await (const batch of readLog(bomb)) {
    most = Math.max(most, process.memoryUsage().rss - before);
    for (const line of batch.lines) lines.push(line.slice(0, 10));
  }
  expect(lines).toEqual(["xxxxxxxxxx", "last"]);
  expect(most).toBeLessThan(200 * 2 ** 20);
});

/** Files that are all newlines, or all short lines: much work in few bytes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Source } from "../../src/model/line.ts";
import { FollowedLog } from "../../src/tail/followed-log.ts";
import { LineReader } from "../../src/tail/line-reader.ts";
import { readLog } from "../../src/tail/read-log.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";

const SHORT = Array.from({ length: 60_000 }, (_, n) => `${n % 10}`);
const EMPTY_AROUND = `${"\n".repeat(300_000)}one\n\r\n\n${"\r\n".repeat(200_000)}two\n\n`;

/** How many lines each batch of the log has, all lines, and where reading ended. */
async function readAll(path: string, registry = new Registry()) {
  const log = { path, kind: "access", format: "auto", timezone: null, fields: null } as const;
  const source: Source = registry.register(log);
  const followed = new FollowedLog(source, registry.checkpoints(source), new LineReader());
  const batches: number[] = [];
  const lines: string[] = [];
  let offset = 0;
  followed.check();
  for (let next = await followed.next(); next !== null; next = await followed.next()) {
    if (next === "busy") continue;
    registry.commit(next.batch);
    next.committed();
    batches.push(next.batch.lines.length);
    lines.push(...next.batch.lines);
    offset = next.batch.checkpoint.offset;
  }
  followed.close();
  return { batches, lines, offset };
}

describe("empty lines", () => {
  test("are passed over, with few batches for many of them", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    writeFileSync(log, EMPTY_AROUND);
    const { batches, lines, offset } = await readAll(log);
    expect(lines).toEqual(["one", "two"]);
    expect(offset).toBe(EMPTY_AROUND.length);
    expect(batches.length).toBeLessThan(10);
  });

  test.each(["access.log", "packed"])("are no lines of a finished file (%s)", async (name) => {
    using folder = temporaryFolder();
    const log = join(folder.path, name);
    writeFileSync(log, name === "packed" ? gzipSync(EMPTY_AROUND) : EMPTY_AROUND);
    const read: string[] = [];
    for await (const { lines } of readLog(log)) read.push(...lines);
    expect(read).toEqual(["one", "two"]);
  });
});

test("lines of any length are read once and whole, wherever what is decoded at once begins and ends", async () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  const lengths = [
    119_998, 119_999, 120_000, 120_001, 1, 240_000, 3, 480_001, 7, 60_000, 60_000, 1_000_000, 2,
  ];
  const many = [...lengths, ...Array<number>(5_000).fill(241), ...lengths.toReversed()];
  const written = many.map((length, index) => `${index} `.padEnd(length, "x").slice(0, length));
  writeFileSync(log, `${written.join("\n")}\n`);
  const { lines, offset } = await readAll(log);
  expect(lines).toEqual(written);
  expect(offset).toBe(written.join("\n").length + 1);
});

describe("no batch has more than some thousand lines, and each line is read once", () => {
  test("of a log", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    writeFileSync(log, `${SHORT.join("\n")}\n`);
    const { batches, lines } = await readAll(log);
    expect(lines).toEqual(SHORT);
    expect(Math.max(...batches)).toBeLessThanOrEqual(4_000);
  });

  test("of a generation that was packed unseen", async () => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const registry = new Registry();
    writeFileSync(log, "first\n");
    await readAll(log, registry);
    writeFileSync(`${log}.1.gz`, gzipSync(`first\n${SHORT.join("\n")}\n`));
    writeFileSync(log, "");
    const { batches, lines } = await readAll(log, registry);
    expect(lines).toEqual(SHORT);
    expect(Math.max(...batches)).toBeLessThanOrEqual(13_000);
  });
});

/** A log that is truncated at the worst moments: while its lines are being read. */
import { appendFileSync, copyFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FollowedLog } from "../../src/tail/followed-log.ts";
import { LineReader } from "../../src/tail/line-reader.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { linesOf } from "./running.ts";

/** Lets something happen right before or right after the next lines are read. */
class Interrupted extends LineReader {
  before: (() => void) | null = null;
  after: (() => void) | null = null;

  override read(descriptor: number, offset: number, before?: Buffer) {
    this.before?.();
    this.before = null;
    const read = super.read(descriptor, offset, before);
    if (read.lines.length === 0) return read;
    this.after?.();
    this.after = null;
    return read;
  }
}

/** Lines as long as Apache's: a hundred are more than what a file is told by, ten are less. */
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, n) => `line ${from + n} ${"x".repeat(40)}\n`).join("");

/** A log whose lines are read, and what was committed of it. */
class Followed implements Disposable {
  readonly reader = new Interrupted();
  readonly lines: string[] = [];
  readonly path: string;
  readonly #folder = temporaryFolder();
  readonly #registry = new Registry();
  readonly #log: FollowedLog;

  constructor() {
    this.path = join(this.#folder.path, "access.log");
    writeFileSync(this.path, "");
    const log = { path: this.path, kind: "access", format: "auto", timezone: null, fields: null } as const;
    const source = this.#registry.register(log);
    this.#log = new FollowedLog(source, [], this.reader);
  }

  async readAll(): Promise<void> {
    for (let empty = 0; empty < 3; ) {
      this.#log.check();
      const next = await this.#log.next();
      if (next === null) empty++;
      if (next === null || next === "busy") continue;
      this.#registry.commit(next.batch);
      next.committed();
      this.lines.push(...next.batch.lines);
    }
  }

  copytruncate(): void {
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path);
  }

  [Symbol.dispose](): void {
    this.#log.close();
    this.#folder[Symbol.dispose]();
  }
}

describe.each([
  { length: "long", read: 100 },
  { length: "shorter than what it is told by", read: 5 },
])("of a log that is $length, each line is read once when copytruncate comes", ({ read }) => {
  const written = lines(0, read);
  const late = lines(read, read + 20);
  const next = lines(1_000, 1_010);

  test("right after lines were read", async () => {
    using log = new Followed();
    await log.readAll();
    appendFileSync(log.path, written);
    await log.readAll();
    log.reader.after = () => log.copytruncate();
    appendFileSync(log.path, late);
    await log.readAll();
    appendFileSync(log.path, next);
    await log.readAll();
    expect(log.lines).toEqual(linesOf(written + late + next));
  });

  test("right after the first lines were read", async () => {
    using log = new Followed();
    await log.readAll();
    log.reader.after = () => log.copytruncate();
    appendFileSync(log.path, written);
    await log.readAll();
    appendFileSync(log.path, next);
    await log.readAll();
    expect(log.lines).toEqual(linesOf(written + next));
  });

  test("right before lines are read, and as much as before is written again", async () => {
    using log = new Followed();
    await log.readAll();
    appendFileSync(log.path, written);
    await log.readAll();
    const again = lines(2_000, 2_000 + read + 30);
    log.reader.before = () => {
      log.copytruncate();
      appendFileSync(log.path, again);
    };
    appendFileSync(log.path, late);
    await log.readAll();
    expect(log.lines).toEqual(linesOf(written + late + again));
  });
});

test("a log that is written anew right before its first lines are read is read once", async () => {
  using log = new Followed();
  await log.readAll();
  appendFileSync(log.path, lines(0, 100));
  log.reader.before = () => writeFileSync(log.path, lines(500, 600));
  await log.readAll();
  expect(log.lines).toEqual(linesOf(lines(500, 600)));
});

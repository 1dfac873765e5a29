import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FollowedLog } from "../../src/tail/followed-log.ts";
import { LineReader } from "../../src/tail/line-reader.ts";
import { runs } from "../property.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";

type Step =
  /** Apache writes lines, and perhaps the first half of one. */
  | { readonly kind: "write"; readonly lines: number; readonly width: number; readonly half: boolean }
  /** An old child of Apache writes to a file that was rotated. */
  | { readonly kind: "write-late"; readonly generation: 1 | 2; readonly lines: number }
  | { readonly kind: "rotate"; readonly by: "rename" | "copytruncate" }
  | { readonly kind: "pack"; readonly generation: 1 | 2 | 3; readonly by: "gzip" | "zstd" }
  | { readonly kind: "read"; readonly batches: number }
  /** `afterReading`: what was read last is not committed. */
  | { readonly kind: "crash"; readonly afterReading: boolean }
  | { readonly kind: "start" };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("write" as const),
        lines: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(9_000)),
        width: fc.constantFrom(0, 40, 300),
        half: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("write-late" as const),
        generation: fc.constantFrom(1 as const, 2 as const),
        lines: fc.integer({ min: 1, max: 3 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("rotate" as const),
        by: fc.constantFrom("rename" as const, "rename" as const, "copytruncate" as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("pack" as const),
        generation: fc.constantFrom(1 as const, 2 as const, 3 as const),
        by: fc.constantFrom("gzip" as const, "zstd" as const),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("read" as const), batches: fc.constantFrom(1, 2, 100) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("crash" as const), afterReading: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("start" as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

/** A log on the disk that is written and rotated, and how many lines each of the files that it was has got. */
class WrittenLog {
  readonly path: string;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  /** Whole lines of each file, by its number. The numbers of files in the order in which they are now: access.log first. */
  readonly written: number[] = [0];
  #files = [0];
  /** Copies, which no old child has open. */
  readonly #copies = new Set<number>();
  /** What each file's unfinished line lacks. */
  readonly #missing = new Map<number, string>();

  constructor() {
    this.#folder = temporaryFolder();
    this.path = join(this.#folder.path, "access.log");
    writeFileSync(this.path, "");
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  /** `generation` 0 is the log itself. */
  write(generation: number, lines: number, width: number, half: boolean): void {
    const file = this.#files[generation];
    const path = generation === 0 ? this.path : `${this.path}.${generation}`;
    if (file === undefined || this.#copies.has(file) || !existsSync(path)) return;
    let text = "";
    for (let line = 0; line < lines; line++) text += this.#finish(file) ?? `${this.#line(file, width)}\n`;
    if (half && !this.#missing.has(file)) {
      const line = `${this.#line(file, width)}\n`;
      text += line.slice(0, line.length >> 1);
      this.#missing.set(file, line.slice(line.length >> 1));
      this.written[file]!--;
    }
    appendFileSync(path, text);
  }

  #finish(file: number): string | null {
    const rest = this.#missing.get(file);
    if (rest === undefined) return null;
    this.#missing.delete(file);
    this.written[file]!++;
    return rest;
  }

  #line = (file: number, width: number): string =>
    `file ${file} line ${this.written[file]!++} ${"x".repeat(width)}`;

  rotate(by: "rename" | "copytruncate"): void {
    const file = this.#files[0]!;
    // logrotate's notifempty; and of a line that copytruncate tears apart the second half is a line of its own.
    if (this.written[file] === 0 || (by === "copytruncate" && this.#missing.has(file))) return;
    for (let generation = this.#files.length - 1; generation > 0; generation--) {
      for (const packing of ["", ".gz", ".zst"]) {
        const path = `${this.path}.${generation}${packing}`;
        if (existsSync(path)) renameSync(path, `${this.path}.${generation + 1}${packing}`);
      }
    }
    if (by === "copytruncate") {
      this.#copies.add(file);
      copyFileSync(this.path, `${this.path}.1`);
      truncateSync(this.path);
    } else {
      renameSync(this.path, `${this.path}.1`);
      writeFileSync(this.path, "");
    }
    this.#files.unshift(this.written.length);
    this.written.push(0);
  }

  pack(generation: number, by: "gzip" | "zstd"): void {
    const path = `${this.path}.${generation}`;
    if (!existsSync(path)) return;
    const { atimeMs, mtimeMs } = statSync(path);
    const packed = `${path}.${by === "gzip" ? "gz" : "zst"}`;
    writeFileSync(packed, (by === "gzip" ? gzipSync : zstdCompressSync)(readFileSync(path)));
    utimesSync(packed, atimeMs / 1_000, mtimeMs / 1_000);
    rmSync(path);
  }
}

/** A reader that can crash, and the lines that it committed, by file. */
class Reader implements Disposable {
  readonly lines = new Map<number, number[]>();
  readonly #registry = new Registry();
  readonly #path: string;
  #log: FollowedLog | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  start(): void {
    const source = this.#registry.register({
      path: this.#path,
      kind: "access",
      format: "auto",
      timezone: null,
      fields: null,
    });
    this.#log ??= new FollowedLog(source, this.#registry.checkpoints(source), new LineReader());
  }

  async read(batches: number): Promise<void> {
    for (let read = 0; read < batches && this.#log !== null; ) {
      this.#log.check();
      const next = await this.#log.next();
      if (next === null) return;
      if (next === "busy") continue;
      read++;
      this.#registry.commit(next.batch);
      next.committed();
      for (const [at, line] of next.batch.lines.entries()) if (!next.batch.cut.has(at)) this.#take(line);
    }
  }

  #take(line: string): void {
    const [, file, number] = /^file (\d+) line (\d+) x*$/.exec(line) ?? expect.fail(`a torn line: ${line}`);
    const lines = this.lines.get(Number(file)) ?? [];
    this.lines.set(Number(file), lines);
    lines.push(Number(number));
  }

  async crash(afterReading: boolean): Promise<void> {
    if (afterReading) {
      this.#log?.check();
      await this.#log?.next();
    }
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#log?.close();
    this.#log = null;
  }
}

async function take(step: Step, log: WrittenLog, reader: Reader): Promise<void> {
  switch (step.kind) {
    case "write":
      return log.write(0, step.lines, step.width, step.half);
    case "write-late":
      return log.write(step.generation, step.lines, 10, false);
    case "rotate":
      return log.rotate(step.by);
    case "pack":
      return log.pack(step.generation, step.by);
    case "read":
      return reader.read(step.batches);
    case "crash":
      return reader.crash(step.afterReading);
    case "start":
      return reader.start();
  }
}

test("whatever is written, rotated, packed and killed in between, each whole line is read once and in its file's order", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (story) => {
      using log = new WrittenLog();
      using reader = new Reader(log.path);
      // The first start is on an empty log: what was there before it stays unread.
      reader.start();
      await reader.read(1);
      for (const step of story) await take(step, log, reader);
      reader.start();
      await reader.read(Number.POSITIVE_INFINITY);
      const expected = log.written.map((lines) => Array.from({ length: lines }, (_, line) => line));
      expect(log.written.map((_, file) => reader.lines.get(file) ?? [])).toEqual(expected);
    }),
    { numRuns: runs(200) },
  );
});

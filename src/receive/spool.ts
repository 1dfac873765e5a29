import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  write,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";

/** How far a file is in the store: not at all, some of it, or to its end. */
export type Progress = "unread" | "begun" | "read";

export interface SpoolLimits {
  /** A file of this size becomes a generation, once the one before it has been read. */
  readonly rotateAt: number;
  /** A file of this size takes no more: whoever writes waits. */
  readonly fullAt: number;
}

/** Two files of 32 MiB: about 400,000 events that nobody has read yet. */
const LIMITS: SpoolLimits = { rotateAt: 8 * 2 ** 20, fullAt: 32 * 2 ** 20 };
/** What waits for the disk at most, before those who send are held back. */
const WAITING_BYTES = 2 ** 20;
/** How often a full disk, or a full file, is looked at again. */
const RETRY_MS = 250;
/** How often the store is asked whether a file may rotate. */
const ROTATE_EVERY_MS = 250;
const NEWLINE = 10;

interface Block {
  bytes: Buffer;
  readonly written: () => void;
}

/**
 * The file in which lines wait that an app sent, until the tailer has read them as any other log. So what came over a
 * socket is counted exactly once too, and a kill, a restart or a flood needs no second mechanism.
 *
 * A file that has grown is renamed as a generation, which the tailer knows and reads to its end, and which takes the place
 * of the generation before it; only when that has been read. So the disk holds two files at most, and no unread line is
 * ever deleted. While that cannot be, and while the disk is full, nothing more is taken and those who send wait.
 *
 * A line is in the file when the kernel has it: a kill of the daemon loses none. A power cut loses what the kernel had not
 * written to the disk yet, some seconds.
 */
export class Spool implements AsyncDisposable {
  readonly #file: string;
  readonly #progress: (file: string) => Progress;
  readonly #limits: SpoolLimits;
  readonly #waiting: Block[] = [];
  readonly #closing = new AbortController();
  #waitingBytes = 0;
  #descriptor: number;
  #size: number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | null = null;
  #full = false;
  readonly #heldBack = new Set<() => void>();
  /** Why nothing can be written at present. */
  problem: SekishoError | null = null;

  /** Makes the file, and its folder, where they are missing. Throws SekishoError. */
  constructor(file: string, progress: (file: string) => Progress, limits: SpoolLimits = LIMITS) {
    this.#file = file;
    this.#progress = progress;
    this.#limits = limits;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      this.#descriptor = openSpool(file);
      this.#size = dropHalfLine(this.#descriptor);
    } catch (error) {
      throw writeProblem(file, error);
    }
  }

  /** True when whoever appends must stop reading until `resume` is called. What is appended all the same is kept. */
  holdBack(resume: () => void): boolean {
    if (this.#isFull) this.#heldBack.add(resume);
    return this.#isFull;
  }

  /** Whoever was held back has gone: on a full disk apps may come and go for days. */
  forget(resume: () => void): void {
    this.#heldBack.delete(resume);
  }

  get #isFull(): boolean {
    return this.#full || this.#waitingBytes >= WAITING_BYTES;
  }

  /** Adds whole lines. Resolves when they are in the file. */
  append(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ bytes, written: resolve });
      this.#waitingBytes += bytes.length;
      this.#running ??= this.#writeAll();
    });
  }

  /** What waits is written if the disk takes it now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
    for (const { written } of this.#waiting.splice(0)) written();
    closeSync(this.#descriptor);
  }

  async #writeAll(): Promise<void> {
    for (let block = this.#waiting[0]; block !== undefined; block = this.#waiting[0]) {
      try {
        const written = this.#makeRoom() ? await this.#write(block.bytes) : 0;
        this.#size += written;
        this.#waitingBytes -= written;
        block.bytes = block.bytes.subarray(written);
        this.#full = written === 0;
        this.problem = null;
      } catch (error) {
        this.#full = true;
        this.problem = writeProblem(this.#file, error);
      }
      if (block.bytes.length === 0) {
        this.#waiting.shift();
        block.written();
      } else if (this.#full) {
        if (this.#closing.signal.aborted) return;
        await sleep(RETRY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
      if (!this.#isFull) this.#resumeAll();
    }
    // Not in a promise's turn: what is appended before that would find nobody at work, and begin nothing.
    this.#running = null;
  }

  #resumeAll(): void {
    const waiting = [...this.#heldBack];
    this.#heldBack.clear();
    for (const resume of waiting) resume();
  }

  #write(bytes: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#descriptor, bytes, (error, written) => (error === null ? resolve(written) : reject(error)));
    });
  }

  /** False while the file is full and cannot rotate. */
  #makeRoom(): boolean {
    if (this.#size < this.#limits.rotateAt) return true;
    const now = performance.now();
    if (now - this.#askedAt >= ROTATE_EVERY_MS || this.#size >= this.#limits.fullAt) {
      this.#askedAt = now;
      // One that the tailer has not begun it might not find again under another name.
      if (this.#progress(this.#file) !== "unread" && this.#isReadOrNone(`${this.#file}.1`)) this.#rotate();
    }
    return this.#size < this.#limits.fullAt;
  }

  #isReadOrNone(generation: string): boolean {
    const isThere = statSync(generation, { throwIfNoEntry: false }) !== undefined;
    return !isThere || this.#progress(generation) === "read";
  }

  /** The new file is there first: when it cannot be made, the old one stays. */
  #rotate(): void {
    const made = `${this.#file}.new`;
    const next = openSpool(made);
    ftruncateSync(next, 0);
    renameSync(this.#file, `${this.#file}.1`);
    renameSync(made, this.#file);
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#size = 0;
  }
}

const openSpool = (file: string): number =>
  openSync(file, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);

/**
 * Takes off what a kill left of a line: nobody has read it, as the tailer waits for its end, and what comes next must not
 * become its end. The size then.
 */
function dropHalfLine(descriptor: number): number {
  const { size } = fstatSync(descriptor);
  const chunk = Buffer.alloc(65_536);
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length);
    const length = readSync(descriptor, chunk, 0, end - start, start);
    const newline = chunk.subarray(0, length).lastIndexOf(NEWLINE);
    if (newline !== -1) {
      if (start + newline + 1 < size) ftruncateSync(descriptor, start + newline + 1);
      return start + newline + 1;
    }
    end = start;
  }
  if (size > 0) ftruncateSync(descriptor, 0);
  return 0;
}

function writeProblem(file: string, cause: unknown): SekishoError {
  const isFull = ["ENOSPC", "EDQUOT"].includes(systemCode(cause) ?? "");
  return new SekishoError(
    isFull ? "DISK_FULL" : "DATA_DIRECTORY",
    isFull ? `${file}: the disk is full` : `cannot write ${file}: ${messageOf(cause)}`,
    isFull
      ? "free some space; apps that send audit events wait meanwhile, and nothing that was taken is lost"
      : "check data: in the configuration, and who may write there",
    { cause },
  );
}

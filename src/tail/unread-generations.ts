import { closeSync, fstatSync } from "node:fs";
import { SekishoError, systemCode } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import type { StoredCheckpoint } from "../model/line.ts";
import { bytesAt, checkpointOf, FILE_TIME_TICK_MS, HEAD_LENGTH, Head, isRead } from "./fingerprint.ts";
import { type Generation, generationsOf, isNamedPacked, type RotationNames } from "./generations.ts";
import type { LineReader } from "./line-reader.ts";
import { type OpenLog, openAnyLog, orClosed, problemOf } from "./open-log.ts";
import { PackedFile } from "./packed-file.ts";
import { PlainFile } from "./plain-file.ts";
import type { Packing } from "./unpack.ts";

/** Older than the newest known generation, this many are looked at for lines that came late. */
const LATE_GENERATIONS = 8;
/** So often another file may stand at a path than was listed; a file system where it always does is given up on. */
const MOST_MOVES = 1_000;

/** The log whose generations are looked at. */
export interface RotatedLog {
  readonly path: string;
  readonly kind: SourceKind;
  readonly names: RotationNames;
  /** Of all files of the log, as far as they are remembered. */
  checkpoints(): readonly StoredCheckpoint[];
  /** True for a file that is held open, whose lines are read there. */
  isHeld(device: number, inode: number): boolean;
  /** True when the file at the path was read before, so that no generation is newer than what is known. */
  isCurrentKnown(): boolean;
  /** True when it holds what was read up to there: a generation that does so too is a copy of it. */
  isInCurrent(checkpoint: StoredCheckpoint): boolean;
  report(problem: SekishoError): void;
}

type Steps<Result> = AsyncGenerator<"busy", Result>;
export type Unread = PlainFile | PackedFile;
/**
 * A file: known, and open where its checkpoint says. `read`: known, and all its lines are committed. `copy`: of the log itself,
 * where its lines are read, unless that is truncated next. `new`: known to no checkpoint. `unfit`: it cannot be read. `moved`:
 * another file is at its path by now.
 */
type Recognised = Unread | "read" | "copy" | "new" | "unfit" | "moved";

/**
 * Finds the generations of a log that hold lines which are not committed. They are told by their content: renamed, copied
 * or packed they are the same.
 *
 * What is newer than the newest that is known came and went unseen, and is read whole. What is older and not known was
 * there before the first start, and stays unread. If rotation has deleted all that were known, what was written since the
 * last commit is unread.
 */
export class UnreadGenerations {
  readonly #log: RotatedLog;
  readonly #reader: LineReader;
  readonly #lastCommit: number;
  readonly #known = new Set<string>();
  readonly #new = new Set<string>();
  readonly #unfit = new Set<string>();
  /** Known ones that were found and not handed out yet, oldest first. */
  readonly #opened: Unread[] = [];
  /** Bytes in generations that are to be read whole, as far as these were looked at. */
  #newBytes = 0;
  #moves = 0;

  constructor(log: RotatedLog, reader: LineReader) {
    this.#log = log;
    this.#reader = reader;
    const commits = log.checkpoints().map(({ committedAt }) => committedAt);
    this.#lastCommit = commits.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...commits);
  }

  /** Bytes in files that were found and not handed out yet. */
  get lagBytes(): number {
    return this.#opened.reduce((lag, file) => lag + file.lagBytes, this.#newBytes);
  }

  /**
   * Oldest first; each is to be read to its end before the next is asked for. "busy" where to find it takes its time.
   * The folder is looked at anew before each, as rotation may go on. `isStart`: nobody watched for a while, in which old
   * Apache children may have written to older generations too.
   */
  async *files(isStart: boolean): AsyncGenerator<Unread | "busy"> {
    try {
      for (let behind = isStart ? LATE_GENERATIONS : 0; ; behind = 0) {
        const next = yield* this.#walk(behind);
        for (let file = this.#opened.shift(); file !== undefined; file = this.#opened.shift()) yield file;
        if (next === null || this.#moves > MOST_MOVES) return;
        if (next === "again") yield "busy";
        else yield* this.#whole(next);
      }
    } finally {
      for (const file of this.#opened) file.close();
    }
  }

  /**
   * From the newest generation back to the newest known one, and `behind` further. Known ones are opened; if there are none,
   * it is the oldest of the unknown ones.
   */
  async *#walk(behind: number): Steps<Generation | "again" | null> {
    let isKnown = this.#log.isCurrentKnown();
    let left = behind;
    const unseen: Generation[] = [];
    for (const generation of generationsOf(this.#log.path, this.#log.names).reverse()) {
      if (isKnown && left-- <= 0) break;
      const found = yield* this.#look(generation, isKnown);
      if (found === "moved") return "again";
      if (found === "unfit") continue;
      if (found !== "new") {
        isKnown = true;
        if (typeof found !== "string") this.#opened.unshift(found);
      } else if (!isKnown) {
        unseen.push(generation);
      }
    }
    const isWritten = ({ stat }: Generation) => stat.mtimeMs > this.#lastCommit - FILE_TIME_TICK_MS;
    const toRead = isKnown ? unseen : unseen.slice(0, unseen.findLastIndex(isWritten) + 1);
    const next = this.#opened.length > 0 ? undefined : toRead.pop();
    this.#newBytes = toRead.reduce((bytes, { stat }) => bytes + stat.size, 0);
    return this.#opened.length > 0 ? "again" : (next ?? null);
  }

  /** `isLate`: it is older than the newest known one, so the unpacked length that it states may be believed. */
  async *#look(generation: Generation, isLate: boolean): Steps<Recognised> {
    const { dev, ino, mtimeMs } = generation.stat;
    const id = `${dev} ${ino}`;
    if (this.#known.has(id) || this.#log.isHeld(dev, ino)) return "read";
    if (this.#unfit.has(id)) return "unfit";
    if (this.#new.has(`${id} ${mtimeMs}`)) return "new";
    const found = yield* this.#recognise(generation, isLate);
    if (found === "new") this.#new.add(`${id} ${mtimeMs}`);
    else if (found === "unfit") this.#unfit.add(id);
    else if (found === "moved") this.#moves++;
    else if (found !== "copy") this.#known.add(id);
    return found;
  }

  async *#recognise(generation: Generation, isLate: boolean): Steps<Recognised> {
    const opened = this.#open(generation, isLate);
    if (typeof opened === "string") return opened;
    const { descriptor, packing } = opened;
    if (packing !== null) return yield* this.#recognisePacked(generation, descriptor, packing, isLate);
    try {
      return orClosed(descriptor, () => this.#recognisePlain(generation, descriptor));
    } catch (error) {
      this.#log.report(problemOf(generation.path, error));
      return "unfit";
    }
  }

  #recognisePlain(generation: Generation, descriptor: number): PlainFile | "read" | "copy" | "new" {
    // A copy: copytruncate made it.
    const checkpoint = checkpointOf(descriptor, this.#log.checkpoints(), () => true);
    if (checkpoint === null || this.#log.isInCurrent(checkpoint)) {
      const isRead = checkpoint === null && this.#isOutrun(generation, descriptor);
      closeSync(descriptor);
      return isRead ? "read" : checkpoint === null ? "new" : "copy";
    }
    const file = new PlainFile(descriptor, this.#reader);
    file.resume(checkpoint);
    return file;
  }

  async *#recognisePacked(
    generation: Generation,
    descriptor: number,
    packing: Packing,
    isLate: boolean,
  ): Steps<Recognised> {
    let file: PackedFile | null = null;
    let isKnown = false;
    try {
      file = await PackedFile.open(generation.path, descriptor, packing);
      for (const checkpoint of this.#withHead(file)) {
        isKnown = true;
        const { fingerprint, offset, tail, committedAt } = checkpoint;
        const isSure = isLate || this.#log.isHeld(fingerprint.device, fingerprint.inode);
        if (isSure && file.claimsLength(offset)) return "read";
        const before = yield* file.passTo(offset);
        // It was packed while an old Apache child still wrote to the file, of which more was read then.
        if (before === null && wasWrittenBefore(generation, committedAt)) return "read";
        if (before !== null && (before === tail || tail === "")) {
          if (this.#log.isInCurrent(checkpoint)) return "copy";
          const found = file;
          found.isLate = isLate;
          file = null;
          return found;
        }
        file.close();
        const opened = this.#open(generation, isLate);
        if (typeof opened === "string") return opened;
        file = await PackedFile.open(generation.path, opened.descriptor, packing);
      }
      return "new";
    } catch (error) {
      if (!isLate) this.#log.report(problemOf(generation.path, error));
      return isKnown ? "read" : "unfit";
    } finally {
      file?.close();
    }
  }

  /**
   * True for a copy of what was read further than it goes: copytruncate made it, and until it had truncated the log, what came
   * behind the copy's end was read there.
   */
  #isOutrun(generation: Generation, descriptor: number): boolean {
    const head = new Head(bytesAt(descriptor, 0, HEAD_LENGTH));
    return this.#log
      .checkpoints()
      .some(
        ({ fingerprint, offset, committedAt }) =>
          generation.stat.size < offset &&
          wasWrittenBefore(generation, committedAt) &&
          fingerprint.headLength === HEAD_LENGTH &&
          head.agreesWith(fingerprint),
      );
  }

  /** Checkpoints of files that began like this one, the furthest first. */
  #withHead(file: PackedFile): StoredCheckpoint[] {
    return this.#log
      .checkpoints()
      .filter((each) => isRead(each) && file.hasHead(each.fingerprint))
      .sort((a, b) => b.offset - a.offset);
  }

  /** A generation that nobody has read, from its beginning. */
  async *#whole(generation: Generation): AsyncGenerator<Unread | "busy"> {
    const opened = this.#open(generation, false);
    if (opened === "moved") return yield "busy";
    const id = `${generation.stat.dev} ${generation.stat.ino}`;
    this.#known.add(id);
    if (opened === "unfit") return;
    const { descriptor, packing } = opened;
    try {
      yield packing === null
        ? orClosed(descriptor, () => new PlainFile(descriptor, this.#reader))
        : await PackedFile.open(generation.path, descriptor, packing);
    } catch (error) {
      this.#log.report(problemOf(generation.path, error));
    }
  }

  /** What is wrong with a late one is not reported: as a rule all its lines have been read. */
  #open({ path, stat }: Generation, isLate: boolean): OpenLog | "unfit" | "moved" {
    try {
      const { descriptor, packing } = openAnyLog(path, stat, this.#log.kind);
      const { dev, ino } = fstatSync(descriptor);
      const isUnfit = packing === null && isNamedPacked(path);
      if (dev === stat.dev && ino === stat.ino && !isUnfit) return { descriptor, packing };
      closeSync(descriptor);
      if (dev !== stat.dev || ino !== stat.ino) return "moved";
      if (!isLate) this.#log.report(notUnpacked(path));
      return "unfit";
    } catch (error) {
      if (systemCode(error) === "ENOENT") return "moved";
      if (!isLate) this.#log.report(problemOf(path, error));
      return "unfit";
    }
  }
}

/** Times of files are finer than milliseconds. */
const wasWrittenBefore = ({ stat }: Generation, committedAt: number): boolean =>
  Math.floor(stat.mtimeMs) <= committedAt;

const notUnpacked = (path: string): SekishoError =>
  new SekishoError(
    "LOG_DAMAGED",
    `${path} cannot be unpacked: it is neither gzip nor zstd`,
    "what it holds is not read; have logrotate pack by gzip or zstd",
  );

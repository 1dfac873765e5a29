import { closeSync, fstatSync, type Stats } from "node:fs";
import type { Checkpoint, Fingerprint } from "../model/line.ts";
import {
  bytesAt,
  FILE_TIME_TICK_MS,
  fingerprintOf,
  HEAD_LENGTH,
  hasContent,
  hashOf,
  type Position,
  TAIL_LENGTH,
} from "./fingerprint.ts";
import type { LineReader, ReadLines } from "./line-reader.ts";

/** Lines, and the position that is true once they are committed. */
export interface ReadFile extends Pick<ReadLines, "lines" | "cut"> {
  readonly position: Position;
}

/** Of a file that is not packed. */
export interface ReadPlain extends ReadFile {
  /** What stands before the position then. */
  readonly before: Buffer;
}

const NOTHING = Buffer.alloc(0);

interface Seen extends Pick<Stats, "size" | "mtimeMs"> {
  /** When it was looked at. Within a tick of its last write it may be written again without a trace in its times. */
  readonly at: number;
}

/** A log that is open. It is read from where it was committed, so what was read and not committed is read again. */
export class PlainFile {
  readonly descriptor: number;
  readonly #reader: LineReader;
  #position: Position;
  /** What stands before the position, as it was read. */
  #before: Buffer;
  /** How the file was when its content was last compared with what had been read of it. */
  #seen: Seen;
  /** Its size when it ended in a half-written line: until it grows there is nothing to read. */
  #waitsAt = -1;
  /** True when it was read before, in this run or an earlier one. */
  isKnown = false;

  constructor(descriptor: number, reader: LineReader) {
    this.descriptor = descriptor;
    this.#reader = reader;
    this.#seen = seen(fstatSync(descriptor));
    this.#position = beginningOf(descriptor);
    this.#before = NOTHING;
    reader.seek(descriptor, 0);
  }

  get fingerprint(): Fingerprint {
    return this.#position.fingerprint;
  }
  get offset(): number {
    return this.#position.offset;
  }
  /** How the open file is now, whatever it is called by now. On a network drive that went away: as if nothing had been added. */
  get stat(): Pick<Stats, "size" | "mtimeMs" | "nlink"> {
    try {
      return fstatSync(this.descriptor);
    } catch {
      return { size: this.offset, mtimeMs: 0, nlink: 0 };
    }
  }
  /** Bytes that are written but not committed. */
  get lagBytes(): number {
    return Math.max(0, this.stat.size - this.offset);
  }
  /** True when it may hold whole lines that were not read. */
  get hasLines(): boolean {
    const { size } = this.stat;
    return size > this.offset && size !== this.#waitsAt;
  }

  isAt({ dev, ino }: Pick<Stats, "dev" | "ino">): boolean {
    return this.fingerprint.device === dev && this.fingerprint.inode === ino;
  }

  /** Goes on where a checkpoint of the same content says; from the beginning where it was truncated since it was compared. */
  resume({ offset, tail }: Pick<Checkpoint, "offset" | "tail">): void {
    const fingerprint = fingerprintOf(this.descriptor);
    const length = Math.min(offset, TAIL_LENGTH);
    const before = bytesAt(this.descriptor, offset - length, length);
    if (before.length < length || (tail !== "" && hashOf(before) !== tail)) {
      this.startOver();
      return;
    }
    this.isKnown = true;
    this.#position = { fingerprint, offset, tail };
    this.#before = before;
    this.#reader.seek(this.descriptor, offset);
  }

  /**
   * False when it was truncated, and perhaps written again, since it was read. Costs nothing while it is unchanged. For a file
   * that was empty the answer is false too: nothing tells whether what it holds now was the first that was written to it.
   */
  isIntact(stat: Pick<Stats, "size" | "mtimeMs">): boolean {
    const { size, mtimeMs, at } = this.#seen;
    const isUnchanged = stat.size === size && stat.mtimeMs === mtimeMs && at - mtimeMs > FILE_TIME_TICK_MS;
    if (isUnchanged) return true;
    const wasEmpty = this.fingerprint.headLength === 0;
    if (wasEmpty || !hasContent(this.descriptor, this.#position)) return false;
    this.#seen = seen(stat);
    return true;
  }

  startOver(): void {
    this.isKnown = false;
    this.#seen = seen(fstatSync(this.descriptor));
    this.#waitsAt = -1;
    this.#position = beginningOf(this.descriptor);
    this.#before = NOTHING;
    this.#reader.seek(this.descriptor, 0);
  }

  /** The next lines; null when there are none. */
  read(): ReadPlain | null {
    const { offset } = this;
    const { size } = this.stat;
    if (size <= offset || size === this.#waitsAt) return null;
    const read = this.#reader.read(this.descriptor, offset, this.#before);
    if (read.offset !== offset) return this.#upTo(read, this.#reader.lastRead(read.offset - offset));
    this.#waitsAt = size;
    return null;
  }

  /** The next lines; where it is still empty, none of them, and its beginning. */
  readOrMark(): ReadPlain | null {
    const isEmpty = this.offset === 0 && this.stat.size === 0;
    return isEmpty
      ? { lines: [], cut: new Set(), position: this.#position, before: this.#before }
      : this.read();
  }

  /** What stands behind the last newline of a file that nobody goes on writing to; null: nothing. */
  readUnfinished(): ReadPlain | null {
    const rest = this.#reader.unfinished(this.descriptor, this.offset);
    if (rest.length === 0) return null;
    const read = { lines: [rest.line], cut: new Set([0]), offset: this.offset + rest.length };
    return this.#upTo(read, this.#reader.lastRead(rest.length));
  }

  committed({ position, before }: ReadPlain): void {
    this.#position = position;
    this.#before = before;
    this.isKnown = true;
  }

  close(): void {
    this.#reader.release(this.descriptor);
    closeSync(this.descriptor);
  }

  /**
   * What the file is known by is taken from the bytes that were read. Reading it again could describe another content, if the
   * file was truncated in between. While the head is not whole, its first part stands in what was read before.
   */
  #upTo({ lines, cut, offset }: ReadLines, bytes: Buffer): ReadPlain {
    const before = Buffer.concat([this.#before, bytes.subarray(-TAIL_LENGTH)]).subarray(-TAIL_LENGTH);
    return {
      lines,
      cut,
      position: { fingerprint: this.#withHead(bytes), offset, tail: hashOf(before) },
      before,
    };
  }

  #withHead(bytes: Buffer): Fingerprint {
    if (this.offset >= HEAD_LENGTH) return this.fingerprint;
    const head = Buffer.concat([this.#before, bytes.subarray(0, HEAD_LENGTH)]).subarray(0, HEAD_LENGTH);
    return { ...this.fingerprint, head: hashOf(head), headLength: head.length };
  }
}

const seen = ({ size, mtimeMs }: Pick<Stats, "size" | "mtimeMs">): Seen => ({
  size,
  mtimeMs,
  at: Date.now(),
});

const beginningOf = (descriptor: number): Position => ({
  fingerprint: fingerprintOf(descriptor),
  offset: 0,
  tail: hashOf(NOTHING),
});

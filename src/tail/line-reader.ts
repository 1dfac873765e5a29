import { readSync } from "node:fs";
import { TAIL_LENGTH } from "./fingerprint.ts";
import { type FittedLine, fitted, LINE_LENGTH, LONGEST_LINE } from "./long-line.ts";

/** Bytes read at once, and stored in one transaction while lines are waiting. With a quarter of it, catching up takes a quarter longer. */
const CHUNK_LENGTH = 480_000;
/**
 * Bytes decoded at once, where lines allow it. V8 gives a text of more than 128 KiB pages of its own, which the kernel has to fill
 * anew each time: twice the time. And one slice that lives on keeps its whole piece in memory.
 */
const PIECE_LENGTH = 120_000;
/** Lines handed on at once. Only a chunk of very short lines has more, and would make a long transaction. */
export const LINES_AT_ONCE = 4_000;
const NEWLINE = 10;
const NOTHING = Buffer.alloc(0);
const NONE: ReadonlySet<number> = new Set();

export interface ReadLines {
  readonly lines: readonly string[];
  /** Positions in `lines` of those whose end is missing, as they were longer than what is read of one line. */
  readonly cut: ReadonlySet<number>;
  /** Where the next read begins. A half-written line is not passed. */
  readonly offset: number;
}

/**
 * Reads whole lines from a descriptor, a chunk at a time. The chunk is decoded as latin1, a piece at a time, and the lines
 * are slices of that, which is what makes reading cheap. One chunk is shared, so one reader serves one thread.
 */
export class LineReader {
  /**
   * Room for what stands before the offset, and from TAIL_LENGTH on for what stands behind it. The kernel gives memory only to
   * what was ever used, so the room for very long lines costs nothing until one comes.
   */
  readonly #read = Buffer.allocUnsafe(TAIL_LENGTH + LONGEST_LINE);
  readonly #chunk = this.#read.subarray(TAIL_LENGTH);
  /** Descriptors in the middle of a line that was cut: the rest up to its newline is passed over. */
  readonly #passingOver = new Set<number>();

  /**
   * The whole lines from `offset` on, a chunk of them or one long line; none when there is no newline yet, or when
   * `before` does not stand before the offset any more: it was truncated, and perhaps written again.
   */
  read(descriptor: number, offset: number, before: Buffer = NOTHING): ReadLines {
    const length = this.#fill(descriptor, offset, before, CHUNK_LENGTH);
    if (this.#passingOver.has(descriptor)) return this.#passOver(descriptor, length, offset);
    const end = this.#chunk.subarray(0, length).lastIndexOf(NEWLINE);
    if (end !== -1) return this.#whole(end, offset);
    if (length < CHUNK_LENGTH) return { lines: [], cut: NONE, offset };
    return this.#readLongLine(descriptor, offset, before);
  }

  /** The bytes that were read last, up to `length`. Only until the next read. */
  lastRead(length: number): Buffer {
    return this.#chunk.subarray(0, length);
  }

  /** Reads what stands before the offset in the same go, so that the two belong together; how much stands behind it. */
  #fill(descriptor: number, offset: number, before: Buffer, most: number): number {
    const from = TAIL_LENGTH - before.length;
    const length = readSync(descriptor, this.#read, from, before.length + most, offset - before.length);
    const isSame = before.equals(this.#read.subarray(from, TAIL_LENGTH));
    return isSame ? Math.max(0, length - before.length) : 0;
  }

  /** Lines up to the newline at `end`. */
  #whole(end: number, offset: number): ReadLines {
    const lines: string[] = [];
    let from = 0;
    while (from <= end && lines.length < LINES_AT_ONCE) {
      const pieceEnd = this.#pieceEnd(from, end);
      const piece = split(this.#chunk.toString("latin1", from, pieceEnd), LINES_AT_ONCE - lines.length);
      for (const line of piece.lines) lines.push(line);
      from += piece.length;
    }
    return { lines, cut: NONE, offset: offset + from };
  }

  /** The last newline of a piece; of a longer line its own. */
  #pieceEnd(from: number, end: number): number {
    if (end - from <= PIECE_LENGTH) return end;
    const last = this.#chunk.lastIndexOf(NEWLINE, from + PIECE_LENGTH);
    return last >= from ? last : this.#chunk.indexOf(NEWLINE, from);
  }

  #readLongLine(descriptor: number, offset: number, before: Buffer): ReadLines {
    const length = this.#fill(descriptor, offset, before, LONGEST_LINE);
    const end = this.#chunk.subarray(0, length).indexOf(NEWLINE);
    if (end !== -1) {
      const whole = this.#whole(end, offset);
      const { line, isCut } = fitted(whole.lines[0]!);
      return { lines: [line], cut: isCut ? new Set([0]) : NONE, offset: whole.offset };
    }
    if (length < LONGEST_LINE) return { lines: [], cut: NONE, offset };
    this.#passingOver.add(descriptor);
    const line = this.#chunk.toString("latin1", 0, LINE_LENGTH);
    return { lines: [line], cut: new Set([0]), offset: offset + length };
  }

  #passOver(descriptor: number, length: number, offset: number): ReadLines {
    const end = this.#chunk.subarray(0, length).indexOf(NEWLINE);
    if (end !== -1) this.#passingOver.delete(descriptor);
    return { lines: [], cut: NONE, offset: offset + (end === -1 ? length : end + 1) };
  }

  /**
   * Prepares to read from `offset`. In the middle of a line, which only an interrupted cut line leaves, the rest is passed
   * over: an attacker could have written it to look like a line of its own.
   */
  seek(descriptor: number, offset: number): void {
    this.#passingOver.delete(descriptor);
    if (offset === 0) return;
    readSync(descriptor, this.#chunk, 0, 1, offset - 1);
    if (this.#chunk[0] !== NEWLINE) this.#passingOver.add(descriptor);
  }

  /** What stands behind the last newline, as nothing will follow, and how many bytes of the file that is. */
  unfinished(descriptor: number, offset: number): FittedLine & { readonly length: number } {
    if (this.#passingOver.has(descriptor)) return { line: "", isCut: false, length: 0 };
    const length = readSync(descriptor, this.#chunk, 0, LONGEST_LINE, offset);
    return { ...fitted(this.#chunk.toString("latin1", 0, length)), length };
  }

  /** Forgets a descriptor that is being closed. */
  release(descriptor: number): void {
    this.#passingOver.delete(descriptor);
  }
}

/**
 * The lines of a text that a newline follows, and how long what they are of is. Empty lines are passed over: they tell
 * nothing, and a MiB of them would be a million events. No more than `most` are given out.
 */
export function split(text: string, most: number): { readonly lines: string[]; readonly length: number } {
  const lines = text.split("\n");
  let length = 0;
  let count = 0;
  for (let index = 0; index < lines.length && count < most; index++) {
    const line = lines[index]!;
    length += line.length + 1;
    const bare = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (bare !== "") lines[count++] = bare;
  }
  lines.length = count;
  return { lines, length };
}

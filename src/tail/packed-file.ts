import { closeSync, fstatSync, readSync } from "node:fs";
import type { Fingerprint } from "../model/line.ts";
import { bytesAt, HEAD_LENGTH, Head, hashOf, TAIL_LENGTH } from "./fingerprint.ts";
import { LINES_AT_ONCE } from "./line-reader.ts";
import { LineSplitter } from "./line-splitter.ts";
import type { ReadFile } from "./plain-file.ts";
import { damaged } from "./read-log.ts";
import { ENDS_LENGTH, PACKED_CHUNK_LENGTH, type Packing, unpack } from "./unpack.ts";

/** Split into lines at once. */
const PIECE_LENGTH = 1 << 14;
/** Unpacked in one go, between two looks at the other logs. */
const SLICE_LENGTH = 1 << 18;

/** A packed generation of a log, read from its beginning on. All offsets are of what it unpacks to. */
export class PackedFile {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #packing: Packing;
  readonly #pieces: AsyncGenerator<Buffer>;
  #splitter = new LineSplitter();
  /** The first pieces until the head is whole, which have been looked at and not yet been read. */
  #ahead: Buffer[] = [];
  #head = Buffer.alloc(0);
  #compared: Head | null = null;
  /** What was unpacked last, as far as a tail goes. */
  #recent = Buffer.alloc(0);
  /** The same before the line that is not finished: a checkpoint's tail. */
  #tail = Buffer.alloc(0);
  #packedOffset = 0;
  /** What went wrong behind the last lines that were read. */
  #failure: unknown = null;
  /** True where it was read before and only lines that came late are looked for, so that damage is not worth telling. */
  isLate = false;
  #isAtEnd = false;
  #isClosed = false;

  private constructor(path: string, descriptor: number, packing: Packing) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#packing = packing;
    this.#pieces = unpack(this.#chunks(), packing.unpacker());
  }

  /** Takes the descriptor over. Throws LOG_DAMAGED when not even the head can be unpacked. */
  static async open(path: string, descriptor: number, packing: Packing): Promise<PackedFile> {
    const file = new PackedFile(path, descriptor, packing);
    try {
      await file.#readHead();
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  get fingerprint(): Fingerprint {
    const { dev, ino } = fstatSync(this.#descriptor);
    return { device: dev, inode: ino, head: hashOf(this.#head), headLength: this.#head.length };
  }
  /** Packed bytes that were not read yet. */
  get lagBytes(): number {
    return Math.max(0, fstatSync(this.#descriptor).size - this.#packedOffset);
  }

  hasHead(fingerprint: Fingerprint): boolean {
    this.#compared ??= new Head(this.#head);
    return this.#compared.agreesWith(fingerprint);
  }

  /** True when what is written about its unpacked length says this one. */
  claimsLength(length: number): boolean {
    const { size } = fstatSync(this.#descriptor);
    const start = bytesAt(this.#descriptor, 0, ENDS_LENGTH.start);
    const end = bytesAt(this.#descriptor, Math.max(0, size - ENDS_LENGTH.end), ENDS_LENGTH.end);
    if (start.length < ENDS_LENGTH.start || end.length < ENDS_LENGTH.end) return false;
    return this.#packing.hasLength(start, end, length);
  }

  /**
   * Passes over what stands before `offset`, a slice at a time; the hash of the tail before it, null when the file ends
   * earlier. Throws LOG_DAMAGED. Only before the first read.
   */
  async *passTo(offset: number): AsyncGenerator<"busy", string | null> {
    let passed = 0;
    for (let sliced = 0; passed < offset; ) {
      const piece = await this.#nextPiece();
      if (piece === null) return null;
      const before = piece.subarray(0, offset - passed);
      this.#remember(before);
      if (before.length < piece.length) this.#ahead.unshift(piece.subarray(before.length));
      passed += before.length;
      sliced += before.length;
      if (sliced < SLICE_LENGTH) continue;
      sliced = 0;
      yield "busy";
    }
    const inLine = offset > 0 && this.#recent.at(-1) !== 10;
    this.#splitter = new LineSplitter(offset, inLine);
    return hashOf(this.#recent);
  }

  /**
   * The next lines; "busy" when there was much to pass over first; null at the end, whose half-written line, which nobody
   * will finish, counts as a cut one. Throws LOG_DAMAGED behind the last lines that could be unpacked.
   */
  async read(): Promise<ReadFile | "busy" | null> {
    if (this.#isAtEnd) return null;
    const lines: string[] = [];
    const cut = new Set<number>();
    const push = (line: string, isCut: boolean): void => {
      if (isCut) cut.add(lines.length);
      lines.push(line);
    };
    try {
      for (let sliced = 0; sliced < SLICE_LENGTH && lines.length < LINES_AT_ONCE && !this.#isAtEnd; ) {
        const piece = await this.#nextPiece(PIECE_LENGTH);
        if (piece === null) {
          this.#isAtEnd = true;
          const rest = this.#splitter.finish();
          if (rest.line !== "") push(rest.line, true);
          this.#tail = this.#recent;
          continue;
        }
        sliced += piece.length;
        const read = this.#splitter.add(piece);
        for (const [at, line] of read.lines.entries()) push(line, read.cut.has(at));
        this.#remember(piece);
      }
    } catch (error) {
      // Told by the next read, so that what came before it counts.
      if (lines.length === 0) throw error;
      this.#failure = error;
    }
    if (lines.length > 0) return { lines, cut, position: this.#position() };
    return this.#isAtEnd ? null : "busy";
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#pieces.return(undefined);
    closeSync(this.#descriptor);
  }

  #position() {
    return { fingerprint: this.fingerprint, offset: this.#splitter.offset, tail: hashOf(this.#tail) };
  }

  #remember(piece: Buffer): void {
    const all = Buffer.concat([this.#recent, piece]);
    this.#recent = Buffer.from(all.subarray(-TAIL_LENGTH));
    const { unfinished } = this.#splitter;
    // Else the line began before this piece.
    if (unfinished > piece.length) return;
    this.#tail = Buffer.from(all.subarray(0, all.length - unfinished).subarray(-TAIL_LENGTH));
  }

  async #readHead(): Promise<void> {
    while (this.#head.length < HEAD_LENGTH) {
      const piece = await this.#unpackPiece();
      if (piece === null) return;
      this.#ahead.push(piece);
      this.#head = Buffer.concat([this.#head, piece]).subarray(0, HEAD_LENGTH);
    }
  }

  async #nextPiece(most = Number.POSITIVE_INFINITY): Promise<Buffer | null> {
    const piece = this.#ahead.shift() ?? (await this.#unpackPiece());
    if (piece === null || piece.length <= most) return piece;
    this.#ahead.unshift(piece.subarray(most));
    return piece.subarray(0, most);
  }

  async #unpackPiece(): Promise<Buffer | null> {
    if (this.#failure !== null) throw this.#failure;
    try {
      const next: IteratorResult<Buffer> = await this.#pieces.next();
      return next.done === true ? null : next.value;
    } catch (cause) {
      throw damaged(this.#path, this.#packing.name, cause);
    }
  }

  async *#chunks(): AsyncGenerator<Buffer> {
    while (!this.#isClosed) {
      const chunk = Buffer.allocUnsafe(PACKED_CHUNK_LENGTH);
      const length = readSync(this.#descriptor, chunk, 0, PACKED_CHUNK_LENGTH, this.#packedOffset);
      if (length === 0) return;
      this.#packedOffset += length;
      yield chunk.subarray(0, length);
    }
  }
}

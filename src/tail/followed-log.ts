import { closeSync, fstatSync, openSync, readdirSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { Checkpoint, Fingerprint, LineBatch, Source } from "../model/line.ts";
import { fingerprintOf, HEAD_LENGTH, hasHead, isSameFile } from "./fingerprint.ts";
import type { LineReader, ReadLines } from "./line-reader.ts";

interface OpenFile {
  readonly descriptor: number;
  fingerprint: Fingerprint;
  offset: number;
}

/** Old Apache children write to a rotated file for as long as they have open sockets; this many are held. */
const ROTATED_FILES = 3;
const CHUNKS_A_BATCH = 4;
/** How long a deleted file is listened to, for what an old Apache child still writes. */
const DELETED_REST_MS = 60_000;

/**
 * One log and the files that it was: the one at its path, and those that rotation renamed, which are still read since
 * old Apache children go on writing to them. Files are told apart by device, inode and first bytes, never by name.
 *
 * At each `check` the path holds (a) the file that is open: nothing to do, or it was truncated and is read from its
 * beginning; (b) another file: the open one was rotated, the new one is opened; (c) nothing or nothing readable: that is
 * the log's `problem`, and the open descriptor goes on being read.
 */
export class FollowedLog {
  readonly source: Source;
  /** What is wrong with the path at present; null when it is being read. */
  problem: SekishoError | null = null;
  readonly #reader: LineReader;
  #checkpoints: Checkpoint[];
  #current: OpenFile | null = null;
  #rotated: OpenFile[] = [];

  constructor(source: Source, checkpoints: readonly Checkpoint[], reader: LineReader) {
    this.source = source;
    this.#checkpoints = [...checkpoints];
    this.#reader = reader;
    this.#resumeRotated();
  }

  /** Bytes that are written but not committed, half-written lines included. */
  get lagBytes(): number {
    return this.#files().reduce(
      (lag, file) => lag + Math.max(0, fstatSync(file.descriptor).size - file.offset),
      0,
    );
  }

  /** Looks at what the path holds now. */
  check(): void {
    try {
      const stat = statSync(this.source.path);
      if (!stat.isFile()) {
        throw new SekishoError(
          "LOG_UNREADABLE",
          `${this.source.path} is not a regular file`,
          "name Apache's log file itself",
        );
      }
      const current = this.#current;
      if (current !== null && isAt(current, stat)) {
        if (stat.size < current.offset || !hasHead(current.descriptor, current.fingerprint))
          this.#startOver(current);
      } else {
        this.#open(stat);
      }
      this.problem = null;
    } catch (error) {
      this.problem = problemOf(this.source.path, error);
    }
    this.#releaseDeleted();
  }

  /** True when the path holds nothing and all that it held has been read and is deleted. */
  get isGone(): boolean {
    return this.problem?.code === "LOG_MISSING" && this.#files().length === 0;
  }

  /** An open descriptor keeps a deleted file's space on the disk: it is let go of once its last lines are old. */
  #releaseDeleted(): void {
    for (const file of this.#files()) {
      const { nlink, size, mtimeMs } = fstatSync(file.descriptor);
      if (nlink > 0 || size > file.offset || Date.now() - mtimeMs < DELETED_REST_MS) continue;
      this.#close(file);
      if (file === this.#current) this.#current = null;
      else this.#rotated = this.#rotated.filter((each) => each !== file);
    }
  }

  /** The next lines of the oldest file that has any; null when all are read. The offset moves with `committed`. */
  next(): { readonly batch: LineBatch; committed(): void } | null {
    for (const file of this.#files()) {
      const { lines, cut, offset } = this.#read(file);
      if (offset === file.offset) continue;
      const committed = () => {
        file.offset = offset;
      };
      if (file.fingerprint.headLength < HEAD_LENGTH) file.fingerprint = fingerprintOf(file.descriptor);
      const checkpoint = { source: this.source.id, fingerprint: file.fingerprint, offset };
      return { batch: { source: this.source, lines, cut, checkpoint }, committed };
    }
    return null;
  }

  /** Some chunks at a time, since a transaction's cost is shared by its lines; a cut line ends them. */
  #read({ descriptor, offset }: OpenFile): ReadLines {
    let read = this.#reader.read(descriptor, offset);
    for (let chunks = 1; chunks < CHUNKS_A_BATCH && read.cut.size === 0; chunks++) {
      const more = this.#reader.read(descriptor, read.offset);
      if (more.offset === read.offset) break;
      if (more.cut.size > 0) {
        this.#reader.seek(descriptor, read.offset);
        break;
      }
      read = { ...more, lines: read.lines.concat(more.lines) };
    }
    return read;
  }

  close(): void {
    for (const file of this.#files()) this.#close(file);
    this.#current = null;
    this.#rotated = [];
  }

  #files(): OpenFile[] {
    return this.#current === null ? this.#rotated : [...this.#rotated, this.#current];
  }

  #open(stat: Stats): void {
    // A rotation that somebody took back: the file is known, and goes on where it was.
    const back = this.#rotated.find((file) => isAt(file, stat));
    const current = back ?? this.#resumed(openSync(this.source.path, "r"));
    this.#rotated = this.#files().filter((file) => file !== back);
    this.#current = current;
    this.#releaseOldest();
  }

  #releaseOldest(): void {
    const isRead = ({ descriptor, offset }: OpenFile): boolean => fstatSync(descriptor).size <= offset;
    while (this.#rotated.length > ROTATED_FILES) {
      const oldest = this.#rotated.find(isRead);
      if (oldest === undefined) return;
      this.#close(oldest);
      this.#rotated = this.#rotated.filter((file) => file !== oldest);
    }
  }

  /** The open file at the offset of its checkpoint, or at its beginning when there is none. */
  #resumed(descriptor: number): OpenFile {
    const checkpoint = this.#checkpoints.find((each) =>
      isSameFile(descriptor, each.fingerprint, each.offset),
    );
    this.#checkpoints = this.#checkpoints.filter((each) => each !== checkpoint);
    const offset = checkpoint?.offset ?? 0;
    this.#reader.seek(descriptor, offset);
    return { descriptor, fingerprint: fingerprintOf(descriptor), offset };
  }

  /**
   * Rotations while nobody watched: a renamed file still has its inode, and a checkpoint that knows it. Files that are
   * newer than that one came and went unseen, and are read whole; older ones were there before the first start.
   */
  #resumeRotated(): void {
    if (this.#checkpoints.length === 0) return;
    let isNewer = false;
    for (const path of this.#olderGenerations()) {
      const known = this.#resumeIfKnown(path);
      if (!known && isNewer) this.#rotated.push(this.#resumed(openSync(path, "r")));
      isNewer ||= known;
    }
  }

  /** Files that rotation made of this log (`access.log.1`, `access.log-20261120`), longest untouched first. */
  #olderGenerations(): string[] {
    const folder = dirname(this.source.path);
    const name = basename(this.source.path);
    try {
      return readdirSync(folder)
        .filter((each) => each.startsWith(name) && /^[.-]\d[\d.-]*$/.test(each.slice(name.length)))
        .map((each) => ({ path: join(folder, each), stat: statSync(join(folder, each)) }))
        .filter(({ stat }) => stat.isFile())
        .sort((a, b) => a.stat.mtimeMs - b.stat.mtimeMs)
        .map(({ path }) => path);
    } catch {
      return []; // `check` reports what is wrong with the folder.
    }
  }

  #resumeIfKnown(path: string): boolean {
    try {
      const descriptor = openSync(path, "r");
      const known = this.#checkpoints.some((each) => isSameFile(descriptor, each.fingerprint, each.offset));
      if (known) this.#rotated.push(this.#resumed(descriptor));
      else closeSync(descriptor);
      return known;
    } catch {
      return false; // It went away since it was listed; a file that is deleted has nothing more to say.
    }
  }

  #startOver(file: OpenFile): void {
    file.offset = 0;
    file.fingerprint = fingerprintOf(file.descriptor);
    this.#reader.seek(file.descriptor, 0);
  }

  #close(file: OpenFile): void {
    this.#reader.release(file.descriptor);
    closeSync(file.descriptor);
  }
}

const isAt = ({ fingerprint }: OpenFile, { dev, ino }: Stats): boolean =>
  fingerprint.device === dev && fingerprint.inode === ino;

function problemOf(path: string, error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  switch (systemCode(error)) {
    case "ENOENT":
      return new SekishoError(
        "LOG_MISSING",
        `${path} does not exist`,
        "Apache makes it with its first request; check logs[].path",
        {
          cause: error,
        },
      );
    case "EACCES":
    case "EPERM":
      return new SekishoError(
        "LOG_UNREADABLE",
        `${path} cannot be read`,
        "run Sekisho as a user who may read it (on Debian: a member of group adm)",
        { cause: error },
      );
    default:
      return new SekishoError(
        "LOG_UNREADABLE",
        `${path} cannot be read: ${messageOf(error)}`,
        "check the file",
        {
          cause: error,
        },
      );
  }
}

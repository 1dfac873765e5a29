import { closeSync, type Stats, statSync } from "node:fs";
import { SekishoError } from "../model/errors.ts";
import type { LineBatch, Source, StoredCheckpoint } from "../model/line.ts";
import { unixMs } from "../model/time.ts";
import { checkpointOf, HEAD_LENGTH, hasContent } from "./fingerprint.ts";
import { generationsOf, type RotationNames } from "./generations.ts";
import type { LineReader } from "./line-reader.ts";
import { missing, openAnyLog, orClosed, problemOf } from "./open-log.ts";
import { PackedFile } from "./packed-file.ts";
import { PlainFile, type ReadFile, type ReadPlain } from "./plain-file.ts";
import { RotationCycle } from "./rotation-cycle.ts";
import { type Unread, UnreadGenerations } from "./unread-generations.ts";

/** How long a file that was deleted with the log itself is listened to, for what an old Apache child still writes. */
const DELETED_REST_MS = 60_000;

/** Lines to be committed; "busy" when there may be some after more work; null when all are read. */
export type Next = { readonly batch: LineBatch; committed(): void } | "busy" | null;

/**
 * One log and the files that it was. It reads, in this order: files that rotation renamed, which are held open as old
 * Apache children go on writing to them; generations that came and went unseen; the file at the log's path.
 *
 * At each `check` the path holds (a) the file that is open: nothing to do, or it was truncated and is read from its
 * beginning; (b) another file: the open one was rotated, the new one is opened; (c) nothing or nothing readable: that is
 * the log's `problem`, and the open descriptor goes on being read. After (b) and a truncation, as at the start, the
 * generations are searched for what nobody has read.
 */
export class FollowedLog {
  readonly source: Source;
  readonly #names: RotationNames;
  readonly #reader: LineReader;
  /** By device and inode, as they are stored. */
  readonly #checkpoints = new Map<string, StoredCheckpoint>();
  readonly #cycle = new RotationCycle();
  #pathProblem: SekishoError | null = null;
  #generationProblem: SekishoError | null = null;
  #current: PlainFile | null = null;
  /** Oldest first. */
  #rotated: PlainFile[] = [];
  /** Rotated files that nobody writes to any more: a line that they end in will never be whole. */
  #ending: PlainFile[] = [];
  #packed: PackedFile | null = null;
  /** What was read of the packed file and is not committed yet. To read it again, the file would be unpacked from its beginning. */
  #inHand: Next = null;
  #search: UnreadGenerations | null = null;
  /** What the search finds; null once it is over. */
  #unread: AsyncGenerator<Unread | "busy"> | null = null;

  /** `isLog`: true for files that are followed as logs of their own, even if they are named like generations. */
  constructor(
    source: Source,
    checkpoints: readonly StoredCheckpoint[],
    reader: LineReader,
    isLog?: (path: string) => boolean,
  ) {
    this.source = source;
    this.#names = { rotatedTo: source.rotatedTo, ...(isLog && { isLog }) };
    this.#reader = reader;
    for (const checkpoint of checkpoints) this.#remember(checkpoint);
    if (checkpoints.length > 0) this.#searchGenerations(true);
  }

  /** What is wrong with the path, or with a generation that should have been read; null when all is well. */
  get problem(): SekishoError | null {
    return this.#pathProblem ?? this.#generationProblem;
  }

  /**
   * Bytes that are written but not committed, half-written lines and generations that are still to be read included; of a
   * packed file, packed bytes.
   */
  get lagBytes(): number {
    const files = this.#packed === null ? this.#files() : [this.#packed, ...this.#files()];
    const found = this.#unread === null ? 0 : this.#search!.lagBytes;
    return files.reduce((lag, file) => lag + file.lagBytes, found);
  }

  /** True when the path holds nothing and all that it held has been read and is deleted. */
  get isGone(): boolean {
    const isIdle = this.#unread === null && this.#packed === null && this.#files().length === 0;
    return isIdle && this.#pathProblem?.code === "LOG_MISSING";
  }

  /** Looks at what the path holds now. */
  check(): void {
    const { path } = this.source;
    try {
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) throw missing(path);
      if (this.#current === null || !this.#current.isAt(stat)) this.#open(stat);
      else this.#compare(this.#current, stat);
      this.#pathProblem = null;
    } catch (error) {
      this.#pathProblem = problemOf(path, error);
    }
    this.#letGo();
  }

  /** False when `next` would find nothing, which is cheap to know. */
  get mayHaveNext(): boolean {
    if (this.#unread !== null || this.#packed !== null || this.#ending.length > 0) return true;
    return this.#checkpoints.size === 0 || this.#files().some(({ hasLines }) => hasLines);
  }

  /** The next lines in order. What was read counts once `committed` is called. */
  async next(): Promise<Next> {
    for (;;) {
      const ready = this.#nextRotated() ?? this.#inHand;
      if (ready !== null) return ready;
      const unpacked = this.#packed === null ? null : await this.#nextPacked(this.#packed);
      if (unpacked !== null) return unpacked;
      if (this.#unread === null) return this.#nextCurrent();
      const found = await this.#unread.next();
      if (found.done === true) this.#unread = null;
      else if (found.value === "busy") return "busy";
      else if (found.value instanceof PackedFile) this.#packed = found.value;
      else this.#rotated.push(found.value);
    }
  }

  close(): void {
    void this.#unread?.return(undefined);
    this.#packed?.close();
    for (const file of this.#files()) file.close();
    this.#current = null;
    this.#rotated = [];
    this.#ending = [];
    this.#packed = null;
    this.#unread = null;
  }

  #files(): PlainFile[] {
    const rotated = [...this.#ending, ...this.#rotated];
    return this.#current === null ? rotated : [...rotated, this.#current];
  }

  #open(stat: Stats): void {
    // A rotation that somebody took back: the file is known, and goes on where it was.
    const back = this.#rotated.find((file) => file.isAt(stat));
    const opened = back ?? this.#opened(stat);
    this.#rotated = this.#rotated.filter((file) => file !== back);
    const previous = this.#current;
    this.#current = opened;
    if (previous !== null) this.#rotate(previous);
    if (!opened.isKnown) this.#searchAgain();
  }

  #opened(stat: Stats): PlainFile {
    const { path, kind } = this.source;
    const { descriptor, packing } = openAnyLog(path, stat, kind);
    if (packing !== null) {
      closeSync(descriptor);
      const hint =
        "name the log itself; its packed generations are read by themselves, others by sekisho replay";
      throw new SekishoError("LOG_UNREADABLE", `${path} is packed`, hint);
    }
    // Elsewhere than it was, it is the same only when so much of it agrees that it can be no other log.
    const mayBeCopied = ({ headLength }: { headLength: number }) => headLength === HEAD_LENGTH;
    return orClosed(descriptor, () => {
      const file = new PlainFile(descriptor, this.#reader);
      const checkpoint = checkpointOf(descriptor, [...this.#checkpoints.values()], mayBeCopied);
      if (checkpoint !== null) file.resume(checkpoint);
      return file;
    });
  }

  #compare(current: PlainFile, stat: Stats): void {
    try {
      if (!current.isIntact(stat)) this.#startOver(current);
    } catch (error) {
      this.#drop(current);
      throw error;
    }
  }

  #rotate(file: PlainFile): void {
    this.#turnCycle();
    const isIntact = file.isIntact(file.stat);
    // While older generations are being read, this file is found among them in its turn. So is one that was truncated and
    // written again before it was rotated, since its copy has to be read first. Under any other name it would not be found.
    const comesLater = this.#unread !== null || !isIntact;
    if (comesLater && this.#isGeneration(file)) {
      file.close();
      return;
    }
    if (!isIntact) file.startOver();
    this.#rotated.push(file);
  }

  /** True where rotation left it, or packed it, under a name that is looked for. */
  #isGeneration(file: PlainFile): boolean {
    return (
      file.stat.nlink === 0 ||
      generationsOf(this.source.path, this.#names).some(({ stat }) => file.isAt(stat))
    );
  }

  /** copytruncate: what it had and was not read stands in the copy. */
  #startOver(file: PlainFile): void {
    if (file.offset > 0) this.#turnCycle();
    file.startOver();
    this.#searchAgain();
  }

  /** Where nothing of the log was read yet, its generations are older than the first start, and stay unread. */
  #searchAgain(): void {
    if (this.#checkpoints.size > 0 && this.#unread === null) this.#searchGenerations(false);
  }

  #turnCycle(): void {
    this.#cycle.turn(Date.now());
    this.#generationProblem = null;
  }

  #searchGenerations(isStart: boolean): void {
    const isHeld = (dev: number, ino: number) => this.#rotated.some((file) => file.isAt({ dev, ino }));
    const log = {
      path: this.source.path,
      kind: this.source.kind,
      names: this.#names,
      checkpoints: () => [...this.#checkpoints.values()],
      isHeld,
      isCurrentKnown: () => this.#current?.isKnown ?? false,
      isInCurrent: (checkpoint: StoredCheckpoint) =>
        this.#current?.isKnown === true && hasContent(this.#current.descriptor, checkpoint),
      report: (problem: SekishoError) => {
        this.#generationProblem = problem;
      },
    };
    this.#search = new UnreadGenerations(log, this.#reader);
    this.#unread = this.#search.files(isStart);
  }

  /** An open descriptor keeps a deleted file's space on the disk: it is let go of once nobody writes there. */
  #letGo(): void {
    const now = Date.now();
    const isDeleted = (file: PlainFile): boolean => {
      if (this.#pathProblem?.code !== "LOG_MISSING") return false;
      const { nlink, mtimeMs } = file.stat;
      return nlink === 0 && !file.hasLines && now - mtimeMs >= DELETED_REST_MS;
    };
    const finished = [...this.#rotated.filter(isDeleted), ...this.#cycle.finished(this.#rotated, now)];
    this.#rotated = this.#rotated.filter((file) => !finished.includes(file));
    this.#ending.push(...new Set(finished));
    if (this.#current !== null && isDeleted(this.#current)) {
      this.#ending.push(this.#current);
      this.#current = null;
    }
  }

  #nextRotated(): Next {
    for (const file of this.#rotated) {
      const next = this.#nextOf(file, () => file.read());
      if (next !== null) return next;
    }
    for (let file = this.#ending[0]; file !== undefined; file = this.#ending[0]) {
      const ending = file;
      const next = this.#nextOf(file, () => ending.readUnfinished());
      if (next !== null) return next;
      file.close();
      this.#ending.shift();
    }
    return null;
  }

  #nextCurrent(): Next {
    const file = this.#current;
    if (file === null) return null;
    // The beginning of an empty log is stored too: so its first lines count as unread, even if it is rotated before they are read.
    const read = () => (this.#checkpoints.size === 0 ? file.readOrMark() : file.read());
    return this.#nextOf(file, read);
  }

  #nextOf(file: PlainFile, read: () => ReadPlain | null): Next {
    try {
      const lines = read();
      return lines === null ? null : this.#toCommit(lines, () => file.committed(lines));
    } catch (error) {
      this.#pathProblem = problemOf(this.source.path, error);
      this.#drop(file);
      return null;
    }
  }

  /** A file that fails while it is read, as on a network drive that went away, is opened anew by the next check. */
  #drop(file: PlainFile): void {
    file.close();
    if (file === this.#current) this.#current = null;
    this.#rotated = this.#rotated.filter((each) => each !== file);
    this.#ending = this.#ending.filter((each) => each !== file);
  }

  async #nextPacked(file: PackedFile): Promise<Next> {
    try {
      const read = await file.read();
      if (read === "busy") return read;
      if (read !== null) {
        this.#inHand = this.#toCommit(read, () => {
          this.#inHand = null;
        });
        return this.#inHand;
      }
    } catch (error) {
      if (!file.isLate) this.#generationProblem = problemOf(this.source.path, error);
    }
    file.close();
    this.#packed = null;
    return null;
  }

  #toCommit({ lines, cut, position }: ReadFile, done: () => void): Next {
    const checkpoint = { source: this.source.id, ...position };
    const committed = () => {
      this.#remember({ ...checkpoint, committedAt: unixMs(Date.now()) });
      done();
    };
    return { batch: { source: this.source, lines, cut, checkpoint }, committed };
  }

  #remember(checkpoint: StoredCheckpoint): void {
    const { device, inode } = checkpoint.fingerprint;
    this.#checkpoints.set(`${device} ${inode}`, checkpoint);
  }
}

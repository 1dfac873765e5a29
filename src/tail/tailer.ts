import { dirname, resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SekishoError } from "../model/errors.ts";
import type { LineBatch, Source, StoredCheckpoint } from "../model/line.ts";
import { FolderWatch } from "./folder-watch.ts";
import { FollowedLog } from "./followed-log.ts";
import { LineReader } from "./line-reader.ts";
import { filesIn, foldersOf, type LogPattern, logPattern, MOST_FOLDERS, matchesAny } from "./log-pattern.ts";

/** What is read, as the configuration says. */
export type LogToTail = Omit<Source, "id">;

/** Where sources get their numbers and their checkpoints: the store. */
export interface SourceRegistry {
  register(log: LogToTail): Source;
  checkpoints(source: Source): readonly StoredCheckpoint[];
}

export interface TailStatus {
  readonly source: Source;
  readonly lagBytes: number;
  readonly problem: SekishoError | null;
}

/** A configured log and the files that are read for it: one, or those of a glob. */
interface Followed {
  readonly log: LogToTail;
  readonly pattern: LogPattern;
  /**
   * Those that may have something to read: all at each sweep, in between the ones that a watcher or a read tells of. The first
   * is the next to be read.
   */
  readonly due: Set<FollowedLog>;
}

/** How often all paths are looked at, whether or not a watcher said anything. */
const SWEEP_MS = 500;
/**
 * Where lines follow each other closely, reading rests this long so that more of them make one batch, unless more bytes than
 * GATHER_BYTES wait already. Each write wakes the watcher and each batch is a transaction: one for every request of a busy
 * site would cost more than all its lines. After a turn of MANY_LINES the rest is longer, which saves a fifth of the processor.
 */
const GATHER_MS = 20;
const MANY_LINES = 90;
const GATHER_MANY_MS = 50;
const GATHER_BYTES = 1 << 16;
/** How long one configured log has its turn: files of a glob, which may be thousands, do not keep the others waiting. */
const TURN_MS = 50;
/** How often all that is followed is looked at meanwhile, as the watcher hardly gets a word in. */
const BUSY_SWEEP_MS = 60;
/** What is left to do after all had their turn. */
interface Turn {
  behind: number;
  isBusy: boolean;
  /** Lines that were read. */
  lines: number;
}

/**
 * Follows logs and yields their whole lines in batches. Watching the folders only wakes it up; what there is to read it
 * finds out by itself, so a lost notification costs half a second and no line. The consumer commits a batch before it
 * asks for the next, so a flood makes lag, not memory.
 */
export class Tailer implements Disposable {
  readonly #logs: readonly Followed[];
  readonly #isLog: (path: string) => boolean;
  readonly #registry: SourceRegistry;
  readonly #reader = new LineReader();
  /** By absolute path, each with those that are due with it. */
  readonly #followed = new Map<string, { readonly file: FollowedLog; readonly due: Set<FollowedLog> }>();
  #nextSweep = 0;
  #lastSweep = 0;
  #watch: FolderWatch | null = null;
  /** Of patterns that stand for too many folders. */
  #folderProblem: SekishoError | null = null;
  #wake: () => void = () => {};

  constructor(logs: readonly LogToTail[], registry: SourceRegistry) {
    this.#logs = logs.map((log) => ({ log, pattern: logPattern(log.path), due: new Set() }));
    this.#isLog = matchesAny(this.#logs.map(({ pattern }) => pattern));
    this.#registry = registry;
  }

  /** Batches until the signal aborts. Of one log they come in order; logs take turns. */
  async *batches(signal: AbortSignal): AsyncGenerator<LineBatch, void, undefined> {
    const patterns = this.#logs.map(({ pattern }) => pattern);
    await using watch = new FolderWatch(patterns, (path) => this.#wakeFor(path));
    this.#watch = watch;
    const stop = () => this.#wake();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#sweepWhenDue();
        const turn: Turn = { behind: 0, isBusy: false, lines: 0 };
        for (const { due } of this.#logs) yield* this.#turnOf(due, turn, signal);
        if (signal.aborted) return;
        if (this.#logs.every(({ due }) => due.size === 0)) await this.#sleep(woken);
        else if (turn.behind < GATHER_BYTES && !turn.isBusy)
          this.#gather(turn.lines < MANY_LINES ? GATHER_MS : GATHER_MANY_MS);
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** One batch of each of these that has any; where that takes long, the rest of them go first the next time. */
  async *#turnOf(due: Set<FollowedLog>, turn: Turn, signal: AbortSignal): AsyncGenerator<LineBatch> {
    const end = performance.now() + TURN_MS;
    for (const file of [...due]) {
      // Before it is looked at: what the watcher tells from here on counts for the next turn.
      due.delete(file);
      // Right before it is read: a batch of another log may have taken its time, and this one was truncated meanwhile.
      file.check();
      if (file.mayHaveNext) yield* this.#nextOf(file, due, turn);
      if (signal.aborted) return;
      if (due.size === 0 || performance.now() < end) continue;
      turn.isBusy = true;
      await nextTurn();
      return;
    }
  }

  /** One batch of one log, if it has any. */
  async *#nextOf(file: FollowedLog, due: Set<FollowedLog>, turn: Turn): AsyncGenerator<LineBatch> {
    const next = await file.next();
    if (next === null) return;
    due.add(file);
    if (next === "busy") {
      turn.isBusy = true;
    } else {
      yield next.batch;
      next.committed();
      turn.lines += next.batch.lines.length;
      turn.behind += file.lagBytes;
    }
    // Commands from the main thread arrive between batches.
    await nextTurn();
  }

  /** One entry a source, and one for each configured file that is not there. */
  status(): TailStatus[] {
    return [...this.#followed.values()].map(({ file: { source, lagBytes, problem } }) => ({
      source,
      lagBytes,
      problem,
    }));
  }

  /** Why new lines are found by the sweep only, or not at all in some folders; null when watching works. */
  get watchProblem(): SekishoError | null {
    return this.#folderProblem ?? this.#watch?.problem ?? null;
  }

  [Symbol.dispose](): void {
    for (const { file } of this.#followed.values()) file.close();
    this.#followed.clear();
    for (const { due } of this.#logs) due.clear();
  }

  #sweepWhenDue(): void {
    const now = performance.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + SWEEP_MS;
    this.#lastSweep = now;
    const listed = new Set<string>();
    const folders = new Set<string>();
    this.#folderProblem = null;
    for (const { log, pattern, due } of this.#logs) {
      const end = performance.now() + TURN_MS;
      for (const path of pattern.literal ? [log.path] : this.#filesOf(pattern, log.path)) {
        listed.add(resolve(path));
        if (pattern.folders.length > 0) folders.add(dirname(path));
        if (this.#followed.has(resolve(path))) continue;
        // The rest of very many new ones is taken up once those that are known had their turn.
        if (performance.now() > end) this.#nextSweep = 0;
        else this.#follow({ ...log, path }, due);
      }
    }
    this.#watch?.follow([...folders]);
    for (const [path, { file, due }] of this.#followed) {
      if (!listed.has(path) && file.isGone) this.#followed.delete(path);
      else due.add(file);
    }
  }

  #filesOf(pattern: LogPattern, path: string): string[] {
    const folders = foldersOf(pattern);
    if (folders.length > MOST_FOLDERS) this.#folderProblem = tooMany(path);
    return filesIn(folders, pattern);
  }

  /** Blocks the thread, or the event loop would wake for each write after all. */
  #gather(milliseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
    const now = performance.now();
    if (now - this.#lastSweep < BUSY_SWEEP_MS) return;
    this.#lastSweep = now;
    for (const { file, due } of this.#followed.values()) due.add(file);
  }

  #follow(log: LogToTail, due: Set<FollowedLog>): void {
    const source = this.#registry.register(log);
    const file = new FollowedLog(source, this.#registry.checkpoints(source), this.#reader, this.#isLog);
    this.#followed.set(resolve(log.path), { file, due });
  }

  /** What a notification is about: a file that is known, or what may be a new one. */
  #wakeFor(path?: string): void {
    const known = path === undefined ? undefined : this.#followed.get(path);
    if (known === undefined) this.#nextSweep = 0;
    else known.due.add(known.file);
    this.#wake();
  }

  async #sleep(woken: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const sweep = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, this.#nextSweep - performance.now()));
    });
    await Promise.race([woken, sweep]);
    clearTimeout(timer);
  }
}

const tooMany = (path: string): SekishoError =>
  new SekishoError(
    "LOG_UNWATCHED",
    `${path} stands for more than ${MOST_FOLDERS} folders; logs in the others are not read`,
    "write it so that its stars stand for fewer folders, or name several paths",
  );

import { resolve } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { watch } from "chokidar";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { LineBatch, Source, StoredCheckpoint } from "../model/line.ts";
import { FollowedLog } from "./followed-log.ts";
import { LineReader } from "./line-reader.ts";
import { type LogPattern, logPattern, matchingFiles } from "./log-pattern.ts";

/** What is read, as the configuration says. */
export type LogToTail = Pick<Source, "path" | "kind" | "format" | "timezone" | "fields">;

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
 * How long lines that follow each other closely are let gather, as long as no more bytes than these wait to be read. Each
 * write wakes the watcher, and each batch is a transaction: one for every request of a busy site costs more than all its
 * lines do. Where so many lines came at once, twice as many at a time take a fifth less of the processor.
 */
const GATHER_MS = 20;
const MANY_LINES = 90;
const GATHER_MANY_MS = 50;
const GATHER_BYTES = 1 << 16;
/** How long one configured log has its turn: files of a glob, which may be thousands, do not keep the others waiting. */
const TURN_MS = 50;
/** How often all that is followed is looked at meanwhile, as the watcher hardly gets a word in. */
const BUSY_SWEEP_MS = 60;
/** What the system answers when it has no inotify instance or watch left. */
const LIMITS: readonly string[] = ["EMFILE", "ENFILE", "ENOSPC", "ENOMEM"];

/** What is left to do after all had their turn. */
interface Turn {
  behind: number;
  isBusy: boolean;
  /** That were read. */
  lines: number;
}

/**
 * Follows logs and yields their whole lines in batches. Watching the folders only wakes it up; what there is to read it
 * finds out by itself, so a lost notification costs half a second and no line. The consumer commits a batch before it
 * asks for the next, so a flood makes lag, not memory.
 */
export class Tailer implements Disposable {
  readonly #logs: readonly Followed[];
  readonly #registry: SourceRegistry;
  readonly #reader = new LineReader();
  /** By absolute path, each with those that are due with it. */
  readonly #followed = new Map<string, { readonly file: FollowedLog; readonly due: Set<FollowedLog> }>();
  #nextSweep = 0;
  #lastSweep = 0;
  #watchProblem: SekishoError | null = null;
  #wake: () => void = () => {};

  constructor(logs: readonly LogToTail[], registry: SourceRegistry) {
    this.#logs = logs.map((log) => ({ log, pattern: logPattern(log.path), due: new Set() }));
    this.#registry = registry;
  }

  /** Batches until the signal aborts. Of one log they come in order; logs take turns. */
  async *batches(signal: AbortSignal): AsyncGenerator<LineBatch, void, undefined> {
    await using _watcher = this.#watch();
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

  /** Why new lines are found by the sweep only; null when watching works. */
  get watchProblem(): SekishoError | null {
    return this.#watchProblem;
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
    for (const { log, pattern, due } of this.#logs) {
      const end = performance.now() + TURN_MS;
      for (const path of pattern.literal ? [log.path] : matchingFiles(pattern)) {
        listed.add(resolve(path));
        if (this.#followed.has(resolve(path))) continue;
        // The rest of very many new ones is taken up once those that are known had their turn.
        if (performance.now() > end) this.#nextSweep = 0;
        else this.#follow({ ...log, path }, due);
      }
    }
    for (const [path, { file, due }] of this.#followed) {
      if (!listed.has(path) && file.isGone) this.#followed.delete(path);
      else due.add(file);
    }
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
    const file = new FollowedLog(source, this.#registry.checkpoints(source), this.#reader);
    this.#followed.set(resolve(log.path), { file, due });
  }

  #watch() {
    const patterns = this.#logs.map(({ pattern }) => pattern);
    const directories = [...new Set(patterns.map(({ directory }) => directory))];
    const watcher = watch(directories, {
      depth: 0,
      ignoreInitial: true,
      ignored: (path, stats) =>
        stats?.isFile() === true &&
        !patterns.some(({ matches }) => matches(path.slice(path.lastIndexOf("/") + 1))),
    });
    const wake = (path?: string): void => {
      const known = path === undefined ? undefined : this.#followed.get(path);
      // What is not known may be a new log.
      if (known === undefined) this.#nextSweep = 0;
      else known.due.add(known.file);
      this.#wake();
    };
    watcher.on("all", (_event, path) => wake(path));
    // What happened since the folders were listed and before they were watched.
    watcher.on("ready", () => wake());
    watcher.on("error", (cause) => {
      // Others concern one file, as a link to itself, and are told of that log where it is one.
      if (!LIMITS.includes(systemCode(cause) ?? "")) return;
      this.#watchProblem = new SekishoError(
        "LOG_UNWATCHED",
        `the system refuses to watch the log folders (${messageOf(cause)}); new lines are found twice a second instead`,
        "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, then have Sekisho read its configuration again: kill -HUP",
        { cause },
      );
    });
    return { [Symbol.asyncDispose]: () => watcher.close() };
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

import { setImmediate as nextTurn } from "node:timers/promises";
import { watch } from "chokidar";
import { SekishoError } from "../model/errors.ts";
import type { Checkpoint, LineBatch, Source } from "../model/line.ts";
import { FollowedLog } from "./followed-log.ts";
import { LineReader } from "./line-reader.ts";
import { type LogPattern, logPattern, matchingFiles } from "./log-pattern.ts";

/** What is read, as the configuration says. */
export type LogToTail = Pick<Source, "path" | "kind" | "format" | "timezone" | "fields">;

/** Where sources get their numbers and their checkpoints: the store. */
export interface SourceRegistry {
  register(log: LogToTail): Source;
  checkpoints(source: Source): readonly Checkpoint[];
}

export interface TailStatus {
  readonly source: Source;
  readonly lagBytes: number;
  readonly problem: SekishoError | null;
}

/** How often all paths are looked at, whether or not a watcher said anything. */
const SWEEP_MS = 500;
/**
 * How long lines that follow each other closely are let gather, and how few make it worth while. Each write wakes the
 * watcher, and each batch is a transaction: one for every request of a busy site costs more than all its lines do.
 */
const GATHER_MS = 20;
const FEW_LINES = 1_000;

/**
 * Follows logs and yields their whole lines in batches. Watching the folders only wakes it up; what there is to read it
 * finds out by itself, so a lost notification costs half a second and no line. The consumer commits a batch before it
 * asks for the next, so a flood makes lag, not memory.
 */
export class Tailer implements Disposable {
  readonly #logs: readonly { readonly log: LogToTail; readonly pattern: LogPattern }[];
  readonly #registry: SourceRegistry;
  readonly #reader = new LineReader();
  readonly #followed = new Map<string, FollowedLog>();
  #watchProblem: SekishoError | null = null;
  #wake: () => void = () => {};

  constructor(logs: readonly LogToTail[], registry: SourceRegistry) {
    this.#logs = logs.map((log) => ({ log, pattern: logPattern(log.path) }));
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
        this.#look();
        let lines = 0;
        let read = false;
        for (const followed of this.#followed.values()) {
          // Right before it is read: a batch of another log may have taken its time, and this one was truncated meanwhile.
          followed.check();
          const next = followed.next();
          if (next === null) continue;
          read = true;
          lines += next.batch.lines.length;
          yield next.batch;
          next.committed();
          // Commands from the main thread arrive between batches.
          await nextTurn();
          if (signal.aborted) return;
        }
        if (!read) await this.#sleep(woken);
        else if (lines < FEW_LINES) gather();
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** One entry a source, and one for each configured file that is not there. */
  status(): TailStatus[] {
    return [...this.#followed.values()].map(({ source, lagBytes, problem }) => ({
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
    for (const followed of this.#followed.values()) followed.close();
    this.#followed.clear();
  }

  #look(): void {
    const listed = new Set<string>();
    for (const { log, pattern } of this.#logs) {
      const paths = pattern.literal ? [log.path] : matchingFiles(pattern);
      for (const path of paths) {
        listed.add(path);
        if (!this.#followed.has(path)) this.#follow({ ...log, path });
      }
    }
    for (const [path, followed] of this.#followed) {
      if (!listed.has(path) && followed.isGone) this.#followed.delete(path);
    }
  }

  #follow(log: LogToTail): void {
    const source = this.#registry.register(log);
    this.#followed.set(log.path, new FollowedLog(source, this.#registry.checkpoints(source), this.#reader));
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
    watcher.on("all", () => this.#wake());
    watcher.on("error", (cause) => {
      this.#watchProblem = new SekishoError(
        "LOG_UNREADABLE",
        "the system refuses to watch the log folders; new lines are found twice a second instead",
        "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances",
        { cause },
      );
    });
    return { [Symbol.asyncDispose]: () => watcher.close() };
  }

  async #sleep(woken: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const sweep = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SWEEP_MS);
    });
    await Promise.race([woken, sweep]);
    clearTimeout(timer);
  }
}

/** Blocks the thread, or the event loop would wake for each write after all. */
function gather(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, GATHER_MS);
}

import { type FSWatcher, watch as watchFolder } from "node:fs";
import { basename, join } from "node:path";
import { watch } from "chokidar";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { type LogPattern, matchesAny } from "./log-pattern.ts";

/** What the system answers when it has no inotify instance or watch left. */
const LIMITS: readonly string[] = ["EMFILE", "ENFILE", "ENOSPC", "ENOMEM"];
/** So many folders of globs are watched, since each watch takes memory of the kernel; files in the others the sweep finds. */
const MOST_WATCHED = 500;

/**
 * Has the system tell of changes in the folders of logs. What it tells only wakes the tailer, which looks by itself: a
 * lost notification costs half a second and no line.
 */
export class FolderWatch implements AsyncDisposable {
  readonly #watcher: ReturnType<typeof watch>;
  readonly #isLog: (path: string) => boolean;
  readonly #wake: (path?: string) => void;
  /** The watched folders of globs. Not by chokidar, which gets slower with each folder that goes away. */
  readonly #below = new Map<string, FSWatcher>();
  /** Why changes are found by the sweep only; null when watching works. */
  problem: SekishoError | null = null;

  /** `wake` is told the path that changed, none where much may have. */
  constructor(patterns: readonly LogPattern[], wake: (path?: string) => void) {
    const isLog = matchesAny(patterns);
    this.#isLog = isLog;
    this.#wake = wake;
    const directories = [...new Set(patterns.map(({ directory }) => directory))];
    this.#watcher = watch(directories, {
      depth: 0,
      ignoreInitial: true,
      ignored: (path, stats) => stats?.isFile() === true && !isLog(path),
    });
    this.#watcher.on("all", (_event, path) => wake(path));
    // What happened since the folders were listed and before they were watched.
    this.#watcher.on("ready", () => wake());
    this.#watcher.on("error", (cause) => {
      // Other errors concern one file, such as a link to itself: if it is a log, they are reported for that log.
      if (LIMITS.includes(systemCode(cause) ?? "")) this.problem = refused(cause);
    });
  }

  /** Watches these folders from now on, and no others of globs. */
  follow(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, MOST_WATCHED));
    for (const folder of this.#below.keys()) if (!wanted.has(folder)) this.#unwatch(folder);
    for (const folder of wanted) if (!this.#below.has(folder) && !this.#watch(folder)) return;
  }

  /** False where the system's limit is reached. */
  #watch(folder: string): boolean {
    try {
      const watcher = watchFolder(folder, (_event, name) => this.#changed(folder, name));
      watcher.on("error", () => this.#unwatch(folder));
      this.#below.set(folder, watcher);
    } catch (cause) {
      // Else it is just gone, or may not be looked at.
      if (!LIMITS.includes(systemCode(cause) ?? "")) return true;
      this.problem = refused(cause);
      return false;
    }
    return true;
  }

  #changed(folder: string, name: string | null): void {
    // Its own name tells that it was moved or deleted: the next sweep watches what is there then.
    if (name === null || name === basename(folder)) {
      this.#unwatch(folder);
      this.#wake();
      return;
    }
    const path = join(folder, name);
    if (this.#isLog(path)) this.#wake(path);
  }

  #unwatch(folder: string): void {
    this.#below.get(folder)?.close();
    this.#below.delete(folder);
  }

  [Symbol.asyncDispose] = (): Promise<void> => {
    for (const folder of [...this.#below.keys()]) this.#unwatch(folder);
    return this.#watcher.close();
  };
}

const refused = (cause: unknown): SekishoError =>
  new SekishoError(
    "LOG_UNWATCHED",
    `the system refuses to watch the log folders (${messageOf(cause)}); new lines are found twice a second instead`,
    "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, then have Sekisho read its configuration again: kill -HUP",
    { cause },
  );

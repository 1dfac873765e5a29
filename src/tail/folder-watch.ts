import { watch } from "chokidar";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { type LogPattern, matchesAny } from "./log-pattern.ts";

/** What the system answers when it has no inotify instance or watch left. */
const LIMITS: readonly string[] = ["EMFILE", "ENFILE", "ENOSPC", "ENOMEM"];
/** Of the folders that a glob stands for; the files of the others are found by the sweep. A watch is memory of the kernel's. */
const MOST_WATCHED = 500;

/**
 * Has the system tell of changes in the folders of logs. What it tells only wakes the tailer, which looks by itself: a
 * lost notification costs half a second and no line.
 */
export class FolderWatch implements AsyncDisposable {
  readonly #watcher: ReturnType<typeof watch>;
  /** What a glob stands for, as far as it is watched. */
  #below: ReadonlySet<string> = new Set();
  /** Why changes are found by the sweep only; null when watching works. */
  problem: SekishoError | null = null;

  /** `wake` is told the path that changed, none where much may have. */
  constructor(patterns: readonly LogPattern[], wake: (path?: string) => void) {
    const isLog = matchesAny(patterns);
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
      // Others concern one file, as a link to itself, and are told of that log where it is one.
      if (LIMITS.includes(systemCode(cause) ?? "")) this.problem = refused(cause);
    });
  }

  /** Watches these folders too, and those no more that it watched and that are not among them. */
  follow(folders: readonly string[]): void {
    const wanted = new Set(folders.slice(0, MOST_WATCHED));
    const added = [...wanted].filter((folder) => !this.#below.has(folder));
    const gone = [...this.#below].filter((folder) => !wanted.has(folder));
    this.#below = wanted;
    if (gone.length > 0) this.#watcher.unwatch(gone);
    if (added.length > 0) this.#watcher.add(added);
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.#watcher.close();
}

const refused = (cause: unknown): SekishoError =>
  new SekishoError(
    "LOG_UNWATCHED",
    `the system refuses to watch the log folders (${messageOf(cause)}); new lines are found twice a second instead`,
    "raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl, then have Sekisho read its configuration again: kill -HUP",
    { cause },
  );

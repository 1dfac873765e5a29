import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SekishoError, systemCode } from "../../model/errors.ts";

const LOOK_MS = 20;
const LOCK = "/run/ufw.lock";

/** Holds the lock until its standard input ends; Node itself has no such locks. What runs ufw is there to run this. */
const HOLD = `import fcntl, sys
file = open(sys.argv[1], "a")
try:
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit(1)
print("held", flush=True)
sys.stdin.read()`;

interface Lock {
  readonly pid: number;
  readonly isWaiting: boolean;
}

/**
 * Lets one ufw command of ours run while nobody else's does. ufw reads its rules before it takes its lock, so of two at once
 * the second writes what it read before the first wrote, and the first is lost, though it said that all went well. So we
 * hold the lock ourselves while ours reads:
 *
 *     nobody runs ufw ─▶ hold the lock ─▶ start ours, until it waits for the lock ─▶ still nobody else? ─▶ let go: ours writes
 *            ▲                                                                            │
 *            └───────────── end ours, which has only read, and let go ◀── somebody came ──┘
 *
 * Whoever comes later finds ours under way, and may undo it, but nothing of theirs is undone.
 */
export class UfwTurn {
  readonly #proc: string;
  readonly #patienceMs: number;
  readonly #mounts: "same" | "any";

  /** `proc` is the folder in /proc of a process that sees what ufw sees; `mounts`: whose ufw counts. */
  constructor(proc: string, patienceMs: number, mounts: "same" | "any") {
    this.#proc = proc;
    this.#patienceMs = patienceMs;
    this.#mounts = mounts;
  }

  /** `start` runs ufw, and kills it when its signal aborts. Throws UFW_BUSY when others do not end in time. */
  async run<Result>(start: (signal: AbortSignal) => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const patience = performance.now() + this.#patienceMs;
    for (;;) {
      signal.throwIfAborted();
      const other = await this.#other();
      await using gate = other === null ? await Gate.close(join(this.#proc, "root", LOCK)) : null;
      if (gate === null) {
        if (performance.now() > patience) throw busy(other);
        await sleep(LOOK_MS);
        continue;
      }
      const ending = new AbortController();
      let hasEnded = false;
      const work = start(ending.signal).finally(() => {
        hasEnded = true;
      });
      work.catch(() => {});
      while (!hasEnded && !(await this.#oursWaits())) await sleep(LOOK_MS / 4);
      if (hasEnded || (await this.#other(gate.pid)) === null) {
        gate.open();
        return await work;
      }
      ending.abort();
      await work.catch(() => {});
    }
  }

  /** The number of a process that runs ufw or has to do with its lock, and is not of our making. */
  async #other(gate?: number): Promise<number | null> {
    for (const { pid } of await this.#locks()) if (pid !== gate && !(await isOurs(pid))) return pid;
    const mounts = await mountsOf(this.#proc);
    for (const entry of await readdir("/proc")) {
      if (!/^\d+$/.test(entry)) continue;
      const name = await readFile(`/proc/${entry}/comm`, "latin1").catch(() => "");
      // In another container it has other rules.
      if (name !== "ufw\n") continue;
      const isUfw = this.#mounts === "any" || (await mountsOf(`/proc/${entry}`)) === mounts;
      if (isUfw && !(await isOurs(Number(entry)))) return Number(entry);
    }
    return null;
  }

  async #oursWaits(): Promise<boolean> {
    for (const { pid, isWaiting } of await this.#locks()) if (isWaiting && (await isOurs(pid))) return true;
    return false;
  }

  /** Who holds ufw's lock, and who waits for it. */
  async #locks(): Promise<readonly Lock[]> {
    try {
      const { dev, ino } = await stat(join(this.#proc, "root", LOCK));
      const hex = (part: number): string => part.toString(16).padStart(2, "0");
      const file = `${hex((dev >> 8) & 0xfff)}:${hex((dev & 0xff) | ((dev >> 12) & 0xfff00))}:${ino}`;
      // 1: POSIX  ADVISORY  WRITE 31916 00:27:4 0 EOF, with -> before POSIX for one that waits, and a space more for each who does before it
      return (await readFile("/proc/locks", "latin1")).split("\n").flatMap((line) => {
        const match = /^\d+: *(-> )?POSIX +\S+ +\S+ (\d+) (\S+)/.exec(line);
        if (match?.[3] !== file) return [];
        return [{ pid: Number(match[2]), isWaiting: match[1] !== undefined }];
      });
    } catch (error) {
      if (["ENOENT", "EACCES"].includes(systemCode(error) ?? "")) return [];
      throw error;
    }
  }
}

/** The ufw that we have started. */
async function isOurs(pid: number): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  // 31916 (ufw) S 4711 …: its parent is us.
  const [, name, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(state) ?? [];
  return name === "ufw" && Number(parent) === process.pid;
}

const mountsOf = (process: string): Promise<string | null> =>
  readlink(join(process, "ns/mnt")).catch(() => null);

/** ufw's lock in our hands. */
class Gate implements AsyncDisposable {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** Null when somebody else holds it. */
  static async close(file: string): Promise<Gate | null> {
    const holder = spawn("python3", ["-I", "-S", "-c", HOLD, file], {
      cwd: "/",
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(holder, "spawn");
    holder.stdin.on("error", () => {});
    const ended = once(holder, "close").then(() => false);
    const held = once(holder.stdout, "data").then(() => true);
    return (await Promise.race([held, ended])) ? new Gate(holder) : null;
  }

  get pid(): number {
    return this.#holder.pid!;
  }

  open(): void {
    this.#holder.stdin!.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.open();
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) await once(this.#holder, "exit");
  }
}

const busy = (process: number | null): SekishoError =>
  new SekishoError(
    "UFW_BUSY",
    `${process === null ? "somebody" : `process ${process}`} runs ufw or holds its lock ${LOCK}, and does not end`,
    `see what it is (ps ${process ?? "-C ufw"}); it is tried again by itself`,
  );

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemCode } from "../model/errors.ts";

/** Where programs of the administrator's live, which an ordinary user's PATH lacks on Debian. */
const PATH = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_OUTPUT = 64 * 1024;
/** How long a program that has ended may leave its pipes open to somebody. */
const PIPES_MS = 500;

export interface ProgramOptions {
  /** Written to its standard input; without it that is empty. */
  readonly input?: string;
  /** Then it is killed, with what it started. Default: 30 seconds. */
  readonly timeoutMs?: number;
  /** Bytes kept of each of its outputs; the rest is read and dropped. Default: 64 KiB. */
  readonly maxOutput?: number;
  readonly signal: AbortSignal;
}

export interface ProgramEnded {
  readonly kind: "ended";
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** True when an output was longer than `maxOutput`. */
  readonly isCut: boolean;
}

export type ProgramResult =
  | ProgramEnded
  /** It took longer than `timeoutMs` and was killed. */
  | (Omit<ProgramEnded, "kind" | "status"> & { readonly kind: "late"; readonly timeoutMs: number })
  /** There is no such program, or it may not be run. */
  | { readonly kind: "missing"; readonly cause: unknown };

/**
 * Runs a program with an argument array, no shell between, in `/` and in plain English. Throws only when `signal`
 * aborts, which kills it, and where the system has no room for one more program.
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  const { input, timeoutMs = DEFAULT_TIMEOUT_MS, maxOutput = DEFAULT_MAX_OUTPUT, signal } = options;
  signal.throwIfAborted();
  // Its own process group, so that a time-out also ends what it started.
  const child = spawn(program, [...args], {
    cwd: "/",
    detached: true,
    // Nobody else has a use for the dashboard's token.
    env: { ...process.env, PATH, LC_ALL: "C", SEKISHO_TOKEN: undefined },
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  const stdout = new Kept(maxOutput);
  const stderr = new Kept(maxOutput);
  // Not there where no more files can be opened; `exit` then fails with what says so.
  child.stdout?.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  const closed = once(child, "close").catch(() => {});
  const ending = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It had just ended.
    }
  };
  ending.addEventListener("abort", end);
  try {
    // A program that ends without reading to the end says why by its status.
    child.stdin?.on("error", () => {}).end(input);
    const [status] = (await once(child, "exit")) as [number | null];
    const isLate = ending.aborted;
    // Not for long: what `apachectl graceful` starts holds the pipes for as long as it lives.
    await Promise.race([closed, quiet([stdout, stderr], timeoutMs, signal)]);
    signal.throwIfAborted();
    const output = { stdout: stdout.text(), stderr: stderr.text(), isCut: stdout.isCut || stderr.isCut };
    return isLate ? { kind: "late", timeoutMs, ...output } : { kind: "ended", status, ...output };
  } catch (error) {
    if (["ENOENT", "EACCES"].includes(systemCode(error) ?? "")) return { kind: "missing", cause: error };
    throw error;
  } finally {
    ending.removeEventListener("abort", end);
    child.stdin?.destroy();
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Where the program is, null when it is nowhere. A name without a slash is looked for as a shell would, and in sbin. */
export async function findProgram(program: string): Promise<string | null> {
  const places = program.includes("/")
    ? [program]
    : PATH.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** Output of a program for a message: bounded, without control characters. */
export const printable = (output: string, length = 2_000): string =>
  output
    .slice(0, length)
    .replaceAll(/[^\P{C}\n]/gu, " ")
    .trim();

/**
 * Resolves when nothing more has come for a while: a long output may be read long after its program has ended. After
 * `timeoutMs` in any case, as what the program left behind may never be quiet.
 */
async function quiet(outputs: readonly Kept[], timeoutMs: number, signal: AbortSignal): Promise<void> {
  const end = performance.now() + timeoutMs;
  const received = () => outputs.reduce((sum, { received }) => sum + received, 0);
  for (let before = -1; before !== received() && performance.now() < end && !signal.aborted; ) {
    before = received();
    await sleep(PIPES_MS, undefined, { ref: false });
  }
}

class Kept {
  readonly #chunks: Buffer[] = [];
  readonly #max: number;
  received = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get isCut(): boolean {
    return this.received > this.#max;
  }

  add(chunk: Buffer): void {
    const room = this.#max - this.received;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.received += chunk.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

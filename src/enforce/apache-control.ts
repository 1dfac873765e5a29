import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SekishoError, systemCode } from "../model/errors.ts";

const TIMEOUT_MS = 30_000;
/** What is kept of Apache's output: it ends up in an error message. */
const MAX_OUTPUT = 2_000;

/** Where apache2ctl lives, which an ordinary user's PATH lacks on Debian. */
const PATH = [process.env.PATH ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(delimiter);

export interface ControlResult {
  readonly ok: boolean;
  /** Printable, bounded; says so when the program did not end in time. */
  readonly output: string;
}

/** Throws APACHE_CONTROL_MISSING when there is no such program. */
export async function findControl(program: string): Promise<void> {
  const places = program.includes("/")
    ? [program]
    : PATH.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    try {
      return await access(place, constants.X_OK);
    } catch {
      // Not here.
    }
  }
  throw controlMissing(program);
}

/** Runs `apache2ctl configtest` or `graceful`, with no shell between, and ends it after 30 seconds. */
export async function runControl(
  program: string,
  action: "configtest" | "graceful",
  signal: AbortSignal,
): Promise<ControlResult> {
  signal.throwIfAborted();
  // Its own process group, so that a time-out also ends what the control script started.
  const child = spawn(program, [action], {
    cwd: "/",
    detached: true,
    env: { ...process.env, PATH, LC_ALL: "C" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (text: string): void => {
    if (output.length < MAX_OUTPUT) output += text;
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const closed = once(child, "close").catch(() => {});
  const ending = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It had just ended.
    }
  };
  ending.addEventListener("abort", end);
  try {
    const [status] = (await once(child, "exit")) as [number | null];
    // Not for long: an Apache that was started by `graceful` holds the pipes for as long as it lives.
    await Promise.race([closed, sleep(500, undefined, { ref: false })]);
    signal.throwIfAborted();
    const late = ending.aborted ? `no answer within ${TIMEOUT_MS / 1000} s\n` : "";
    return { ok: status === 0, output: printable(late + output) };
  } catch (error) {
    if (["ENOENT", "EACCES"].includes(systemCode(error) ?? "")) throw controlMissing(program, error);
    throw error;
  } finally {
    ending.removeEventListener("abort", end);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

const printable = (text: string): string =>
  text
    .slice(0, MAX_OUTPUT)
    .replaceAll(/[^\P{C}\n]/gu, " ")
    .trim();

const controlMissing = (program: string, cause?: unknown): SekishoError =>
  new SekishoError(
    "APACHE_CONTROL_MISSING",
    `there is no program '${program}' to test and reload Apache with`,
    "set enforcers.apache-include.control to apache2ctl (Debian), apachectl (RHEL), or the path of a program that takes configtest and graceful",
    { cause },
  );

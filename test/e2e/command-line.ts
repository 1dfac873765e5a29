import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
export const SEKISHO = join(ROOT, "bin/sekisho");

export interface Ended {
  readonly exitStatus: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One run of a program, with all that it writes. It is killed with the scope that holds it, with its process group. */
export class RunningProgram implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  stdout = "";
  stderr = "";

  constructor(command: readonly string[], cwd: string) {
    const [program = "", ...args] = command;
    // A group of its own, as a terminal gives to each command: a signal to the group is a Ctrl-C there.
    this.#process = spawn(program, args, { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#process.stdout!.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.#process.stderr!.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.#ended = once(this.#process, "close");
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Waits until standard output has this. */
  async says(text: string | RegExp): Promise<void> {
    const said = (): boolean =>
      typeof text === "string" ? this.stdout.includes(text) : text.test(this.stdout);
    while (!said()) {
      const over = await Promise.race([
        this.#ended.then(() => true),
        once(this.#process.stdout!, "data").then(() => false),
      ]);
      if (over && !said()) throw new Error(`it ended without saying ${text}:\n${this.stdout}${this.stderr}`);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  signalGroup(signal: NodeJS.Signals): void {
    process.kill(-this.pid, signal);
  }

  async ended(): Promise<Ended> {
    await this.#ended;
    return { exitStatus: this.#process.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.signalGroup("SIGKILL");
    await this.#ended;
  }
}

/** Runs `sekisho` in a folder to its end. `by` is a command that runs it. */
export async function sekisho(
  cwd: string,
  args: readonly string[],
  by: readonly string[] = [],
): Promise<Ended> {
  await using program = new RunningProgram([...by, SEKISHO, ...args], cwd);
  return await program.ended();
}

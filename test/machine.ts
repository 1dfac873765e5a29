import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Ended } from "./e2e/command-line.ts";

/**
 * This machine with an /etc of the test's own (a copy), and with empty /run, /var/log and /var/lib, on a network of its
 * own: so that a real Apache and Sekisho run with their usual paths. Needs root and netns (test/requirements.ts).
 */
export class Machine implements AsyncDisposable {
  readonly #folder: string;
  readonly #holder: ChildProcess;

  private constructor(folder: string, holder: ChildProcess) {
    this.#folder = folder;
    this.#holder = holder;
  }

  /** `files` are written into it by absolute path; a text that is null removes what is there. */
  static async start(files: Readonly<Record<string, string | null>>): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "sekisho-machine-"));
    const etc = join(folder, "etc");
    cpSync("/etc", etc, { recursive: true, verbatimSymlinks: true });
    const setUp = [
      `mount --bind ${etc} /etc`,
      "for each in /run /var/log /var/lib; do mount -t tmpfs none $each; done",
      "mkdir -p /run/lock /run/apache2 /var/log/apache2 /var/log/httpd",
      "ip link set lo up",
      "echo ready",
      "exec sleep infinity",
    ].join(" && ");
    const holder = spawn("unshare", ["--mount", "--net", "sh", "-c", setUp], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const machine = new Machine(folder, holder);
    try {
      await once(holder.stdout!, "data");
      machine.write(files);
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Files below /etc. */
  write(files: Readonly<Record<string, string | null>>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.#folder, path);
      rmSync(file, { recursive: true, force: true });
      if (text === null) continue;
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  spawn(command: string, args: readonly string[]): ChildProcess {
    const into = [`--target=${this.#holder.pid}`, "--mount", "--net"];
    return spawn("nsenter", [...into, command, ...args], { cwd: "/", stdio: ["ignore", "pipe", "pipe"] });
  }

  run(command: string, ...args: readonly string[]): Ended {
    const into = [`--target=${this.#holder.pid}`, "--mount", "--net"];
    const { status, stdout, stderr } = spawnSync("nsenter", [...into, command, ...args], {
      cwd: "/",
      encoding: "utf8",
    });
    return { exitStatus: status, stdout, stderr };
  }

  /** The lines that a shell command prints; it must succeed. */
  shell(script: string): string[] {
    const { exitStatus, stdout, stderr } = this.run("sh", "-c", script);
    if (exitStatus !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout.split("\n").filter(Boolean);
  }

  /** The status of a request to a port of 127.0.0.1. */
  get(port: number, path: string, headers: Readonly<Record<string, string>> = {}): number {
    const script = `require("node:http").get({ host: "127.0.0.1", port: ${port}, path: ${JSON.stringify(path)}, headers: ${JSON.stringify(headers)} },
      (answer) => { console.log(answer.statusCode); process.exit(0); });`;
    const { stdout, stderr } = this.run(process.execPath, "-e", script);
    if (stdout === "") throw new Error(stderr);
    return Number(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever still runs in the namespace is the test's own.
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) {
      const namespace = `/proc/${this.#holder.pid}/ns/net`;
      const inside = spawnSync(
        "sh",
        ["-c", `for p in /proc/[0-9]*; do [ $p/ns/net -ef ${namespace} ] && basename $p; done`],
        { encoding: "utf8" },
      ).stdout.split("\n");
      for (const pid of inside.map(Number).filter((each) => each > 0)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It ended by itself.
        }
      }
      if (this.#holder.exitCode === null && this.#holder.signalCode === null)
        await once(this.#holder, "exit");
    }
    execFileSync("rm", ["-rf", this.#folder]);
  }
}

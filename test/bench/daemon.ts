import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import Database from "better-sqlite3";
import { onOneCore } from "./measure.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** `sekisho run` on one log in the combined format, with a data folder of its own. */
export class Daemon implements AsyncDisposable {
  readonly data: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #asked: Database.Database | null = null;
  #said = "";

  private constructor(data: string, [command, args]: [string, string[]]) {
    this.data = data;
    this.#process = spawn(command, args, {
      cwd: data,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#ended = once(this.#process, "exit");
    this.#process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-2_000);
    });
  }

  static async start(log: string, directory: string, cores: "one core" | "all cores"): Promise<Daemon> {
    const data = mkdtempSync(join(directory, "data-"));
    const listen = `127.0.0.1:${await freePort()}`;
    const config = join(data, "sekisho.yaml");
    // JSON is YAML, and needs no quoting of paths.
    const settings = { data, logs: [{ path: log, format: "combined" }], dashboard: { listen } };
    writeFileSync(config, JSON.stringify(settings));
    const program = join(ROOT, "bin/sekisho");
    const args = ["run", "--config", config];
    return new Daemon(data, cores === "one core" ? onOneCore(program, args) : [program, args]);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get database(): string {
    return join(this.data, "sekisho.sqlite");
  }

  /** Waits until so many lines are committed; when the first were. Asked of the database, which costs the daemon nothing. */
  async untilStored(lines: number): Promise<{ readonly firstAt: number }> {
    const deadline = performance.now() + GIVE_UP_MS;
    let firstAt = Number.NaN;
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`the daemon ended: ${this.#said}`);
      if (performance.now() > deadline) throw new Error(`not caught up after ${GIVE_UP_MS / 1000} s`);
      const stored = this.#storedLines();
      if (Number.isNaN(firstAt) && stored !== null && stored > 0) firstAt = performance.now();
      if (stored === lines) return { firstAt };
      if (stored !== null && stored > lines) throw new Error(`${stored} events stored of ${lines} lines`);
      await setTimeout(POLL_MS);
    }
  }

  /** Null while there is no database yet, or no log in it. */
  #storedLines(): number | null {
    if (this.#asked === null) {
      if (!existsSync(this.database)) return null;
      this.#asked = new Database(this.database, { readonly: true });
    }
    try {
      return this.#asked.prepare("SELECT sum(lines) FROM sources").pluck().get() as number | null;
    } catch (error) {
      // It is being made.
      if (String(error).includes("no such table") || String(error).includes("locked")) return null;
      throw error;
    }
  }

  /** Ends it; its data folder stays until it is removed. */
  async stop(): Promise<void> {
    this.#asked?.close();
    this.#asked = null;
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

const POLL_MS = 10;
const GIVE_UP_MS = 600_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

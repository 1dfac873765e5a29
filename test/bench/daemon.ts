import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { onOneCore } from "./measure.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const TOKEN = "bench-token-bench-token-bench-token";

/** `sekisho run` on one log in the combined format, with a data folder of its own. */
export class Daemon implements AsyncDisposable {
  readonly data: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #url: string;
  #said = "";

  private constructor(data: string, url: string, [command, args]: [string, string[]]) {
    this.data = data;
    this.#url = url;
    this.#process = spawn(command, args, {
      cwd: data,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, SEKISHO_TOKEN: TOKEN },
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
    return new Daemon(
      data,
      `http://${listen}`,
      cores === "one core" ? onOneCore(program, args) : [program, args],
    );
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get database(): string {
    return join(this.data, "sekisho.sqlite");
  }

  /** Waits until its status counts so many lines. */
  async untilStored(lines: number): Promise<void> {
    const deadline = performance.now() + GIVE_UP_MS;
    for (;;) {
      if (this.#process.exitCode !== null) throw new Error(`the daemon ended: ${this.#said}`);
      if (performance.now() > deadline) throw new Error(`not caught up after ${GIVE_UP_MS / 1000} s`);
      const stored = await this.#storedLines();
      if (stored === lines) return;
      if (stored !== null && stored > lines) throw new Error(`${stored} events stored of ${lines} lines`);
      await setTimeout(POLL_MS);
    }
  }

  /** Null while it does not listen yet. */
  async #storedLines(): Promise<number | null> {
    const headers = { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${this.#url}/api/status`, { headers }).catch(() => null);
    if (answer === null) return null;
    if (!answer.ok) throw new Error(`${this.#url}: ${answer.status} ${await answer.text()}`);
    const { sources } = (await answer.json()) as { sources: { lines: number }[] };
    return sources[0]?.lines ?? null;
  }

  /** Ends it; its data folder stays until it is removed. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }
}

const POLL_MS = 50;
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

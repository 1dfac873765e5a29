import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BanItem, IncidentDetail, IncidentItem, Page, Status } from "../../src/model/api.ts";
import { Asking, type Spawn } from "./asking.ts";

const ROOT = join(import.meta.dirname, "../..");
const SEKISHO = join(ROOT, "bin/sekisho");

/** A daemon under test: the shipped program, with a configuration of the test's own. */
export class DaemonUnderTest implements AsyncDisposable {
  readonly #spawn: Spawn;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #asking: Asking | null = null;
  #output = "";

  /** `folder` takes the configuration and the data. `inNamespace` puts everything beside a test's Apache. */
  constructor(
    folder: string,
    config: string,
    inNamespace: Spawn = (command, args, options = {}) => spawn(command, args, options),
  ) {
    this.#spawn = inNamespace;
    this.#folder = folder;
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    this.configure(config);
  }

  get data(): string {
    return join(this.#folder, "data");
  }
  get pid(): number {
    return this.#process!.pid!;
  }
  /** Standard output and standard error since the first start. */
  get output(): string {
    return this.#output;
  }

  /** The link that the last start printed. */
  get link(): string {
    return this.#output.match(/http:\S+#code=\S+/g)!.at(-1)!;
  }

  configure(config: string): void {
    writeFileSync(join(this.#folder, "sekisho.yaml"), `data: ${this.data}\n${config}`);
  }

  /** Starts it and waits for the printed link. */
  async start(...args: string[]): Promise<void> {
    const before = this.#output.length;
    const child = this.#spawn(SEKISHO, ["run", "--config", join(this.#folder, "sekisho.yaml"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.#output += chunk.toString();
        if (/#code=\S+\n/.test(this.#output.slice(before))) resolve();
      };
      child.stdout!.on("data", hear);
      child.stderr!.on("data", hear);
      child.once("exit", () => reject(new Error(`the daemon ended: ${this.#output.slice(before)}`)));
    });
    await ready;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    this.#process = null;
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  }

  /** Resolves when it has ended by itself, or somebody else killed it. */
  async ended(): Promise<void> {
    const child = this.#process!;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.#process = null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process!.kill(signal);
  }

  /** Has it read its configuration anew, and waits until it runs with it: until then all is as it was before. */
  async reload(): Promise<void> {
    const before = this.#output.length;
    this.signal("SIGHUP");
    while (!this.#output.slice(before).includes("configuration and rules reloaded")) await sleep(20);
  }

  /** Runs a command of Sekisho's as an administrator does. */
  async cli(
    ...args: string[]
  ): Promise<{ readonly exitStatus: number; readonly stdout: string; readonly stderr: string }> {
    return this.#run(SEKISHO, [...args, "--config", join(this.#folder, "sekisho.yaml")]);
  }

  async #run(program: string, args: readonly string[]) {
    const child = this.#spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await once(child, "close");
    return { exitStatus: child.exitCode ?? -1, stdout, stderr };
  }

  /** An answer of the HTTP interface, asked for from where the daemon listens. */
  async api<T>(path: string, method: "GET" | "POST" = "GET"): Promise<T> {
    const { url } = JSON.parse(readFileSync(join(this.data, "daemon.json"), "utf8")) as { url: string };
    const token = readFileSync(join(this.data, "token"), "utf8").trim();
    this.#asking ??= new Asking(this.#spawn);
    return JSON.parse((await this.#asking.ask(url + path, method, token)) || "null") as T;
  }

  status = (): Promise<Status> => this.api<Status>("/api/status");
  bans = async (): Promise<readonly BanItem[]> => (await this.api<Page<BanItem>>("/api/bans")).items;
  async incidentOn(subject: string): Promise<IncidentDetail> {
    const { items } = await this.api<Page<IncidentItem>>("/api/incidents");
    const incident = items.find((each) => each.subject === subject);
    if (incident === undefined)
      throw new Error(`no incident on ${subject} among ${items.map((each) => each.subject)}`);
    return this.api<IncidentDetail>(`/api/incidents/${incident.id}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#asking?.[Symbol.dispose]();
    await this.kill("SIGKILL");
  }
}

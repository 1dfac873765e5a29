import { Worker } from "node:worker_threads";
import { type ErrorCode, SekishoError } from "../model/errors.ts";
import type {
  Answers,
  Command,
  Complaint,
  FromWorker,
  Note,
  Told,
  ToWorker,
  WorkerData,
} from "./messages.ts";
import { WORKER_FILE } from "./worker-file.ts";

/** What a batch leaves behind is gone with the next: more room would only be filled before it is swept. */
const YOUNG_MIB = 6;

/** The main thread's end of the ingestion thread. */
export class IngestThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #reading = Promise.withResolvers<void>();
  /** What was told before anybody heard it. */
  readonly #untold: Told[] = [];
  #told: (message: Told) => void = (message) => void this.#untold.push(message);
  #nextId = 1;
  #stopped = false;
  /** Why it answers nothing any more; null while it runs. */
  #ended: SekishoError | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
    // Whoever stops it before does not ask.
    this.reading.catch(() => {});
  }

  /** Resolves when reading has begun; rejects when that cannot be. */
  get reading(): Promise<void> {
    return this.#reading.promise;
  }

  /**
   * Starts the thread; resolves when the store is open. `failed` is called once if the thread fails after reading has begun:
   * without it nothing is ingested any more.
   */
  static async start(data: WorkerData, failed: (error: SekishoError) => void): Promise<IngestThread> {
    const worker = new Worker(WORKER_FILE, {
      workerData: data,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    const thread = new IngestThread(worker);
    try {
      await thread.#listen(failed);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
    return thread;
  }

  /** Resolves when the store is open. */
  #listen(failed: (error: SekishoError) => void): Promise<void> {
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      let isReading = false;
      const fail = (error: SekishoError): void => {
        // What could not begin hears no commands.
        if (!isReading) this.#ended ??= error;
        this.#rejectAll(error);
        reject(error);
        this.#reading.reject(error);
        if (isReading && !this.#stopped) failed(error);
      };
      worker.on("message", (message: FromWorker) => {
        if (message.kind === "opened") resolve();
        else if (message.kind === "reading") {
          isReading = true;
          this.#reading.resolve();
        } else if (message.kind === "failed") fail(errorOf(message.error));
        else if (message.kind === "answer") this.#take(message.id)?.resolve(message.value);
        else if (message.kind === "refusal") this.#take(message.id)?.reject(errorOf(message.error));
        else this.#told(message);
      });
      const end = (how: string, cause?: unknown): void => {
        if (this.#ended !== null) return;
        this.#ended = new SekishoError("INTERNAL", `the ingestion thread ${how}`, "please report it", {
          cause,
        });
        fail(this.#ended);
      };
      worker.on("error", (cause) => end(`failed: ${cause}`, cause));
      worker.on("exit", () => end("ended"));
    });
  }

  /** From now on the thread is heard; what it told before comes first. */
  hear(told: (message: Told) => void): void {
    this.#told = told;
    for (const message of this.#untold.splice(0)) told(message);
  }

  /** Has the thread carry out a command. Rejects with the SekishoError that it answers. */
  request<K extends Command["kind"]>(command: Extract<Command, { kind: K }>): Promise<Answers[K]> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) throw this.#ended;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, command } satisfies ToWorker);
    });
  }

  /** Has the thread take note of something. Nobody waits for it, and one that has ended has said so itself. */
  post(command: Note): void {
    this.request(command).catch(() => {});
  }

  /** Stops reading between two batches and closes the store. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    try {
      await this.request({ kind: "stop" });
    } catch (error) {
      // One that died closes its store by dying.
      if (this.#ended === null) throw error;
    }
    await this.#worker.terminate();
  }

  #take(id: number) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #rejectAll(error: SekishoError): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

const errorOf = ({ code, message, hint }: Complaint): SekishoError =>
  new SekishoError(code as ErrorCode, message, hint);

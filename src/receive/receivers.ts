import { Receiver, type ReceiverSettings, type ReceiverStages } from "./receiver.ts";

/** The sockets of a configuration. A reload closes those that are gone or changed, and opens the new ones. */
export class Receivers implements AsyncDisposable {
  readonly #stages: ReceiverStages;
  /** By the file that is tailed. */
  readonly #receivers = new Map<string, Receiver>();

  constructor(stages: ReceiverStages) {
    this.#stages = stages;
  }

  /** Those that stay as they are keep their connections. */
  async use(wanted: readonly ReceiverSettings[]): Promise<void> {
    const kept = new Map(wanted.map((settings) => [JSON.stringify(settings), settings]));
    for (const [spool, receiver] of this.#receivers) {
      if (kept.delete(JSON.stringify(receiver.settings))) continue;
      this.#receivers.delete(spool);
      await receiver[Symbol.asyncDispose]();
    }
    for (const settings of kept.values())
      this.#receivers.set(settings.spool, await Receiver.start(settings, this.#stages));
  }

  /** The socket whose lines a file holds; null for any other file. */
  of(spool: string): Receiver | null {
    return this.#receivers.get(spool) ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.use([]);
  }
}

import type { Socket } from "node:net";
import { LocalListener } from "../local-socket/listener.ts";
import type { SocketPlace } from "../local-socket/place.ts";
import type { SekishoError } from "../model/errors.ts";
import { type CheckLine, Connection } from "./connection.ts";
import { type Progress, Spool, type SpoolLimits } from "./spool.ts";

/** A socket that apps write audit events to, and the file that is tailed for them. */
export interface ReceiverSettings extends SocketPlace {
  readonly spool: string;
}

export interface ReceiverStages {
  readonly check: CheckLine;
  readonly progress: (file: string) => Progress;
  readonly limits?: SpoolLimits;
}

/** An app needs one; more are bounded memory. */
const CONNECTIONS = 64;

/** Takes the audit events that come over one socket. It listens, or has a *problem* and tries again (LocalListener). */
export class Receiver implements AsyncDisposable {
  readonly settings: ReceiverSettings;
  readonly #stages: ReceiverStages;
  readonly #connections = new Set<Connection>();
  #spool: Spool | null = null;
  #listener: LocalListener | null = null;
  /** Lines that were too long, or whose end never came. */
  #dropped = 0;

  private constructor(settings: ReceiverSettings, stages: ReceiverStages) {
    this.settings = settings;
    this.#stages = stages;
  }

  /** Begins; what is wrong then is its `problem`. */
  static async start(settings: ReceiverSettings, stages: ReceiverStages): Promise<Receiver> {
    const receiver = new Receiver(settings, stages);
    receiver.#listener = await LocalListener.start({
      place: settings,
      allowHalfOpen: true,
      prepare: () => {
        receiver.#spool ??= receiver.#openSpool();
      },
      accept: (socket) => receiver.#accept(socket),
    });
    return receiver;
  }

  get problem(): SekishoError | null {
    return this.#listener?.problem ?? this.#spool?.problem ?? null;
  }

  get counts(): { readonly connections: number; readonly dropped: number } {
    return { connections: this.#connections.size, dropped: this.#dropped };
  }

  #openSpool(): Spool {
    const { progress, limits } = this.#stages;
    return new Spool(this.settings.spool, progress, limits);
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= CONNECTIONS) {
      socket.on("error", () => {});
      const error = `there are ${CONNECTIONS} connections already`;
      socket.end(`${JSON.stringify({ error, hint: "keep one open, and send all events over it" })}\n`);
      socket.destroySoon();
      return;
    }
    const connection = new Connection(socket, this.#spool!, this.#stages.check, () => {
      this.#dropped++;
    });
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }

  /** Closes the socket and all connections; what has come is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener?.[Symbol.dispose]();
    for (const connection of this.#connections) connection.close();
    await this.#spool?.[Symbol.asyncDispose]();
  }
}

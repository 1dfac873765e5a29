import { lstatSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, SekishoError } from "../model/errors.ts";
import { type CheckLine, Connection } from "./connection.ts";
import { listenAt, type SocketPlace } from "./place.ts";
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
/** How often a socket that could not be made is tried again, and one that was made is looked at. */
const LOOK_EVERY_MS = 2_000;

/**
 * Listens on one socket. It is *listening*, or it has a *problem* and tries again until it is closed: a folder that is not
 * there yet, or another daemon that goes away, must not need a restart. Nor must somebody who cleans up /run: a socket
 * that is gone from its place is made anew, and the connections that there are stay.
 */
export class Receiver implements AsyncDisposable {
  readonly settings: ReceiverSettings;
  readonly #stages: ReceiverStages;
  readonly #connections = new Set<Connection>();
  #spool: Spool | null = null;
  #server: Server | null = null;
  #inode: number | null = null;
  #looking: NodeJS.Timeout | null = null;
  #isBusy = false;
  #isClosed = false;
  #placeProblem: SekishoError | null = null;
  /** Lines that were too long, or whose end never came. */
  #dropped = 0;

  private constructor(settings: ReceiverSettings, stages: ReceiverStages) {
    this.settings = settings;
    this.#stages = stages;
  }

  /** Begins; what is wrong then is its `problem`. */
  static async start(settings: ReceiverSettings, stages: ReceiverStages): Promise<Receiver> {
    const receiver = new Receiver(settings, stages);
    await receiver.#listen();
    receiver.#looking = setInterval(() => void receiver.#look(), LOOK_EVERY_MS).unref();
    return receiver;
  }

  get problem(): SekishoError | null {
    return this.#placeProblem ?? this.#spool?.problem ?? null;
  }

  get counts(): { readonly connections: number; readonly dropped: number } {
    return { connections: this.#connections.size, dropped: this.#dropped };
  }

  async #look(): Promise<void> {
    if (this.#isBusy || this.#isInPlace()) return;
    this.#server?.close();
    this.#server = null;
    this.#isBusy = true;
    await this.#listen();
    this.#isBusy = false;
  }

  #isInPlace(): boolean {
    try {
      const stat = lstatSync(this.settings.path, { throwIfNoEntry: false });
      return this.#server !== null && stat?.ino === this.#inode;
    } catch {
      // The folder was closed to us. Who could connect before still can.
      return this.#server !== null;
    }
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    try {
      this.#spool ??= this.#openSpool();
      await listenAt(server, this.settings);
      this.#inode = lstatSync(this.settings.path).ino;
      this.#server = server;
      this.#placeProblem = null;
      server.on("error", (error) => {
        this.#placeProblem = asProblem(this.settings.path, error);
      });
    } catch (error) {
      server.close();
      this.#placeProblem = asProblem(this.settings.path, error);
      return;
    }
    // It was closed while it began.
    if (this.#isClosed) this.#stopListening();
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
    this.#isClosed = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#stopListening();
    for (const connection of this.#connections) connection.close();
    await this.#spool?.[Symbol.asyncDispose]();
  }

  #stopListening(): void {
    if (this.#server === null) return;
    try {
      // Another daemon may have put its own there since.
      if (this.#isInPlace()) rmSync(this.settings.path, { force: true });
    } catch {
      // What cannot be removed, the next start replaces.
    }
    this.#server.close();
    this.#server = null;
  }
}

const asProblem = (path: string, error: unknown): SekishoError =>
  error instanceof SekishoError
    ? error
    : new SekishoError("AUDIT_SOCKET_FAILED", `${path}: ${messageOf(error)}`, "check the path", {
        cause: error,
      });

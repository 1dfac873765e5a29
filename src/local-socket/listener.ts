import { lstatSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, SekishoError } from "../model/errors.ts";
import { listenAt, type SocketPlace } from "./place.ts";

/** How often a socket that could not be made is tried again, and one that was made is looked at. */
const LOOK_EVERY_MS = 2_000;

export interface ListenerOptions {
  readonly place: SocketPlace;
  readonly accept: (socket: Socket) => void;
  /** A connection stays while the app, having ended its own half, still reads. */
  readonly allowHalfOpen: boolean;
  /** What has to be there before anybody may connect. What it throws is a `problem`, and it is called again. */
  readonly prepare?: () => void;
}

/**
 * Listens on one Unix socket. It is *listening*, or it has a *problem* and tries again until it is closed: a folder that is
 * not there yet, or another daemon that goes away, must not need a restart. Nor must somebody who cleans up /run: a socket
 * that is gone from its place is made anew, and the connections that there are stay.
 */
export class LocalListener implements Disposable {
  readonly #options: ListenerOptions;
  #server: Server | null = null;
  #inode: number | null = null;
  #looking: NodeJS.Timeout | null = null;
  #isBusy = false;
  #isClosed = false;
  #problem: SekishoError | null = null;

  private constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Begins; what is wrong then is its `problem`. */
  static async start(options: ListenerOptions): Promise<LocalListener> {
    const listener = new LocalListener(options);
    await listener.look();
    listener.#looking = setInterval(() => void listener.look(), LOOK_EVERY_MS).unref();
    return listener;
  }

  get problem(): SekishoError | null {
    return this.#problem;
  }

  /** Makes the socket where it is not in its place. */
  async look(): Promise<void> {
    if (this.#isBusy || this.#isClosed || this.#isInPlace()) return;
    this.#server?.close();
    this.#server = null;
    this.#isBusy = true;
    await this.#listen();
    this.#isBusy = false;
  }

  #isInPlace(): boolean {
    try {
      const stat = lstatSync(this.#options.place.path, { throwIfNoEntry: false });
      return this.#server !== null && stat?.ino === this.#inode;
    } catch {
      // The folder was closed to us. Who could connect before still can.
      return this.#server !== null;
    }
  }

  async #listen(): Promise<void> {
    const { place, allowHalfOpen, accept, prepare } = this.#options;
    const server = createServer({ allowHalfOpen }, accept);
    try {
      prepare?.();
      await listenAt(server, place);
      this.#inode = lstatSync(place.path).ino;
      this.#server = server;
      this.#problem = null;
      server.on("error", (error) => {
        this.#problem = asProblem(place.path, error);
      });
    } catch (error) {
      server.close();
      this.#problem = asProblem(place.path, error);
      return;
    }
    // It was closed while it began.
    if (this.#isClosed) this.#stopListening();
  }

  /** Removes the socket. Connections are not its own, and stay. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    this.#stopListening();
  }

  #stopListening(): void {
    if (this.#server === null) return;
    try {
      // Another daemon may have put its own there since.
      if (this.#isInPlace()) rmSync(this.#options.place.path, { force: true });
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
    : new SekishoError("SOCKET_FAILED", `${path}: ${messageOf(error)}`, "check the path", { cause: error });

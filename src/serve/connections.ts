import type { Server } from "node:http";
import type { Socket } from "node:net";

/** A page has a handful, a live stream one. Each is an open file of the daemon's, which has logs and bans to open, too. */
export const MOST_CONNECTIONS = 256;

/**
 * Bounds the connections. When there are more, the oldest over which nobody was let in is closed. So whoever opens thousands and says
 * nothing keeps neither the daemon from reading logs nor a person from lifting a ban.
 */
export class Connections {
  readonly #strangers = new Set<Socket>();
  readonly #admitted = new Set<Socket>();

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#strangers.add(socket);
      socket.once("close", () => {
        this.#strangers.delete(socket);
        this.#admitted.delete(socket);
      });
      if (this.#strangers.size + this.#admitted.size > MOST_CONNECTIONS) this.#dropOldest();
    });
  }

  /** Somebody showed by a request over this one that he may come in. */
  admit(socket: Socket): void {
    if (this.#strangers.delete(socket)) this.#admitted.add(socket);
  }

  #dropOldest(): void {
    for (const oldest of this.#strangers) {
      this.#strangers.delete(oldest);
      oldest.destroy();
      return;
    }
  }
}

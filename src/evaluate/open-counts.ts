import type { SourceId } from "../model/event.ts";
import type { Subject } from "../model/ip.ts";
import type { SocketId } from "../model/socket.ts";
import type { UnixMs } from "../model/time.ts";

/** A WebSocket whose end has not been read. */
export interface OpenSocket {
  readonly id: SocketId;
  readonly subject: Subject;
  /** The log that told of it; null for what was open at the start. */
  readonly source: SourceId | null;
}

/** How many WebSockets each subject has open. It holds no more than it is given, which `Sockets` bounds. */
export class OpenCounts {
  /** When each was opened, by its number. */
  readonly #bySubject = new Map<Subject, Map<SocketId, UnixMs>>();

  /** How many the subject has, with this one. */
  add({ id, subject }: OpenSocket, openedAt: UnixMs): number {
    let open = this.#bySubject.get(subject);
    if (open === undefined) {
      open = new Map();
      this.#bySubject.set(subject, open);
    }
    open.set(id, openedAt);
    return open.size;
  }

  remove({ id, subject }: OpenSocket): void {
    const open = this.#bySubject.get(subject);
    if (open?.delete(id) === true && open.size === 0) this.#bySubject.delete(subject);
  }

  /** Apache cut them all: no line will tell of their end. */
  removeBefore(time: UnixMs): void {
    for (const [subject, open] of this.#bySubject) {
      for (const [id, openedAt] of open) if (openedAt < time) open.delete(id);
      if (open.size === 0) this.#bySubject.delete(subject);
    }
  }
}

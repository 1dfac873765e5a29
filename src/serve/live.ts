import { Readable } from "node:stream";
import type { LiveMessage } from "../model/api.ts";
import type { Backend } from "./backend.ts";

const HEARTBEAT_MS = 15_000;
const MAX_STREAMS = 32;
/** A consumer that is this far behind (beyond what the kernel buffers) is dropped; it can connect again. */
const MAX_BACKLOG_BYTES = 1_048_576;

interface LiveStream {
  readonly body: Readable;
  readonly isWelcome: () => boolean;
}

/**
 * The server-sent event streams. One subscription serves them all, so a message is spelled once; nothing waits for a
 * slow consumer. A comment every 15 seconds keeps proxies from closing a quiet stream, and finds the streams whose
 * session has ended.
 */
export class LiveStreams {
  readonly #backend: Backend;
  readonly #streams = new Set<LiveStream>();
  readonly #unsubscribe: () => void;
  readonly #heartbeat: NodeJS.Timeout;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.#unsubscribe = backend.subscribe((message) => this.#send(spell(message)));
    this.#heartbeat = setInterval(() => {
      this.dropUnwelcome();
      this.#send(": still here\n\n");
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  /** A new stream that begins with the status; null when there are too many. */
  open(isWelcome: () => boolean): Readable | null {
    if (this.#streams.size >= MAX_STREAMS) return null;
    const body = new Readable({ read() {} });
    const stream: LiveStream = { body, isWelcome };
    body.push(spell({ kind: "status", status: this.#backend.status() }));
    body.once("close", () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return body;
  }

  /** Ends the streams whose visitor has signed out or been away too long. */
  dropUnwelcome(): void {
    for (const stream of this.#streams) if (!stream.isWelcome()) this.#end(stream);
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#unsubscribe();
    for (const stream of this.#streams) this.#end(stream);
  }

  #end(stream: LiveStream): void {
    this.#streams.delete(stream);
    stream.body.push(null);
  }

  #send(text: string): void {
    for (const { body } of this.#streams) {
      if (body.readableLength > MAX_BACKLOG_BYTES) body.destroy();
      else body.push(text);
    }
  }
}

/** JSON has no raw line breaks, so one `data:` line holds it. */
function spell(message: LiveMessage): string {
  return `event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;
}

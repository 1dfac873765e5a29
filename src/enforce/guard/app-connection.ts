import type { Socket } from "node:net";
import type { Block } from "../../model/decision.ts";
import type { Target } from "../../model/ip.ts";
import type { UnixMs } from "../../model/time.ts";
import { changeLine, type Farewell, GUARD_VERSION, lineOf, snapshotLine, socketsCut } from "./messages.ts";

/** Bans, or changes, that are written at once: about 35 KB. */
const LINES_AT_ONCE = 500;
/** What is handed to the socket and was not taken yet. More waits here, where it is bounded. */
const WRITTEN_AHEAD = 131_072;
/** Changes that wait for an app. Of more a new snapshot is shorter, and it costs no memory of its own. */
const MOST_CHANGES = 10_000;
/** Heartbeats in a row at which an app had taken nothing of what it was sent. */
const MISSED_HEARTBEATS = 2;
/** Bytes of a line from an app, and bytes that are read of one between two heartbeats. */
const REPORT_BYTES = 1_024;
const HEARD_BYTES = 65_536;
/** For an app to take what is left, farewell included. */
const LINGER_MS = 1_000;
const HEARTBEAT = lineOf({ type: "heartbeat" });

export interface AppOptions {
  readonly heartbeatMs: number;
  /** What the app is sent first. */
  readonly blocks: readonly Block[];
  /** It was sent what had to wait. */
  readonly changed: () => void;
  readonly cut: (sockets: number) => void;
}

/**
 * One app that is connected. It is sent a snapshot, then changes:
 *
 *     snapshot ── last part ──▶ changes ── more than 10,000 wait ──▶ snapshot
 *
 * Nothing is queued but the newest change of each target, so an app that does not read costs little. One that has taken
 * nothing of what it was sent for two heartbeats is sent away: it may connect anew, and then gets a snapshot.
 */
export class AppConnection {
  readonly #socket: Socket;
  readonly #options: AppOptions;
  /** What of the list is still to be sent; `blocks` is shared by all apps and never changed. */
  #snapshot: { readonly blocks: readonly Block[]; part: number } | null;
  /** The newest change of each target since the snapshot; null: lifted. */
  #changes = new Map<Target, UnixMs | null>();
  #unconfirmed = 0;
  #missed = 0;
  #hasTaken = true;
  #heard = 0;
  #half = "";
  #isPassingOver = false;
  #isLeaving = false;

  constructor(socket: Socket, options: AppOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#snapshot = { blocks: options.blocks, part: 0 };
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#hear(text));
    // An app that dies takes its connection with it; `close` follows.
    socket.on("error", () => {});
    const heartbeat = (2 * options.heartbeatMs) / 1_000;
    this.#write(lineOf({ type: "hello", version: GUARD_VERSION, heartbeat }));
    this.#send();
  }

  /** Tells of changes; `blocks` is the list that they lead to. */
  change(changes: ReadonlyMap<Target, UnixMs | null>, blocks: readonly Block[]): void {
    for (const [target, until] of changes) this.#changes.set(target, until);
    if (this.#changes.size > MOST_CHANGES) {
      this.#snapshot = { blocks, part: 0 };
      this.#changes = new Map();
    }
    this.#send();
  }

  /** What the app was not sent yet: a time for a ban, null for a lift. */
  *unsent(): Iterable<readonly [Target, UnixMs | null]> {
    if (this.#snapshot !== null) {
      const { blocks, part } = this.#snapshot;
      for (let at = part * LINES_AT_ONCE; at < blocks.length; at++)
        yield [blocks[at]!.target, blocks[at]!.until];
    }
    yield* this.#changes;
  }

  /** To be called for each heartbeat. */
  beat(): void {
    this.#heard = 0;
    this.#socket.resume();
    if (this.#unconfirmed === 0) {
      this.#missed = 0;
      this.#write(HEARTBEAT);
    } else if (this.#hasTaken) this.#missed = 0;
    else if (++this.#missed >= MISSED_HEARTBEATS) this.leave("too-slow");
    this.#hasTaken = false;
  }

  /** Ends the connection, with a farewell where the app still reads. */
  leave(reason: Farewell): void {
    if (this.#isLeaving) return;
    this.#snapshot = null;
    this.#changes.clear();
    this.#write(lineOf({ type: "bye", reason }));
    this.#isLeaving = true;
    this.#socket.destroySoon();
    const ending = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once("close", () => clearTimeout(ending));
  }

  /** As much as the app takes; false when there was nothing. */
  #send(): boolean {
    let hasSent = false;
    while (this.#socket.writableLength < WRITTEN_AHEAD && !this.#isLeaving) {
      const text = this.#next();
      if (text === "") break;
      hasSent = true;
      this.#write(text);
    }
    return hasSent;
  }

  #next(): string {
    if (this.#snapshot !== null) {
      const { blocks, part } = this.#snapshot;
      const end = (part + 1) * LINES_AT_ONCE;
      const last = end >= blocks.length;
      if (last) this.#snapshot = null;
      else this.#snapshot.part++;
      return snapshotLine(blocks.slice(end - LINES_AT_ONCE, end), part, last);
    }
    let text = "";
    let lines = 0;
    for (const [target, until] of this.#changes) {
      if (++lines > LINES_AT_ONCE) break;
      text += changeLine(target, until);
      this.#changes.delete(target);
    }
    return text;
  }

  #write(text: string): void {
    if (this.#isLeaving) return;
    this.#unconfirmed++;
    this.#socket.write(text, () => {
      this.#unconfirmed--;
      this.#hasTaken = true;
      if (this.#send()) this.#options.changed();
    });
  }

  #hear(text: string): void {
    this.#heard += text.length;
    // It is heard again at the next heartbeat: an app must not keep the daemon busy with what it says.
    if (this.#heard > HEARD_BYTES) this.#socket.pause();
    const lines = text.split("\n");
    for (const [index, piece] of lines.entries()) {
      if (!this.#isPassingOver) this.#half += piece;
      if (this.#half.length > REPORT_BYTES) this.#isPassingOver = true;
      if (this.#isPassingOver) this.#half = "";
      if (index === lines.length - 1) break;
      const sockets = this.#isPassingOver || this.#half === "" ? 0 : socketsCut(this.#half);
      if (sockets > 0) this.#options.cut(sockets);
      this.#half = "";
      this.#isPassingOver = false;
    }
  }
}

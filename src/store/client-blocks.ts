import type { Statement } from "better-sqlite3";
import type { Ip } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import type { Connection } from "./database.ts";

/** Consecutive events that make a block: what is scanned where a client has an event in it. `id >> 12` in SQL. */
export const BLOCK = 4_096;

const ROWS_A_STATEMENT = 50;

/** Which clients have events in which block, by kind, so that a client's events are found without an index on all. */
export class ClientBlocks {
  readonly #one: Statement;
  readonly #many: Statement;
  #block = -1;
  /** Clients of this block, with a bit for each kind that is noted. */
  readonly #noted = new Map<string, number>();
  #pending: (number | string)[] = [];

  constructor(connection: Connection) {
    // A block that a restart or a failed batch left half-filled knows some of them already.
    const into = "INSERT OR IGNORE INTO client_blocks VALUES";
    this.#one = connection.prepare(`${into} (?, ?, ?)`);
    this.#many = connection.prepare(`${into} ${Array(ROWS_A_STATEMENT).fill("(?, ?, ?)").join(", ")}`);
  }

  /** Called before a batch's events are noted: one that failed is noted anew, however often. */
  begin(): void {
    if (this.#pending.length === 0) return;
    this.#pending = [];
    this.#noted.clear();
  }

  /** Takes note of an event's client. */
  note(event: number, client: Ip, kind: number): void {
    const block = Math.floor(event / BLOCK);
    if (block !== this.#block) {
      this.#block = block;
      this.#noted.clear();
    }
    const kinds = this.#noted.get(client);
    if (kinds !== undefined && (kinds & (1 << kind)) !== 0) return;
    const key = kinds === undefined ? detached(client) : client;
    this.#noted.set(key, (kinds ?? 0) | (1 << kind));
    this.#pending.push(block, key, kind);
  }

  /** Writes what is new; called in the transaction that stores the events. */
  flush(): void {
    const pending = this.#pending;
    const chunk = ROWS_A_STATEMENT * 3;
    let at = 0;
    for (; at + chunk <= pending.length; at += chunk) this.#many.run(pending.slice(at, at + chunk));
    for (; at < pending.length; at += 3) this.#one.run(pending[at], pending[at + 1], pending[at + 2]);
  }

  committed(): void {
    this.#pending = [];
  }
}

import type { Statement } from "better-sqlite3";
import type { Connection } from "./database.ts";

/** Distinct texts, and their characters, that half of the memory holds; when it is full the older half is forgotten. */
const GENERATION = 50_000;
const GENERATION_CHARACTERS = 16 * 2 ** 20;
const ROWS_A_STATEMENT = 100;

/** A slice keeps its whole batch in memory; a key that outlives the batch is copied. */
const detached = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

/**
 * Numbers for texts. In `texts`, one that was forgotten is stored once more under another number, which costs some disk
 * but no look-up: an attacker who never repeats a path cannot make it slow. In `clients` each has one number for ever.
 */
export class Dictionary {
  readonly #lookUp: Statement | null;
  readonly #one: Statement;
  readonly #many: Statement;
  #young = new Map<string, number>();
  #youngCharacters = 0;
  #old = new Map<string, number>();
  #pending: (number | string)[] = [];
  #next: number;

  constructor(connection: Connection, table: "texts" | "clients") {
    this.#lookUp =
      table === "clients" ? connection.prepare("SELECT id FROM clients WHERE value = ?").pluck() : null;
    this.#one = connection.prepare(`INSERT INTO ${table} VALUES (?, ?)`);
    this.#many = connection.prepare(
      `INSERT INTO ${table} VALUES ${Array(ROWS_A_STATEMENT).fill("(?, ?)").join(", ")}`,
    );
    this.#next =
      (connection.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get() as number) + 1;
  }

  /** NULL for undefined, 0 for null (`-`), else the text's number. */
  id(text: string | null | undefined): number | null {
    if (text === undefined) return null;
    if (text === null) return 0;
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    return this.#remember(text);
  }

  #remember(text: string): number {
    const key = detached(text);
    let id = this.#old.get(key) ?? (this.#lookUp?.get(key) as number | undefined);
    if (id === undefined) {
      id = this.#next++;
      this.#pending.push(id, key);
    }
    if (this.#young.size >= GENERATION || this.#youngCharacters >= GENERATION_CHARACTERS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngCharacters = 0;
    }
    this.#young.set(key, id);
    this.#youngCharacters += key.length;
    return id;
  }

  /** Writes the texts that are new; called in the transaction that uses their numbers. */
  flush(): void {
    const pending = this.#pending;
    const chunk = ROWS_A_STATEMENT * 2;
    let at = 0;
    for (; at + chunk <= pending.length; at += chunk) this.#many.run(pending.slice(at, at + chunk));
    for (; at < pending.length; at += 2) this.#one.run(pending[at], pending[at + 1]);
  }

  committed(): void {
    this.#pending = [];
  }
}

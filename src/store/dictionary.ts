import type { Statement } from "better-sqlite3";
import { detached } from "../model/line.ts";
import type { Connection } from "./database.ts";

/** Distinct texts, and their characters, after which a generation ends. Twice as many would save a tenth of the disk. */
const GENERATION = 100_000;
const GENERATION_CHARACTERS = 16 * 2 ** 20;
const ROWS_A_STATEMENT = 100;

/**
 * Numbers for texts. A generation is what memory holds; the next begins empty, and stores a text that comes again once
 * more. That costs some disk but no look-up: an attacker who never repeats a path cannot make it slow. And since events
 * name texts of their own generation only, retention deletes a generation's texts with its last event.
 */
export class Dictionary {
  readonly #one: Statement;
  readonly #many: Statement;
  readonly #generation: Statement;
  #known = new Map<string, number>();
  #characters = 0;
  /** True until the generation is in the store. */
  #isNew = true;
  #pending: (number | string)[] = [];
  #next: number;

  constructor(connection: Connection) {
    this.#one = connection.prepare("INSERT INTO texts VALUES (?, ?)");
    this.#many = connection.prepare(
      `INSERT INTO texts VALUES ${Array(ROWS_A_STATEMENT).fill("(?, ?)").join(", ")}`,
    );
    this.#generation = connection.prepare("INSERT OR REPLACE INTO text_generations VALUES (?, ?)");
    this.#next = (connection.prepare("SELECT coalesce(max(id), 0) FROM texts").pluck().get() as number) + 1;
  }

  /** Called in the transaction that stores the events from `firstEvent` on, before their texts get numbers. */
  begin(firstEvent: number): void {
    if (this.#known.size >= GENERATION || this.#characters >= GENERATION_CHARACTERS) {
      this.#known = new Map();
      this.#characters = 0;
      this.#isNew = true;
    }
    if (this.#isNew) this.#generation.run(firstEvent, this.#next - this.#pending.length / 2);
  }

  /** NULL for undefined, 0 for null (`-`), else the text's number. */
  id(text: string | null | undefined): number | null {
    if (text === undefined) return null;
    if (text === null) return 0;
    return this.#known.get(text) ?? this.#remember(text);
  }

  #remember(text: string): number {
    const key = detached(text);
    const id = this.#next++;
    this.#pending.push(id, key);
    this.#known.set(key, id);
    this.#characters += key.length;
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
    this.#isNew = false;
  }
}

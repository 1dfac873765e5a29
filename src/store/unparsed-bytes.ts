import type { LogEvent } from "../model/event.ts";
import { maskSecrets } from "../model/secrets.ts";
import type { Statements } from "./statements.ts";

/** Bytes of lines that did not parse, kept up to a budget so that a person can see why; the oldest go first. */
export class UnparsedBytes {
  readonly #statements: Statements;
  readonly #budget: number;
  #kept: number;

  constructor(statements: Statements, budget: number) {
    this.#statements = statements;
    this.#budget = budget;
    this.#kept = this.#count();
  }

  /** Called in the transaction that stores the events. The caller says afterwards whether it was `committed`. */
  keep(events: readonly LogEvent[], firstId: number): { committed(): void } {
    let kept = this.#kept;
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      if (event.kind !== "unparsed") continue;
      const bytes = Buffer.from(maskSecrets(event.line), "latin1");
      if (bytes.length > this.#budget) continue;
      this.#statements.insert("INSERT INTO unparsed VALUES (?, ?)", firstId + index, bytes);
      kept += bytes.length;
    }
    while (kept > this.#budget) kept -= this.#deleteOldest() ?? kept;
    return {
      committed: () => {
        this.#kept = kept;
      },
    };
  }

  /** Takes note of bytes that went with the events that they belonged to. */
  forget(bytes: number): void {
    this.#kept -= bytes;
  }

  /** Counts anew, after a transaction that failed. */
  recount(): void {
    this.#kept = this.#count();
  }

  #count(): number {
    return this.#statements.number("SELECT coalesce(sum(length(bytes)), 0) FROM unparsed");
  }

  /** How many bytes went; null when there is nothing left. */
  #deleteOldest(): number | null {
    const deleted = this.#statements.get<{ length: number }>(
      "DELETE FROM unparsed WHERE event = (SELECT min(event) FROM unparsed) RETURNING length(bytes) AS length",
    );
    return deleted?.length ?? null;
  }
}

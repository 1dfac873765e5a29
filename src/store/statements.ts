import type { Statement } from "better-sqlite3";
import { type Connection, explained } from "./database.ts";

/** Statements of one connection, each prepared once. What SQLite throws comes out as an error that says what to do. */
export class Statements {
  readonly #connection: Connection;
  readonly #file: string;
  readonly #prepared = new Map<string, Statement<unknown[]>>();

  constructor(connection: Connection, file: string) {
    this.#connection = connection;
    this.#file = file;
  }

  /** The number of the row that was inserted. */
  insert(sql: string, ...values: unknown[]): number {
    return Number(explained(this.#file, () => this.#statement(sql).run(...values).lastInsertRowid));
  }

  /** How many rows were changed. */
  change(sql: string, ...values: unknown[]): number {
    return explained(this.#file, () => this.#statement(sql).run(...values).changes);
  }

  get<Row>(sql: string, ...values: unknown[]): Row | undefined {
    return explained(this.#file, () => this.#statement(sql).get(...values) as Row | undefined);
  }

  all<Row>(sql: string, ...values: unknown[]): Row[] {
    return explained(this.#file, () => this.#statement(sql).all(...values) as Row[]);
  }

  /** The only value of the only row. */
  number(sql: string, ...values: unknown[]): number {
    return Object.values(this.get<Record<string, number>>(sql, ...values)!)[0]!;
  }

  #statement(sql: string): Statement<unknown[]> {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare<unknown[]>(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

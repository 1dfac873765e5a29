/**
 * What better-sqlite3 does at best with the rows of a store: all of them in memory, then inserted into an empty database
 * of the same schema and settings. Prints the seconds that inserting took.
 * `bin/node test/bench/raw-insert.ts STORE NEW`
 */
import Database from "better-sqlite3";
import { openForWriting } from "../../src/store/database.ts";

const ROWS_A_TRANSACTION = 5_000;
const [from, into] = process.argv.slice(2);

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly unknown[][];
}

/** Only the columns that any row fills: what is NULL costs nothing to leave out. */
function tableOf(source: Database.Database, name: string): Table {
  const all = source.pragma(`table_info(${name})`) as { name: string }[];
  const filled = all.filter(
    (column) =>
      source.prepare(`SELECT 1 FROM ${name} WHERE "${column.name}" IS NOT NULL LIMIT 1`).get() !== undefined,
  );
  const columns = filled.map((column) => `"${column.name}"`);
  const rows = source
    .prepare(`SELECT ${columns.join(", ")} FROM ${name}`)
    .raw()
    .all() as unknown[][];
  return { name, columns, rows };
}

const source = new Database(from!, { readonly: true });
const tables = ["events", "texts", "client_blocks"].map((name) => tableOf(source, name));
source.close();

const target = openForWriting(into!);
target.exec("DELETE FROM texts");
const insert = ({ name, columns }: Table) =>
  target.prepare(`INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`);
const statements = tables.map(insert);
const begin = performance.now();
for (const [index, { rows }] of tables.entries()) {
  for (let at = 0; at < rows.length; at += ROWS_A_TRANSACTION) {
    target.transaction(() => {
      const end = Math.min(at + ROWS_A_TRANSACTION, rows.length);
      for (let row = at; row < end; row++) statements[index]!.run(rows[row]!);
    })();
  }
}
const seconds = (performance.now() - begin) / 1000;
target.close();
console.log(JSON.stringify({ seconds, rows: tables[0]!.rows.length }));

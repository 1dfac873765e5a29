import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Dictionary } from "../../src/store/dictionary.ts";

test("texts keep their numbers until many, or few but long ones, have come after them", () => {
  const database = new Database(":memory:");
  database.exec(`CREATE TABLE texts (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE text_generations (first_event INTEGER PRIMARY KEY, first_text INTEGER NOT NULL)`);
  const texts = new Dictionary(database);
  let event = 0;
  const pass = (count: number, length: number): void => {
    texts.begin(++event);
    for (let n = 0; n < count; n++) texts.id(`${n} of ${count}`.padEnd(length, "x"));
    texts.flush();
    texts.committed();
  };
  for (const [few, many, length] of [
    [40_000, 120_000, 20],
    [1_000, 6_000, 8_000],
  ] as const) {
    const number = texts.id(`before ${many}`);
    pass(few, length);
    expect(texts.id(`before ${many}`)).toBe(number);
    pass(many, length);
    texts.begin(event + 1);
    expect(texts.id(`before ${many}`)).not.toBe(number);
  }
  const generations = database.prepare("SELECT first_text FROM text_generations").pluck().all();
  expect(generations).toEqual([1, 160_002, 167_004]);
});

import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Dictionary } from "../../src/store/dictionary.ts";

test("texts keep their numbers until many, or few but long ones, have come after them", () => {
  const database = new Database(":memory:");
  database.exec("CREATE TABLE texts (id INTEGER PRIMARY KEY, value TEXT NOT NULL)");
  const texts = new Dictionary(database, "texts");
  const pass = (count: number, length: number): void => {
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
    expect(texts.id(`before ${many}`)).not.toBe(number);
  }
  expect(
    database.prepare("SELECT count(*) FROM texts WHERE value LIKE 'before%'").pluck().get(),
  ).toBeGreaterThan(1);
});

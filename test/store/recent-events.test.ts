import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { recentEvents } from "../../src/store/recent-events.ts";
import { access, errorEvent } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Store } from "./store-under-test.ts";

/** Every fifth request is refused, and an error line comes after each tenth. */
const stored = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    n % 10 === 9
      ? errorEvent("192.0.2.7", n, "AH01630")
      : access("192.0.2.7", n, { status: n % 5 === 0 ? 403 : 200 }),
  );

describe("events that a restart counts again", () => {
  const read = (count: number, limits?: { readonly ofAll: number; readonly ofBad: number }) => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit(stored(count));
    using connection = Object.assign(new Database(store.file, { readonly: true }), {
      [Symbol.dispose](this: Database.Database) {
        this.close();
      },
    });
    const { first, next } = connection
      .prepare("SELECT min(id) AS first, max(id) + 1 AS next FROM events")
      .get() as {
      readonly first: number;
      readonly next: number;
    };
    return [...recentEvents(connection, first, next, limits)].flatMap(({ firstEvent, events }) =>
      events.map((event, index) => ({ number: firstEvent + index - first, event })),
    );
  };

  test("are all of them where there are not very many, in order and with their numbers", () => {
    const events = read(100);
    expect(events.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test("are of older ones those that were refused or failed, and of these the newest", () => {
    const numbers = (ofAll: number, ofBad: number) => read(100, { ofAll, ofBad }).map(({ number }) => number);
    const bad = Array.from({ length: 90 }, (_, n) => n).filter((n) => n % 10 === 9 || n % 5 === 0);
    const newest = Array.from({ length: 10 }, (_, n) => 90 + n);
    expect(numbers(10, 1_000)).toEqual([...bad, ...newest]);
    expect(numbers(10, 4)).toEqual([...bad.slice(-4), ...newest]);
    expect(
      read(100, { ofAll: 10, ofBad: 4 }).every(
        ({ number, event }) => event.time === stored(100)[number]!.time,
      ),
    ).toBe(true);
  });

  test("are in memory a few at once, as attackers may have sent long ones", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const long = (n: number) =>
      access("192.0.2.7", n, { path: `/${n}`.padEnd(8_000, "x"), referer: `${n}`.padEnd(8_000, "x") });
    for (let from = 0; from < 2_000; from += 500)
      store.commit(Array.from({ length: 500 }, (_, n) => long(from + n)));
    const bytes = [...store.writer.recentEvents(3_600_000)].map(({ events }) =>
      events.reduce((sum, event) => sum + event.line.length, 0),
    );
    expect(bytes.reduce((sum, each) => sum + each)).toBeGreaterThan(32_000_000);
    expect(Math.max(...bytes)).toBeLessThan(10_000_000);
  });
});

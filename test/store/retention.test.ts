import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import { initial } from "../../src/store/migrations/0001-initial.ts";
import { banSources } from "../../src/store/migrations/0002-ban-sources.ts";
import { sockets } from "../../src/store/migrations/0003-sockets.ts";
import { checkpointTails } from "../../src/store/migrations/0004-checkpoint-tails.ts";
import type { RetentionLimits } from "../../src/store/retention.ts";
import { access, at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, finding, Store } from "./store-under-test.ts";

const MIB = 2 ** 20;
const limits = (some: Partial<RetentionLimits>): RetentionLimits => ({ before: null, disk: null, ...some });
const everything = { limit: 10_000, cursor: null, client: null, kind: null };
const timesOf = (store: Store): number[] =>
  store.reader.events(everything).items.map(({ time }) => Date.parse(time));

/** What SQL says of the file: one value. */
function ask(store: Store, sql: string): unknown {
  const connection = new Database(store.file, { readonly: true });
  try {
    return connection.prepare(sql).pluck().get();
  } finally {
    connection.close();
  }
}

/** The numbers of events after each step, until there is nothing to do. */
function retain(store: Store, some: Partial<RetentionLimits>): number[] {
  const left: number[] = [];
  while (store.writer.retain(limits(some))) left.push(ask(store, "SELECT count(*) FROM events") as number);
  return left;
}

/** Requests with long paths: of 9 KB, a generation of texts is some 1,800 events. */
function commitLongPaths(store: Store, from: number, to: number, length = 9_000): void {
  for (let n = from; n < to; n += 500) {
    const some = Array.from({ length: 500 }, (_, k) =>
      access(`192.0.2.${k % 250}`, n + k, { path: `/${n + k}/${"x".repeat(length)}` }),
    );
    store.commit(some);
  }
}

describe("retention", () => {
  test("deletes events by age, and what is younger stays", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100_000);
    for (let n = 0; n < 100; n++) store.commit([access("192.0.2.7", n * 60)]);
    retain(store, { before: at(60 * 60) });
    expect(Math.min(...timesOf(store))).toBe(at(59 * 60));
    expect(timesOf(store)).toHaveLength(41);
    retain(store, { before: at(90_000) });
    expect(timesOf(store)).toEqual([at(99 * 60)]);
  });

  test("deletes no more than some thousand events in one step, and with them where their clients are", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100_000);
    for (let n = 0; n < 10; n++)
      store.commit(Array.from({ length: 1_000 }, (_, k) => access(`192.0.2.${k % 250}`, n * 60)));
    const left = retain(store, { before: at(9 * 60 + 60) });
    expect(left).toEqual([6_000, 2_000, 1_000]);
    const found = store.reader.events({ ...all, client: "192.0.2.7" as never, kind: "access" });
    expect(found.items).toHaveLength(4);
    expect(ask(store, "SELECT min(block) FROM client_blocks")).toBe(2);
  });

  test("deletes the texts that no event names any more, keeps the others, and gives the space back", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100_000);
    commitLongPaths(store, 0, 8_000);
    const before = ask(store, "PRAGMA page_count") as number;
    retain(store, { before: at(7_000) });
    expect(ask(store, "SELECT count(*) FROM texts")).toBeLessThan(3_500);
    expect(
      ask(store, "SELECT count(*) FROM events e LEFT JOIN texts t ON t.id = e.path WHERE t.id IS NULL"),
    ).toBe(0);
    const { items } = store.reader.events(everything);
    expect(items.every(({ path, time }) => path!.startsWith(`/${(Date.parse(time) - at(0)) / 1_000}/`))).toBe(
      true,
    );
    // A third of the events, and 16 MiB that what comes next fills.
    expect(ask(store, "PRAGMA page_count")).toBeLessThan(before * 0.65);
    expect(ask(store, "PRAGMA integrity_check")).toBe("ok");
  });

  test("deletes the oldest events while the database uses more than its budget; findings keep their evidence", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    commitLongPaths(store, 0, 500);
    store.commit([access("192.0.2.7", 500)], [finding("192.0.2.7", 500)]);
    commitLongPaths(store, 501, 40_001, 1_000);
    retain(store, { disk: 30 * MIB });
    const left = ask(store, "SELECT count(*) FROM events");
    expect(left).toBeGreaterThan(5_000);
    expect(left).toBe(ask(store, "SELECT max(id) - min(id) + 1 FROM events"));
    expect(ask(store, "SELECT min(id) FROM events")).toBeGreaterThan(501);
    // No budget is too small for what has just come.
    retain(store, { disk: 1 });
    expect(ask(store, "SELECT count(*) FROM events")).toBeGreaterThan(0);
    expect(Math.max(...timesOf(store))).toBe(at(40_000));
    expect((ask(store, "PRAGMA page_count") as number) * 4_096).toBeLessThan((30 + 17) * MIB);
    expect(store.reader.incident(1)!.findings[0]!.evidence).toEqual(["first line", "last line"]);
  });

  test("that leaves one event leaves nothing behind that stops the next after a restart", () => {
    using folder = temporaryFolder();
    const unparsed: LogEvent = {
      kind: "unparsed",
      time: at(0),
      source: 1,
      line: "x".repeat(600),
      reason: "format",
    };
    for (const number of [2, 4]) {
      using store = new Store(folder.path, 1_000);
      store.commit([unparsed]);
      store.commit([unparsed]);
      retain(store, { before: at(100_000) });
      expect(ask(store, "SELECT id FROM events")).toBe(number);
    }
    using store = new Store(folder.path, 1_000);
    const { items } = store.reader.events({ ...all, client: null, kind: "unparsed" });
    expect(items.map(({ message }) => message?.length)).toEqual([600]);
  });

  test("is not held up by an event with a time in the future", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(5_000);
    store.commit([access("192.0.2.1", 0), access("192.0.2.2", 100_000), access("192.0.2.3", 1)]);
    store.commit([access("192.0.2.4", 4_500)]);
    retain(store, { before: at(4_000) });
    expect(timesOf(store)).toEqual([at(4_500)]);
  });

  test("begins the write-ahead log anew once the reader that kept it is gone", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const log = () => statSync(`${store.file}-wal`).size;
    const reader = new Database(store.file, { readonly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM events").get();
    commitLongPaths(store, 0, 8_000);
    expect(store.writer.retain(limits({}))).toBe(false);
    expect(log()).toBeGreaterThan(64 * MIB);
    reader.close();
    expect(store.writer.retain(limits({}))).toBe(false);
    expect(log()).toBe(0);
  });
});

test("a database from before retention had a budget is brought up to date with all that it has", () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/sekisho.sqlite`;
  const old = new Database(file);
  old.exec([initial, banSources, sockets, checkpointTails].join(";"));
  old.exec(`PRAGMA user_version = 4;
    INSERT INTO sources (id, path, kind) VALUES (1, '/var/log/access.log', 'access');
    INSERT INTO texts VALUES (1, 'GET'), (2, '/old');
    INSERT INTO clients VALUES (1, '192.0.2.7'), (2, '2001:db8::1');
    INSERT INTO events (id, time, kind, source, client, refused, status, method, path)
      VALUES (5000, ${at(0)}, 1, 1, 1, 0, 200, 1, 2), (5001, ${at(1)}, 1, 1, 2, 0, 200, 1, 2);
    INSERT INTO events (id, time, kind, source, refused) VALUES (5002, ${at(2)}, 4, 1, 0);
    INSERT INTO traffic VALUES (${at(0)}, 0, 2, 0, 0, 0, 0, 5000);`);
  old.close();
  using store = new Store(folder.path);
  store.clock.time = at(100_000);
  store.commit([access("192.0.2.7", 90_000, { path: "/new" })]);
  const paths = (client: string) =>
    store.reader.events({ ...all, client: client as never, kind: null }).items.map(({ path }) => path);
  expect([paths("192.0.2.7"), paths("2001:db8::1")]).toEqual([["/new", "/old"], ["/old"]]);
  expect(ask(store, "PRAGMA auto_vacuum")).toBe(2);
  retain(store, { before: at(80_000) });
  expect([paths("192.0.2.7"), paths("2001:db8::1")]).toEqual([["/new"], []]);
  expect(ask(store, "SELECT count(*) FROM texts WHERE value = '/old'")).toBe(0);
});

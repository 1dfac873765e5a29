import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import { initial } from "../../src/store/migrations/0001-initial.ts";
import { banSources } from "../../src/store/migrations/0002-ban-sources.ts";
import { sockets } from "../../src/store/migrations/0003-sockets.ts";
import { checkpointTails } from "../../src/store/migrations/0004-checkpoint-tails.ts";
import { retention } from "../../src/store/migrations/0005-retention.ts";
import type { RetentionLimits } from "../../src/store/retention.ts";
import { access, at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, finding, Store, target } from "./store-under-test.ts";

const MIB = 2 ** 20;
const DAY = 86_400;
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

/** The times of the events that a restart counts again. */
const restored = (store: Store, memory: number): number[] =>
  [...store.writer.recentEvents(memory)].flatMap(({ events }) => events.map(({ time }) => time));

describe("retention", () => {
  test("deletes events by age, and what is younger stays", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    for (let n = 0; n < 100; n++) {
      store.clock.time = at(n * 60);
      store.commit([access("192.0.2.7", n * 60)]);
    }
    store.clock.time = at(100_000);
    retain(store, { before: at(60 * 60) });
    expect(Math.min(...timesOf(store))).toBe(at(60 * 60));
    expect(timesOf(store)).toHaveLength(40);
    retain(store, { before: at(90_000) });
    expect(timesOf(store)).toEqual([at(99 * 60)]);
  });

  test("deletes no more than some thousand events in one step, and with them where their clients are", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100_000);
    for (let n = 0; n < 10; n++)
      store.commit(Array.from({ length: 1_000 }, (_, k) => access(`192.0.2.${k % 250}`, n * 60)));
    const left = retain(store, { before: at(9 * 60) });
    expect(left).toEqual([6_000, 2_000, 1_000, 1_000]);
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

  test("over its budget gives up the evidence of closed incidents that is older than all events; findings stay, and open incidents whole", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const evidence = Array.from({ length: 8 }, (_, n) => `${n} ${"x".repeat(1_000)}`);
    for (let n = 0; n < 2_000; n++)
      store.commit([access("192.0.2.7", n)], [finding(`2001:db8:0:${n.toString(16)}::/64`, n, { evidence })]);
    store.writer.setIncidentState(1_000, "open");
    for (let id = 1; id <= 2_000; id++) if (id !== 1_000) store.writer.setIncidentState(id, "closed");
    commitLongPaths(store, 2_000, 12_000, 1_000);
    retain(store, { disk: 12 * MIB });
    const kept = (id: number) => store.reader.incident(id)!.findings[0]!.evidence.length;
    expect([kept(1), kept(1_000), kept(2_000)]).toEqual([0, 8, 0]);
    expect(ask(store, "SELECT count(*) FROM events")).toBeGreaterThanOrEqual(4_000);
    expect(ask(store, "SELECT count(*) FROM findings")).toBe(2_000);
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

  test("counts lines whose time is ahead of the clock from when they were stored", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(5_000);
    store.commit([access("192.0.2.1", 0), access("192.0.2.2", 100_000), access("192.0.2.3", 1)]);
    store.clock.time = at(9_500);
    store.commit([access("192.0.2.4", 9_500)]);
    retain(store, { before: at(4_999) });
    expect(timesOf(store)).toHaveLength(4);
    retain(store, { before: at(5_001) });
    expect(timesOf(store)).toEqual([at(9_500)]);
  });

  test("goes on while the clock passes the time that one line was ahead to, and a restart then reads what is recent only", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(0);
    store.commit([access("192.0.2.9", 40 * DAY)]);
    for (let hour = 0; hour < 41 * 24; hour++) {
      store.clock.time = at(hour * 3_600);
      store.commit([access("192.0.2.7", hour * 3_600)]);
    }
    store.clock.time = at(40 * DAY + 300);
    expect(restored(store, 600_000)[0]).toBe(at(40 * DAY));
    retain(store, { before: at(11 * DAY) });
    expect(Math.min(...timesOf(store))).toBe(at(11 * DAY));
  });

  test("deletes history that was read late by the times of its lines", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100 * DAY);
    for (let day = 0; day < 100; day++)
      store.commit(Array.from({ length: 1_000 }, () => access("192.0.2.7", day * DAY)));
    retain(store, { before: at(98 * DAY) });
    expect(new Set(timesOf(store))).toEqual(new Set([at(98 * DAY), at(99 * DAY)]));
  });

  test("leaves lines of history that did not parse with those around them, and a restart finds its buckets", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(100 * DAY);
    const unparsed: LogEvent = {
      kind: "unparsed",
      time: at(100 * DAY),
      source: 1,
      line: "x",
      reason: "format",
    };
    store.commit([access("192.0.2.7", 0), unparsed]);
    store.clock.time = at(100 * DAY + 60);
    store.commit([unparsed]);
    expect(restored(store, 60_000)[0]).toBe(at(0));
    retain(store, { before: at(90 * DAY) });
    expect(ask(store, "SELECT count(*) FROM events")).toBe(1);
    expect(restored(store, 60_000)).toEqual([]);
  });

  test("keeps what was stored while the clock was ahead, as nothing tells whether it was wrong then or is now", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(400 * DAY);
    store.commit([access("192.0.2.1", 0), access("192.0.2.1", 400 * DAY)]);
    store.clock.time = at(100);
    store.commit([access("192.0.2.2", 100)]);
    retain(store, { before: at(-30 * DAY) });
    expect(timesOf(store)).toHaveLength(3);
    expect(restored(store, 60_000)).toEqual([at(100)]);
  });

  test("deletes minutes of traffic that are old or ahead of the clock, some thousand in one step", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(0);
    store.commit([access("192.0.2.7", 0)]);
    const connection = new Database(store.file);
    connection.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      INSERT INTO traffic SELECT i * 60000, 0, 0, 0, 0, 0, 0 FROM n UNION ALL SELECT ${at(0)} + i * 60000, 0, 0, 0, 0, 0, 0 FROM n`);
    connection.close();
    expect(retain(store, { before: at(-DAY) })).toHaveLength(6);
    expect(ask(store, "SELECT count(*) FROM traffic")).toBe(2);
  });

  test("has nothing to delete of minutes that were never sane: lines of them are no traffic", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(0);
    retain(store, { before: at(-DAY) });
    const hostile = (way: number) =>
      Array.from({ length: 4_000 }, (_, n) => access("192.0.2.9", way * (DAY + 60 * n)));
    store.commit([...hostile(1), ...hostile(-1), access("192.0.2.7", 30)]);
    expect(ask(store, "SELECT group_concat(minute) FROM traffic")).toBe(
      `${at(-DAY - 60)},${at(-DAY)},${at(0)}`,
    );
  });

  test("forgets how far files were read that are long gone, and of a log that is there the many before its last", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const logAt = (path: string) => {
      const { id } = store.writer.register({ path, kind: "access" });
      return (inode: number, second: number): void => {
        store.clock.time = at(second);
        const fingerprint = { device: 1, inode, head: "ab", headLength: 1 };
        const checkpoint = { source: id, fingerprint, offset: 100, tail: "cd" };
        store.writer.commit({ sockets: [], events: [], findings: [], judgements: [], checkpoint });
      };
    };
    const left = (path: string) =>
      ask(
        store,
        `SELECT count(*) || ' from ' || min(updated_at) FROM checkpoints JOIN sources ON id = source
         WHERE path = '${path}'`,
      );
    const [rotated, quiet, dated, young] = [
      "access.log",
      "error.log",
      "access.2026-11-01.log",
      "gone.log",
    ].map((name) => join(folder.path, name)) as [string, string, string, string];
    writeFileSync(rotated, "");
    writeFileSync(quiet, "");
    const rotate = logAt(rotated);
    for (let day = 0; day < 50; day++) rotate(day, day);
    logAt(quiet)(100, 1);
    logAt(dated)(101, 1);
    logAt(young)(102, 45);
    const unmounted = join(folder.path, "unmounted");
    mkdirSync(unmounted);
    logAt(join(unmounted, "access.log"))(103, 1);
    retain(store, { before: at(40) });
    expect([rotated, quiet, dated, young].map(left)).toEqual([
      `32 from ${at(18)}`,
      `1 from ${at(1)}`,
      null,
      `1 from ${at(45)}`,
    ]);
    expect(left(join(unmounted, "access.log"))).toBe(`1 from ${at(1)}`);
    retain(store, { before: at(10) });
    expect(left(rotated)).toBe(`32 from ${at(18)}`);
  });

  test("forgets logs to which nothing refers any more, as those with a date in their name, but not what they had", () => {
    using folder = temporaryFolder();
    const log = (name: string) => ({ path: join(folder.path, name), kind: "access" }) as const;
    const commitTo = (store: Store, name: string, second: number, cause = false): number => {
      store.clock.time = at(second);
      const { id } = store.writer.register(log(name));
      const bans = { rule: "r", by: "rule", reason: "why", at: at(second), until: at(second + 60) } as const;
      store.writer.commit({
        ...{ sockets: [], events: [access("192.0.2.7", second), access("192.0.2.8", second)] },
        findings: cause ? [finding("192.0.2.7", second)] : [],
        judgements: cause
          ? [{ kind: "ban", decision: { kind: "ban", target: target("192.0.2.7"), ...bans, reportedBy: id } }]
          : [],
        checkpoint: {
          ...{ source: id, offset: 100, tail: "cd" },
          fingerprint: { device: 1, inode: second, head: "ab", headLength: 1 },
        },
      });
      return id;
    };
    const names = (store: Store): string[] =>
      store.writer.sources().flatMap(({ path }) => (path.startsWith("/") ? [basename(path)] : []));
    writeFileSync(join(folder.path, "quiet.log"), "");
    {
      using store = new Store(folder.path);
      for (const [n, name] of ["day-1.log", "day-2.log", "quiet.log", "followed.log"].entries())
        commitTo(store, name, n);
      commitTo(store, "caused.log", 5, true);
      commitTo(store, "young.log", 90_000);
    }
    {
      using store = new Store(folder.path);
      store.writer.register(log("followed.log"));
      retain(store, { before: at(50_000) });
      expect(names(store)).toEqual(
        ["access", "quiet", "followed", "caused", "young"].map((name) => `${name}.log`),
      );
      expect(store.reader.eventCounts().access).toBe(12);
    }
    let newest: number;
    {
      using store = new Store(folder.path);
      newest = commitTo(store, "newest.log", 90_001);
    }
    using store = new Store(folder.path);
    commitTo(store, "quiet.log", 200_000);
    retain(store, { before: at(150_000) });
    // The last number is not given to another log, or what is kept of the one before would be taken for its own.
    expect(names(store)).toEqual(["access.log", "quiet.log", "caused.log", "newest.log"]);
    expect(store.writer.register(log("next.log")).id).toBeGreaterThan(newest);
    expect(store.reader.eventCounts().access).toBe(16);
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

test("a database that was brought up to date by a daemon that was killed on the way gives space back all the same", () => {
  using folder = temporaryFolder();
  const file = `${folder.path}/sekisho.sqlite`;
  const killed = new Database(file);
  killed.pragma("journal_mode = WAL");
  killed.exec([initial, banSources, sockets, checkpointTails, retention].join(";"));
  killed.exec("PRAGMA user_version = 5");
  killed.close();
  using store = new Store(folder.path);
  expect(ask(store, "PRAGMA auto_vacuum")).toBe(2);
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

import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { initial } from "../../src/store/migrations/0001-initial.ts";
import { access, at, audit } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finding, Store, target } from "./store-under-test.ts";

const CHAT = 3;

test("bans of a day are known with who caused them and when they were decided, whatever times an app wrote", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const report = { source: CHAT, name: "ws.open" } as const;
  const ban = (now: number, second: number, text: string, by: typeof report | null): void => {
    store.clock.time = at(now);
    store.commit([access(text, second)], [finding(text, second, { report: by })], [target(text)]);
  };
  ban(10, 10, "192.0.2.1", report);
  ban(100, 100, "192.0.2.2", null);
  ban(110, 20, "192.0.2.3", report);
  store.writer.decide({
    kind: "ban",
    target: target("192.0.2.4"),
    rule: null,
    by: "person",
    reason: "",
    at: at(110),
    until: at(900),
    reportedBy: null,
  });
  expect(store.writer.bansByRules(at(50))).toEqual([
    { decidedAt: at(100), reportedBy: null },
    { decidedAt: at(110), reportedBy: CHAT },
  ]);
  expect(store.writer.bansByRules(at(9))).toHaveLength(3);
  expect(store.writer.bansByRules(at(110))).toEqual([]);
});

test("hits that led to a finding are known with the audit event that completed them", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const event = { ...audit("192.0.2.7", 10, "ws.rate_exceeded"), source: CHAT };
  const findings = [finding("192.0.2.7", 10, { eventIndex: 0 }), finding("192.0.2.8", 11, { eventIndex: 1 })];
  store.commit([event, access("192.0.2.8", 11)], findings);
  expect(store.writer.consumed(60_000).map(({ subject, report }) => ({ subject, report }))).toEqual([
    { subject: "192.0.2.7", report: { source: CHAT, name: "ws.rate_exceeded" } },
    { subject: "192.0.2.8", report: null },
  ]);
});

test("how far the files of a log are in the store is told by its path", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  store.commit([access("192.0.2.8", 11)]);
  expect(store.reader.committedFiles("/var/log/access.log")).toEqual([
    { inode: 2, head: "ab", headLength: 1, offset: 100 },
  ]);
  expect(store.reader.committedFiles("/var/log/other.log")).toEqual([]);
});

test("a database of before bans had a source keeps its bans", () => {
  using folder = temporaryFolder();
  const before = new Database(`${folder.path}/sekisho.sqlite`);
  before.exec(`${initial} INSERT INTO decisions
    VALUES (1, 'ban', '192.0.2.1/32', 'r', 'rule', 'why', ${at(0)}, NULL, NULL, NULL, NULL)`);
  before.pragma("user_version = 1");
  before.close();
  using store = new Store(folder.path);
  expect(store.writer.bansByRules(at(-1))).toEqual([]);
  expect([...store.reader.bansRunning().all()]).toEqual([["192.0.2.1/32", Number.POSITIVE_INFINITY]]);
});

import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { detached } from "../../src/model/line.ts";
import { JsonAccessParser } from "../../src/parse/access-json.ts";
import { AuditLogParser } from "../../src/parse/audit.ts";
import { at } from "../evaluate/events.ts";
import { ruleOf } from "../evaluate/rules.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Store } from "./store-under-test.ts";

/** Texts of which two have the same last byte in each character, half a character, and what only looks like another. */
const USERS = [
  "あ",
  "B",
  "ł",
  "い",
  "山田 太郎",
  "😀",
  "😁",
  "\u00e3\u0081\u0082",
  "é",
  "e\u0301",
  "x\u0000y",
];
const HALVES = ["\ud83d", "\ude00"];

const audits = new AuditLogParser();
const requests = new JsonAccessParser("UTC");
const bytes = (fields: object): string => Buffer.from(JSON.stringify(fields), "utf8").toString("latin1");
const audit = (user: string): LogEvent =>
  audits.parse(
    bytes({
      time: "2026-11-20T12:00:00Z",
      event: "auth.failed",
      client: "192.0.2.7",
      user,
      path: `/${user}`,
      detail: { [user]: user },
    }),
    1,
    at(0),
  );
/** As a log whose writer escapes what is not ASCII. */
const request = (text: string): LogEvent =>
  requests.parse(
    JSON.stringify({
      client: "192.0.2.7",
      time: "2026-11-20T12:00:00Z",
      status: 403,
      path: "PATH",
      userAgent: "u",
    }).replace("PATH", [...Array(text.length).keys()].map((n) => escaped(text, n)).join("")),
    1,
    at(0),
  );
const escaped = (text: string, n: number): string => `\\u${text.charCodeAt(n).toString(16).padStart(4, "0")}`;

const distinct = (events: "audit" | "access", of: string, count: number): Evaluator => {
  const match = { [events === "audit" ? "name" : "status"]: events === "audit" ? "auth.failed" : 403 };
  const bucket = { kind: "distinct", of, count, window: "10m" };
  return new Evaluator([ruleOf("many", { events, match, bucket, cooldown: "1m" })]);
};

test.each([...USERS, ...HALVES, "", "plain"])("a copy of %j is the same text", (text) => {
  expect(detached(text)).toBe(text);
  expect(detached(`-${text}-`.slice(1, -1))).toBe(text);
});

test("what apps write in any script is stored, shown and read back as it was, and each text once", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const events = [...USERS, ...USERS, ...HALVES].map(audit);
  store.commit(events.slice(0, 5));
  store.commit(events.slice(5));
  const [stored] = [...store.writer.recentEvents(3_600_000)].map(({ events }) => events);
  const texts = (event: LogEvent) =>
    event.kind === "audit" ? [event.user, event.path, event.detail] : event;
  expect(stored!.map(texts)).toEqual(events.map(texts));
  const shown = store.reader.events({ limit: 50, cursor: null, client: null, kind: null }).items;
  expect(shown.map(({ path }) => path).reverse()).toEqual([
    ...[...USERS, ...USERS].map((user) => `/${user}`),
    "/\ufffd",
    "/\ufffd",
  ]);
  const database = new Database(store.file, { readonly: true });
  const values = database.prepare("SELECT value FROM texts").pluck().all();
  database.close();
  expect(new Set(values).size).toBe(values.length);
  expect(values).toEqual(expect.arrayContaining(USERS));
});

test.each([
  ["audit", "user", audit],
  ["access", "path", request],
] as const)(
  "different texts of %s events count as such, also when they were read from the store",
  (kind, of, eventOf) => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const events = [...USERS, ...HALVES].map(eventOf);
    // Both halves of a character are the same replacement.
    const different = USERS.length + 1;
    for (const [count, findings] of [
      [different, 1],
      [different + 1, 0],
    ] as const)
      expect(distinct(kind, of, count).evaluate([...events, ...events])).toHaveLength(findings);
    store.commit(events.slice(0, -2));
    const restarted = distinct(kind, of, different);
    restarted.restore(store.writer.recentEvents(3_600_000), [], []);
    expect(restarted.evaluate(events.slice(0, -2))).toEqual([]);
    expect(restarted.evaluate(events.slice(-1))).toHaveLength(1);
    expect(restarted.evaluate(events.slice(-2, -1))).toEqual([]);
  },
);

test("evidence of an audit event is shown in the script that it was written in", () => {
  const [finding] = distinct("audit", "user", 2).evaluate(["山田", "😀"].map(audit));
  expect(finding!.evidence).toEqual(
    ["山田", "😀"].map((user) => expect.stringContaining(`"user":"${user}"`) as unknown),
  );
});

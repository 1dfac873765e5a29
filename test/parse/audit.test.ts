import { describe, expect, test } from "vitest";
import { AUDIT_NAMES } from "../../src/model/event.ts";
import { AuditLogParser } from "../../src/parse/audit.ts";
import { auditOf, reasonOf } from "./apache-lines.ts";

const parser = new AuditLogParser();
const FIELDS = { time: "2026-11-20T12:00:00.123Z", event: "ws.origin_rejected", client: "192.0.2.7" };
const line = (fields: object) =>
  Buffer.from(JSON.stringify({ ...FIELDS, ...fields }), "utf8").toString("latin1");

test("a whole line", () => {
  const text = line({
    app: "chat",
    user: "u1",
    connection: "c9",
    origin: "https://evil.example",
    path: "/ws/",
    detail: { limit: 5 },
  });
  expect(auditOf(parser, text)).toEqual({
    kind: "audit",
    time: Date.UTC(2026, 10, 20, 12, 0, 0, 123),
    source: 7,
    line: text,
    client: "192.0.2.7",
    name: "ws.origin_rejected",
    app: "chat",
    user: "u1",
    connection: "c9",
    origin: "https://evil.example",
    path: "/ws/",
    detail: '{"limit":5}',
  });
});

test("what is not required is null when it is missing, null or empty", () => {
  const nothing = { app: null, user: null, connection: null, origin: null, path: null, detail: null };
  expect(auditOf(parser, line({}))).toMatchObject(nothing);
  expect(auditOf(parser, line({ ...nothing, detail: {} }))).toMatchObject(nothing);
});

test("names in other scripts are read as UTF-8", () => {
  expect(auditOf(parser, line({ user: "山田", detail: { room: "日本" } }))).toMatchObject({
    user: "山田",
    detail: '{"room":"日本"}',
  });
});

test("a line may say the version that it has, and has the first when it says none", () => {
  for (const version of [1, null, undefined])
    expect(auditOf(parser, line({ version })).name).toBe("ws.origin_rejected");
});

test("an id may be a number", () => {
  expect(auditOf(parser, line({ user: 42 })).user).toBe("42");
});

test.each(AUDIT_NAMES)("%s is known", (event) => {
  expect(auditOf(parser, line({ event })).name).toBe(event);
});

test.each([
  ["app.checkout", true],
  ["app.checkout.failed-3", true],
  ["app.", false],
  ["app..x", false],
  ["app.a b", false],
  ["app.<script>", false],
  [`app.${"x".repeat(61)}`, false],
  ["ws.opened", false],
  ["constructor", false],
  ["", false],
])("the name %j: %s", (event, known) => {
  expect(reasonOf(parser, line({ event }))).toBe(known ? null : "audit-name");
});

describe("addresses and times are made canonical", () => {
  test.each([
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:DB8:0:0::7", "2001:db8::7"],
  ])("%s", (client, canonical) => expect(auditOf(parser, line({ client })).client).toBe(canonical));

  test.each([
    ["2026-11-20T13:00:00+01:00", 0],
    ["2026-11-20t12:00:00z", 0],
    ["2026-11-20 12:00:00.5Z", 500],
    ["2026-11-20T12:00:00.123456789Z", 123],
    ["2026-11-20T06:30:00-05:30", 0],
  ])("%s", (time, milliseconds) => {
    expect(auditOf(parser, line({ time })).time).toBe(Date.UTC(2026, 10, 20, 12) + milliseconds);
  });
});

describe("a line that does not parse says why", () => {
  test.each([
    ["json", ""],
    ["json", "{"],
    ["json", "[]"],
    ["json", "null"],
    ["json", '"ws.open"'],
    ["audit-field", "{}"],
    ["audit-version", line({ version: 2 })],
    ["audit-version", '{"version":2,"what":"is yet to come"}'],
    ["audit-field", line({ version: 0 })],
    ["audit-field", line({ version: "1" })],
    ["audit-field", line({ time: undefined })],
    ["audit-field", line({ time: 1_795_212_000 })],
    ["audit-field", line({ event: null })],
    ["audit-field", line({ client: ["192.0.2.7"] })],
    ["audit-field", line({ user: { id: 1 } })],
    ["audit-field", line({ detail: "text" })],
    ["audit-field", line({ detail: [1] })],
    ["client", line({ client: "localhost" })],
    ["client", line({ client: "192.0.2.7:80" })],
    ["time", line({ time: "2026-11-20T12:00:00" })],
    ["time", line({ time: "2026-02-30T12:00:00Z" })],
    ["time", line({ time: "2026-11-20T25:00:00Z" })],
    ["time", line({ time: "yesterday" })],
  ])("%s: %s", (reason, text) => expect(reasonOf(parser, text)).toBe(reason));

  test("a line that was cut in its detail says what stands before", () => {
    const whole = line({ detail: { text: "x".repeat(2_000) } });
    const { client, name, origin, detail } = auditOf(parser, whole.slice(0, -900), true);
    expect({ client, name, origin, detail }).toMatchObject({
      client: "192.0.2.7",
      name: "ws.origin_rejected",
      detail: null,
    });
  });

  test("a line that was cut before is truncated", () =>
    expect(reasonOf(parser, line({}).slice(0, 40), true)).toBe("truncated"));
});

test("what a client may have written is kept up to a length, and stays well-formed text", () => {
  const event = auditOf(
    parser,
    line({
      user: "x".repeat(5_000),
      path: `${"x".repeat(1_023)}😀`,
      origin: "\ud800",
      detail: { a: "y".repeat(10_000) },
    }),
  );
  expect(event.user).toHaveLength(1_024);
  expect(event.detail).toHaveLength(4_096);
  expect([event.path, event.origin].every((text) => text!.isWellFormed())).toBe(true);
});

test("a key that every object has is not taken from the prototype", () => {
  expect(
    reasonOf(parser, '{"__proto__":{"time":"2026-11-20T12:00:00Z","event":"ws.open","client":"192.0.2.7"}}'),
  ).toBe("audit-field");
});

describe("a detail that is nested", () => {
  const nested = (levels: number) =>
    `{"time":"2026-11-20T12:00:00Z","event":"ws.open","client":"192.0.2.7","detail":${'{"a":['.repeat(levels / 2)}${"]}".repeat(levels / 2)}}`;

  test("32 deep is kept", () => expect(auditOf(parser, nested(32)).detail).toMatch(/^{"a":\[{/));

  test.each([34, 5_000, 30_000, 300_000])("%d deep is unparsed, and nothing is thrown", (levels) =>
    expect(reasonOf(parser, nested(levels))).toBe("audit-field"),
  );

  test("and cut is not looked at", () =>
    expect(auditOf(parser, nested(300_000).slice(0, 500_000), true).detail).toBeNull());

  test.each(["version", "time", "user", "other"])("as deep in %s is no harm", (field) => {
    const deep = line({ [field]: "DEEP" }).replace('"DEEP"', `${"[".repeat(300_000)}${"]".repeat(300_000)}`);
    expect(reasonOf(parser, deep)).toBe(field === "other" ? null : "audit-field");
  });
});

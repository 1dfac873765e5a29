import { describe, expect, test } from "vitest";
import { JsonAccessParser } from "../../src/parse/access-json.ts";
import { accessOf, NOW, reasonOf } from "./apache-lines.ts";

const parser = new JsonAccessParser("UTC");
const TIME = Date.UTC(2026, 10, 20, 22, 1, 30);
const NEEDED = { client: "192.0.2.7", time: "2026-11-20T22:01:30Z", status: 200 };
const line = (fields: object) => JSON.stringify({ ...NEEDED, ...fields });

test("a whole line", () => {
  const rest = {
    referer: "r",
    userAgent: "u",
    origin: "o",
    upgrade: "websocket",
    host: "h",
    vhost: "v",
    user: "alice",
    tls: "TLSv1.3",
  };
  const text = line({
    method: "GET",
    path: "/a",
    query: "b=c",
    protocol: "HTTP/1.1",
    bytes: 5,
    durationUs: 7,
    bytesIn: 1,
    bytesOut: 2,
    ...rest,
  });
  expect(accessOf(parser, text)).toMatchObject({
    ...NEEDED,
    time: TIME,
    method: "GET",
    path: "/a",
    query: "b=c",
    protocol: "HTTP/1.1",
    bytes: 5,
    durationUs: 7,
    bytesIn: 1,
    bytesOut: 2,
    ...rest,
  });
});

test("a missing key is a field that the log does not show; null and - are headers that were not sent", () => {
  const event = accessOf(parser, line({ referer: null, origin: "-", userAgent: "" }));
  expect(event).toMatchObject({
    referer: null,
    origin: null,
    userAgent: "",
    upgrade: undefined,
    user: undefined,
    bytes: undefined,
  });
  expect(event).toMatchObject({ method: "-", path: "", query: null, protocol: null });
});

test("a whole request line is split, and what the file says of its parts wins", () => {
  const request = "GET /a\\x41 b?c=\\n HTTP/1.1";
  const parts = { method: "GET", path: "/a\\x41 b", query: "c=\\n", protocol: "HTTP/1.1" };
  expect(accessOf(parser, line({ request }))).toMatchObject(parts);
  expect(accessOf(parser, line({ request, path: "/b", method: "POST" }))).toMatchObject({
    ...parts,
    method: "POST",
    path: "/b",
    query: null,
  });
  expect(accessOf(parser, line({ request: null }))).toMatchObject({ method: "-", path: "", query: null });
});

test("the file may have names of its own", () => {
  const own = new JsonAccessParser("UTC", {
    fields: { client: "remote_ip", time: "@timestamp", status: "code", userAgent: "ua" },
  });
  const text =
    '{"remote_ip":"2001:db8::7","@timestamp":"2026-11-20T22:01:30Z","code":"404","ua":"x","path":"/a"}';
  expect(accessOf(own, text)).toMatchObject({
    client: "2001:db8::7",
    time: TIME,
    status: 404,
    userAgent: "x",
    path: "/a",
  });
});

test("a name that no field has is refused", () => {
  expect(() => new JsonAccessParser("UTC", { fields: { ip: "remote_ip" } })).toThrow(
    expect.objectContaining({ code: "LOG_FORMAT_INVALID", hint: expect.stringContaining("client") }),
  );
});

describe("times", () => {
  test.each([
    ["2026-11-20T23:01:30.5+01:00", TIME + 500],
    ["2026-11-20T22:01:30", TIME],
    [TIME / 1_000, TIME],
    [TIME / 1_000 + 0.25, TIME + 250],
    [TIME + 3, TIME + 3],
    [String(TIME / 1_000), TIME],
    ["[20/Nov/2026:22:01:30 +0000]", TIME],
    ["20/Nov/2026:23:01:30 +0100", TIME],
  ])("%s", (time, expected) => expect(accessOf(parser, line({ time })).time).toBe(expected));

  test("without a zone it is in the source's", () => {
    const tokyo = new JsonAccessParser("Asia/Tokyo");
    expect(accessOf(tokyo, line({ time: "2026-11-21T07:01:30" })).time).toBe(TIME);
  });
});

test("a dash in the place of a number hides no request, and stays a dash in a text", () => {
  const text =
    '{"client":"192.0.2.7","time":"[20/Nov/2026:22:01:30 +0000]","status":304,"bytes": -,"path":"/a:-,\\":-,b","durationUs":-}';
  expect(accessOf(parser, text)).toMatchObject({ status: 304, path: '/a:-,":-,b', bytes: undefined });
});

test("a JSON line that Apache wrote with a LogFormat is read, escapes and all", () => {
  const text =
    '{"client":"192.0.2.7","time":"[20/Nov/2026:22:01:30 +0000]","status":"400","method":"GET","path":"/\\x16\\"\\\\x41\\v\\t","query":"?a=b","userAgent":"-"}';
  expect(accessOf(parser, text)).toMatchObject({
    status: 400,
    path: '/\x16"\\x41\v\t',
    query: "a=b",
    userAgent: null,
  });
});

test("an empty user name in such a line is empty", () => {
  const text =
    '{"user":"""","client":"192.0.2.7","time":"[20/Nov/2026:22:01:30 +0000]","status":"401","path":"/:\\"\\"\\"\\",","vhost":""""}';
  expect(accessOf(parser, text)).toMatchObject({ user: "", status: 401, path: '/:"""",', vhost: "" });
});

test("a query that stands in the path is found", () => {
  expect(accessOf(parser, line({ path: "/a?b?c" }))).toMatchObject({ path: "/a", query: "b?c" });
});

describe("a line that does not parse says why", () => {
  test.each([
    ["json", "hello"],
    ["json", "[1]"],
    ["format", line({ status: undefined })],
    ["format", line({ status: "-" })],
    ["format", line({ status: 99 })],
    ["format", line({ status: 200.5 })],
    ["time", line({ time: undefined })],
    ["time", line({ time: "2026-01-32T00:00:00Z" })],
    ["time", line({ time: 1e300 })],
    ["client", line({ client: undefined })],
    ["client", line({ client: "host.example" })],
    ["client", line({ client: ["192.0.2.7"] })],
  ])("%s: %s", (reason, text) => expect(reasonOf(parser, text)).toBe(reason));

  test("a cut line is truncated", () =>
    expect(reasonOf(parser, line({}).slice(0, 30), true)).toBe("truncated"));
});

describe("a line that was cut keeps what stands whole before the cut", () => {
  const head = `{"time":"2026-11-20T22:01:30Z","client":"192.0.2.7","status":403,"path":"/a\\"}, {","x":{"status":[1,2`;

  test("address, time and status, and the fields up to the last", () => {
    const event = accessOf(parser, `${head}`, true);
    expect(event).toMatchObject({
      client: "192.0.2.7",
      status: 403,
      time: TIME,
      path: '/a"}, {',
      userAgent: undefined,
    });
  });

  test("cut anywhere, it says the truth or nothing", () => {
    for (let length = 0; length < head.length; length++) {
      const event = parser.parse(head.slice(0, length), 7, NOW, true);
      if (event.kind === "unparsed") expect(event.reason).toBe("truncated");
      else expect(event).toMatchObject({ client: "192.0.2.7", status: 403, time: TIME });
    }
  });

  test("a mebibyte of a path does not hide what stands before it", () => {
    const line = `{"time":"2026-11-20T22:01:30Z","client":"192.0.2.7","status":403,"path":"/${'\\"'.repeat(1 << 19)}`;
    expect(accessOf(parser, line, true)).toMatchObject({ status: 403, path: "" });
  });
});

test.each([5_000, 30_000, 300_000])(
  "a value that is nested %d deep is no value, and nothing is thrown",
  (levels) => {
    const deep = `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const text = line({ userAgent: "DEEP" }).replace('"DEEP"', deep);
    expect(accessOf(parser, text).userAgent).toBeUndefined();
    expect(reasonOf(parser, text.slice(0, -9))).toBe("json");
  },
);

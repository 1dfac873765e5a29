import { describe, expect, test } from "vitest";
import { unixMs } from "../../src/model/time.ts";
import { createMixedParser, createParser, detectFormat } from "../../src/parse/formats.ts";
import { accessOf, corpus, errorOf, NOW, parse } from "./apache-lines.ts";

const combined = createParser("access", "combined", "UTC");
const sekisho = createParser("access", "sekisho", "UTC");
const error = createParser("error", "auto", "UTC");
const accesses = corpus("access.log").map((line) => accessOf(combined, line));
const rich = corpus("access_sekisho.log").map((line) => accessOf(sekisho, line));

describe("every line of a real Apache parses", () => {
  test.each([
    ["access.log", combined, "access", 175],
    ["access_sekisho.log", sekisho, "access", 175],
    ["error.log", error, "error", 42],
    ["error_info.log", error, "error", 115],
    ["access.log", createMixedParser("auto", "UTC"), "access", 175],
    ["access_sekisho.log", createMixedParser("auto", "UTC"), "access", 175],
    ["error_info.log", createMixedParser("auto", "UTC"), "error", 115],
  ] as const)("%s", (file, parser, kind, count) => {
    const kinds = corpus(file).map((line) => parse(parser, line).kind);
    expect(kinds).toEqual(Array(count).fill(kind));
  });
});

test("the format of a real log is found from its first lines", () => {
  expect(detectFormat(corpus("access.log").slice(0, 20))).toBe("combined");
  expect(detectFormat(corpus("access_sekisho.log").slice(0, 20))).toBe("sekisho");
  expect(detectFormat(corpus("error.log"))).toBeNull();
});

test("two formats of one run tell the same requests", () => {
  const told = (event: (typeof rich)[number]) => {
    const { client, method, path, query, protocol, status, referer, userAgent, user } = event;
    return JSON.stringify({ client, method, path, query, protocol, status, referer, userAgent, user });
  };
  expect(rich.map(told).sort()).toEqual(accesses.map(told).sort());
});

test("a first line is read in full", () => {
  expect(rich[0]).toEqual({
    kind: "access",
    time: unixMs(Date.UTC(2026, 10, 20, 22, 1, 30, 360)),
    source: 7,
    line: corpus("access_sekisho.log")[0],
    client: "203.0.113.10",
    method: "GET",
    path: "/index.html",
    query: null,
    protocol: "HTTP/1.1",
    status: 200,
    bytes: undefined,
    referer: null,
    userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    origin: null,
    upgrade: null,
    host: "site.example",
    user: null,
    vhost: "localhost",
    durationUs: 327,
    bytesIn: 151,
    bytesOut: 287,
    refused: false,
    second: false,
  });
  expect(accesses[0]).toMatchObject({ bytes: 287, origin: undefined, upgrade: undefined, host: undefined });
});

test("hostile user names come out as they were sent", () => {
  const users = rich
    .filter(({ path, status }) => path === "/admin/x" && status === 401)
    .map(({ user }) => user);
  expect(users).toContain('al ice"\\x');
  expect(users).toContain("");
  expect(users).toContain('a\n203.0.113.99 - - [x] "GET / HTTP/1.1" 401 1');
  expect(users).toContain("å±±ç\x94°");
});

test("what is no HTTP has no method, and keeps its bytes in the path", () => {
  const tls = rich.find(({ line }) => line.includes('"\\x16\\x03\\x01'))!;
  expect(tls).toMatchObject({
    client: "203.0.113.26",
    status: 400,
    method: "-",
    path: "\x16\x03\x01\x02",
    protocol: null,
  });
  const silent = rich.find(({ status, method }) => status === 408 && method === "-")!;
  expect(silent).toMatchObject({ path: "", query: null, protocol: null });
});

test("a handshake shows its Origin and how long the socket lived", () => {
  const handshakes = rich.filter(({ status }) => status === 101);
  expect(handshakes.map(({ client }) => client)).toContain("2001:db8::11");
  expect(handshakes.every(({ upgrade }) => upgrade?.toLowerCase() === "websocket")).toBe(true);
  expect(handshakes.some(({ origin }) => origin === "https://evil.example")).toBe(true);
  expect(handshakes.some(({ durationUs }) => durationUs! > 500_000)).toBe(true);
});

/** Rows whose request is plain enough to compare: `b'GET /x?y HTTP/1.1\r\n…'` and a status in the answer. */
const plainRows = corpus("manifest.tsv").flatMap((row) => {
  const [, scenario, client, answer, sent] = row.split("\t");
  const request = /^b?'([A-Z]+) (\/[^ ?\\']*)(?:\?([^ \\']*))? HTTP\/1\.1\\r/.exec(sent ?? "");
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer ?? "");
  if (request === null || status === null) return [];
  const [, method, path, query = null] = request;
  // The manifest holds the first 220 bytes, so a longer path would not be whole; these all fit.
  return [{ scenario: scenario!, client, method, path, query, status: Number(status[1]) }];
});

describe("what a client sent and was answered is what the event says", () => {
  test("the manifest has such rows", () => expect(plainRows.length).toBeGreaterThan(100));

  test.each(plainRows)("$scenario", ({ client, method, path, query, status }) => {
    for (const events of [accesses, rich]) {
      expect(events).toContainEqual(expect.objectContaining({ client, method, path, query, status }));
    }
  });
});

describe("the error log of the same run", () => {
  const errors = corpus("error.log").map((line) => errorOf(error, line));

  test("a refusal names its client and its code", () => {
    expect(errors).toContainEqual(
      expect.objectContaining({
        time: unixMs(Date.UTC(2026, 10, 20, 22, 1, 30, 363)),
        client: "203.0.113.65",
        level: "error",
        module: "authz_core",
        code: "AH01630",
        message: "client denied by server configuration: /var/www/nope",
      }),
    );
  });

  test("every refusal in the access log by Require has a line of the same client", () => {
    const refused = new Set(errors.filter(({ code }) => code === "AH01630").map(({ client }) => client));
    expect([...refused].sort()).toEqual(["198.51.100.7", "203.0.113.10", "203.0.113.65"]);
  });

  test("a system error before the client hides neither client nor code", () => {
    const named = errors.filter(
      ({ line }) => line.includes("File name too long") || line.includes("timeout specified"),
    );
    expect(named.map(({ client, code }) => [client, code])).toEqual([
      ["203.0.113.22", "AH00127"],
      ["203.0.113.32", "AH01095"],
    ]);
  });

  test("a line about a backend has no client", () => {
    const backend = errors.filter(({ code }) => code === "AH00957");
    expect(backend.map(({ client }) => client)).toEqual([null, null]);
  });

  test("a user name with a forged access line changes nothing", () => {
    const forged = errors.find(({ message }) => message.includes("203.0.113.99"))!;
    expect(forged).toMatchObject({ client: "203.0.113.10", code: "AH01618", time: expect.any(Number) });
  });
});

test("lines that were cut at any place never throw, and never give another client, time or status", () => {
  for (const [parser, file] of [
    [combined, "access.log"],
    [sekisho, "access_sekisho.log"],
  ] as const) {
    for (const line of corpus(file)) {
      const whole = accessOf(parser, line);
      for (let length = 0; length < Math.min(line.length, 400); length += 3) {
        const event = parser.parse(line.slice(0, length), 7, NOW, true);
        if (event.kind === "unparsed") expect(event.reason).toBe("truncated");
        else expect(event).toMatchObject({ client: whole.client, time: whole.time, status: whole.status });
      }
    }
  }
});

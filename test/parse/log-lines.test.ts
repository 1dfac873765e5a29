import { describe, expect, test } from "vitest";
import { accessOf, parse, reasonOf } from "./apache-lines.ts";
import { COMBINED, COMMON, parser, START, TIME } from "./log-formats.ts";

describe("request lines", () => {
  const request = (text: string) => {
    const { method, path, query, protocol } = accessOf(parser(COMMON), `${START} "${text}" 400 226`);
    return { method, path, query, protocol };
  };

  test.each([
    ["GET / HTTP/1.1", { method: "GET", path: "/", query: null, protocol: "HTTP/1.1" }],
    ["GET /?a=b?c HTTP/1.0", { method: "GET", path: "/", query: "a=b?c", protocol: "HTTP/1.0" }],
    ["GET /? HTTP/1.1", { method: "GET", path: "/", query: "", protocol: "HTTP/1.1" }],
    ["POST /a b c HTTP/1.1", { method: "POST", path: "/a b c", query: null, protocol: "HTTP/1.1" }],
    ["GET /a b?c d HTTP/1.1", { method: "GET", path: "/a b", query: "c d", protocol: "HTTP/1.1" }],
    ["GET HTTP/1.1", { method: "GET", path: "", query: null, protocol: "HTTP/1.1" }],
    ["GET  HTTP/1.1", { method: "GET", path: "", query: null, protocol: "HTTP/1.1" }],
    ["GET /small.txt", { method: "GET", path: "/small.txt", query: null, protocol: null }],
    ["GET / HTTQ/1.1", { method: "GET", path: "/ HTTQ/1.1", query: null, protocol: null }],
    ["hello there", { method: "hello", path: "there", query: null, protocol: null }],
    ["SSH-2.0-Go", { method: "SSH-2.0-Go", path: "", query: null, protocol: null }],
    [
      "\\x16\\x03\\x01 a HTTP/1.1",
      { method: "-", path: "\x16\x03\x01 a HTTP/1.1", query: null, protocol: null },
    ],
    ['GET /\\"x\\"?\\\\ HTTP/1.1', { method: "GET", path: '/"x"', query: "\\", protocol: "HTTP/1.1" }],
    ["-", { method: "-", path: "", query: null, protocol: null }],
    ["", { method: "-", path: "", query: null, protocol: null }],
  ])("%s", (text, expected) => {
    expect(request(text)).toEqual(expected);
  });

  test("a question mark behind the request is not its query", () => {
    expect(accessOf(parser(COMBINED), `${START} "GET /a HTTP/1.1" 200 5 "/b?c" "-"`)).toMatchObject({
      path: "/a",
      query: null,
    });
  });
});

describe("escapes", () => {
  test.each([
    ['\\"', '"'],
    ["\\\\", "\\"],
    ["\\\\x41", "\\x41"],
    ["\\x41", "A"],
    ["\\xe5\\xb1\\xb1", "å±±"],
    ["\\n\\t\\r\\v\\b", "\n\t\r\v\b"],
    ["a\\", "a\\"],
    ["\\q\\x4", "\\q\\x4"],
  ])("%s is %j", (written, sent) => {
    const line = `${START} "GET / HTTP/1.1" 200 5 "${written}x" "-"`;
    expect(accessOf(parser(COMBINED), line).referer).toBe(`${sent}x`);
  });
});

describe("what a client writes cannot move a column", () => {
  const forgery = 'x [01/Jan/2020:00:00:00 +0000] \\"GET /forged HTTP/1.1\\" 200 1 \\"-\\" \\"-\\"';
  const rest = '"GET /real HTTP/1.1" 401 7 "-" "real"';

  test("a forged line in the user name", () => {
    const line = `192.0.2.7 - ${forgery} [20/Nov/2026:22:01:30 +0000] ${rest}`;
    const expected = { client: "192.0.2.7", time: TIME, status: 401, path: "/real", userAgent: "real" };
    expect(accessOf(parser(COMBINED), line)).toMatchObject({
      ...expected,
      user: forgery.replaceAll("\\", ""),
    });
  });

  test("a forged address before the user name", () => {
    const line = `192.0.2.7 - 9.9.9.9 - - [20/Nov/2026:22:01:30 +0000] ${rest}`;
    expect(accessOf(parser(COMBINED), line)).toMatchObject({ client: "192.0.2.7", user: "9.9.9.9 - -" });
  });

  test.each([
    ["a user name with spaces", "a b  c", "a b  c"],
    ["an empty user name", '""', ""],
    ["a user name of two quotes", '\\"\\"', '""'],
    ["a user name that ends in a backslash", "a\\\\", "a\\"],
    ["a user name that is a quote", '\\"', '"'],
    ["a user name of a space", " ", " "],
  ])("%s", (_, written, user) => {
    const line = `192.0.2.7 - ${written} [20/Nov/2026:22:01:30 +0000] ${rest}`;
    expect(accessOf(parser(COMBINED), line)).toMatchObject({
      user,
      status: 401,
      time: TIME,
      client: "192.0.2.7",
    });
  });

  test.each([
    ['%h %l %u %t "%r" %>s %b', "fe80::1%v0"],
    ['%a:%{remote}p %l %u %t "%r" %>s %b', "fe80::1%v0:44092"],
  ])("a link-local client is its address, without the interface: %s", (format, client) => {
    const line = `${client} - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 403 239`;
    expect(accessOf(parser(format), line)).toMatchObject({ client: "fe80::1", status: 403 });
  });

  test("an empty user name in quotes", () => {
    const quoted = parser('%a %t "%u" %>s "%{Referer}i"');
    expect(accessOf(quoted, '192.0.2.7 [20/Nov/2026:22:01:30 +0000] """" 401 "x"')).toMatchObject({
      user: "",
      status: 401,
      referer: "x",
    });
  });

  test("a forged line in a quoted header", () => {
    const line = `${START} "GET /real HTTP/1.1" 404 7 "${forgery}" "\\\\\\" 200"`;
    expect(accessOf(parser(COMBINED), line)).toMatchObject({
      status: 404,
      path: "/real",
      userAgent: '\\" 200',
    });
  });

  test("between tabs, which Apache escapes in values, each value is told, whatever spaces it has", () => {
    const ltsv = parser(
      "host:%h\\tuser:%u\\ttime:%t\\treq:%r\\tstatus:%>s\\tref:%{Referer}i\\tua:%{User-Agent}i",
    );
    const request = "req:GET /a b HTTP/1.1\tstatus:404";
    const time = "time:[20/Nov/2026:22:01:30 +0000]";
    for (const user of ["a b", '""', "x\\tstatus:200"]) {
      const line = `host:192.0.2.7\tuser:${user}\t${time}\t${request}\tref:\\"a b\tua:Mozilla/5.0 (X11)`;
      expect(accessOf(ltsv, line)).toMatchObject({
        client: "192.0.2.7",
        time: TIME,
        status: 404,
        path: "/a b",
        user: user === '""' ? "" : user.replace("\\t", "\t"),
        referer: '"a b',
        userAgent: "Mozilla/5.0 (X11)",
      });
    }
    expect(reasonOf(ltsv, `host:192.0.2.7\tuser:-\tx\t${time}\t${request}\tref:-\tua:-`)).toBe("format");
  });

  test("a tab within a time is no border", () => {
    const within = parser("%{%F%t%T}t\\t%a %u %>s");
    const line = "2026-11-20\t22:01:30\t192.0.2.7 a b 404";
    expect(accessOf(within, line)).toMatchObject({ time: TIME, status: 404, user: "a b" });
  });

  test("two loose values outside quotes hide only themselves", () => {
    const two = parser('%a %t %>s %u %{X}i "%{Referer}i" %D');
    expect(accessOf(two, '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 401 a 200 b "r" 12')).toMatchObject({
      status: 401,
      user: undefined,
      referer: "r",
      durationUs: 12,
    });
    expect(accessOf(two, '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 401 a b "r" 12')).toMatchObject({
      user: "a",
    });
  });

  test("a status between two loose values is never guessed", () => {
    const between = parser("%a %t %{X}i %>s %{Y}i");
    expect(accessOf(between, "192.0.2.7 [20/Nov/2026:22:01:30 +0000] a 404 b").status).toBe(404);
    expect(reasonOf(between, "192.0.2.7 [20/Nov/2026:22:01:30 +0000] a 200 b 404 c")).toBe("format");
  });

  test("values that touch are not told apart, and hide nothing else", () => {
    const touching = parser('%a %t %>s "%{Host}i%U%q" "%{Referer}i"');
    expect(
      accessOf(touching, '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 "site.example/a?b" "r"'),
    ).toMatchObject({
      host: undefined,
      path: "",
      referer: "r",
    });
  });
});

describe("a line that does not parse says why", () => {
  test.each([
    ["format", ""],
    ["format", "hello"],
    ["format", `${START} "GET / HTTP/1.1" 200 5 "-" "-" more`],
    ["format", `${START} "GET / HTTP/1.1" 200 5 "-"`],
    ["format", `${START} "GET / HTTP/1.1" - 5 "-" "-"`],
    ["format", `${START} "GET / HTTP/1.1" 20x 5 "-" "-"`],
    ["format", `${START} "GET / HTTP/1.1" 2000 5 "-" "-"`],
    ["format", `${START} "GET / HTTP/1.1" 200 5.5 "-" "-"`],
    ["format", `9.9.9.9 - ""x - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`],
    ["format", `192.0.2.7 - a"b [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`],
    ["format", `192.0.2.7 a"b - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`],
    ["client", `host.example - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`],
    ["client", `192.0.2.007 - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`],
  ])("%s: %s", (reason, line) => {
    expect(reasonOf(parser(COMBINED), line)).toBe(reason);
  });

  test("an unparsed line keeps its bytes and has the time at which it was read", () => {
    const event = parse(parser(COMBINED), "hello");
    expect(event).toEqual({
      kind: "unparsed",
      time: Date.UTC(2026, 10, 21),
      source: 7,
      line: "hello",
      reason: "format",
    });
  });

  test("a cut line is an event when the client, the time and the status stand before the cut", () => {
    const line = `${START} "GET /a HTTP/1.1" 200 5 "${"x".repeat(100)}`;
    const event = accessOf(parser(COMBINED), line, true);
    expect(event).toMatchObject({
      client: "192.0.2.7",
      status: 200,
      path: "/a",
      bytes: 5,
      referer: undefined,
    });
    expect(reasonOf(parser(COMBINED), `${START} "GET /${"x".repeat(100)}`, true)).toBe("truncated");
    expect(reasonOf(parser(COMBINED), `${START} "GET / HTTP/1.1" 20`, true)).toBe("truncated");
  });

  test("a line of a mebibyte of quotes and backslashes takes linear time", () => {
    const hostile = `${START} "${'\\\\\\"'.repeat(1 << 18)}" 200 5 "-" "-`;
    // One look at the rest of it for each of its parts would not end.
    expect(reasonOf(parser(COMBINED), hostile)).toBe("format");
    expect(accessOf(parser(COMBINED), `${hostile}"`).status).toBe(200);
  });
});

describe("a line that was cut keeps client, time and status wherever they stand before the cut", () => {
  const long = "x".repeat(1 << 20);
  test.each([
    ['%a %t %>s "%r"', `192.0.2.7 [20/Nov/2026:22:01:30 +0000] 404 "GET /${long}`],
    ['%a %u %t %>s "%r"', `192.0.2.7 a b c [20/Nov/2026:22:01:30 +0000] 404 "GET /${long}`],
    ['%a %u %t %>s "%r"', `192.0.2.7 "" [20/Nov/2026:22:01:30 +0000] 404 "GET /${long}`],
    [COMBINED, `192.0.2.7 - "" [20/Nov/2026:22:01:30 +0000] "GET /" 404 5 "${long}`],
    [COMBINED, `192.0.2.7 - - [20/Nov/2026:22:01:30 +0000] "GET / \\"HTTP/1.1" 404 5 "-" "\\"${long}`],
    ["%a %t %>s %U", `192.0.2.7 [20/Nov/2026:22:01:30 +0000] 404 /${long}`],
    ["%a\\t%>s\\t%{sec}t\\t%U", `192.0.2.7\t404\t${TIME / 1_000}\t/${long}`],
    [
      '"%r" "%{Referer}i" %>s %a %t "%{User-Agent}i"',
      `"GET / HTTP/1.1" "-" 404 192.0.2.7 [20/Nov/2026:22:01:30 +0000] "${long}`,
    ],
  ])("%s", (format, line) => {
    expect(accessOf(parser(format), line, true)).toMatchObject({
      client: "192.0.2.7",
      status: 404,
      time: TIME,
    });
  });
});

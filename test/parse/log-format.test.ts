import { describe, expect, test } from "vitest";
import { SekishoError } from "../../src/model/errors.ts";
import { AccessLogParser } from "../../src/parse/access-log.ts";
import { SEKISHO_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { accessOf, parse, reasonOf } from "./apache-lines.ts";

const TIME = Date.UTC(2026, 10, 20, 22, 1, 30);
const COMMON = '%h %l %u %t "%r" %>s %b';
const COMBINED = `${COMMON} "%{Referer}i" "%{User-Agent}i"`;
const START = "192.0.2.7 - - [20/Nov/2026:22:01:30 +0000]";
const parser = (format: string, timezone: string | null = "UTC") => new AccessLogParser(format, timezone);

describe("a format's directives become the event's fields", () => {
  test.each([
    [
      "escaped quotes, as in Apache's configuration",
      '%h %t \\"%r\\" %>s',
      `192.0.2.7 [20/Nov/2026:22:01:30 +0000] "GET /a HTTP/1.1" 200`,
      { method: "GET", path: "/a" },
    ],
    [
      "tabs",
      "%a\\t%t\\t%>s\\t%U",
      "192.0.2.7\t[20/Nov/2026:22:01:30 +0000]\t200\t/a b",
      { path: "/a b", method: "-" },
    ],
    ["a percent sign", "%a 100%% %t %>s", "192.0.2.7 100% [20/Nov/2026:22:01:30 +0000] 200", {}],
    ["%a over %h", "%h %a %t %>s", "proxy.example 192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200", {}],
    ["%>s over %s", "%a %s %t %>s", "192.0.2.7 301 [20/Nov/2026:22:01:30 +0000] 200", {}],
    [
      "the peer beside the client",
      "%{c}a %a %t %s",
      "198.51.100.1 192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200",
      {},
    ],
    ["the client's port", "%a:%{remote}p %t %>s", "192.0.2.7:4711 [20/Nov/2026:22:01:30 +0000] 200", {}],
    [
      "parts of the request",
      '%a %t %>s "%m %U%q %H"',
      '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 "GET /a b?c=d?e HTTP/1.1"',
      { method: "GET", path: "/a b", query: "c=d?e", protocol: "HTTP/1.1" },
    ],
    [
      "parts of the request in columns",
      '%a %t %>s %m %H "%q" "%U"',
      '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 GET HTTP/2.0 "?c=d" "/a?b"',
      { method: "GET", path: "/a?b", query: "c=d", protocol: "HTTP/2.0" },
    ],
    [
      "no query",
      '%a %t %>s "%U" "%q"',
      '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 "/a" ""',
      { path: "/a", query: null },
    ],
    [
      "microseconds",
      "%a %t %>s %D",
      "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 1500",
      { durationUs: 1_500 },
    ],
    ["seconds", "%a %t %>s %T", "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 2", { durationUs: 2_000_000 }],
    [
      "milliseconds over seconds",
      "%a %t %>s %T %{ms}T",
      "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 2 2345",
      { durationUs: 2_345_000 },
    ],
    [
      "a clock that was set back",
      "%a %t %>s %D",
      "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 -15",
      { durationUs: 0 },
    ],
    ["no bytes", "%a %t %>s %b", "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 -", { bytes: 0 }],
    [
      "bytes in and out",
      "%a %t %>s %B %I %O",
      "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 1 2 3",
      { bytes: 1, bytesIn: 2, bytesOut: 3 },
    ],
    [
      "the version of TLS",
      '%a %t %>s %{SSL_PROTOCOL}x "%u"',
      '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 TLSv1.3 "a b"',
      { tls: "TLSv1.3", user: "a b" },
    ],
    ["no TLS", "%a %t %>s %{SSL_PROTOCOL}x", "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 -", { tls: null }],
    [
      "a header name in any case",
      '%a %t %>s "%{ORIGIN}i"',
      '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 "null"',
      { origin: "null" },
    ],
    [
      "the canonical vhost over the client's",
      "%V %v %a %t %>s",
      "evil.example site.example 192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200",
      { vhost: "site.example" },
    ],
    [
      "what no field holds",
      "%a %t %>s %{X}C %{X}e %f %k %L %l %{X}n %{X}o %P %{tid}P %R %X %S %{SSL_CIPHER}x %{X}^ti %^FB %A %{local}p",
      "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 - - /a 0 - - - - 1 2 - + 9 - - - 198.51.100.1 80",
      {},
    ],
    [
      "an IPv6 client with its port",
      "%a:%{remote}p %t %>s",
      "2001:db8::7:4711 [20/Nov/2026:22:01:30 +0000] 200",
      { client: "2001:db8::7" },
    ],
    ["an IPv4-mapped client", "%a %t %>s", "::ffff:192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200", {}],
    [
      "separators other than spaces",
      "%a|%t|%>s|%u|%v",
      "192.0.2.7|[20/Nov/2026:22:01:30 +0000]|200|a|200|b|site.example",
      { user: "a|200|b", vhost: "site.example" },
    ],
  ])("%s", (_, format, line, expected) => {
    expect(accessOf(parser(format), line)).toMatchObject({
      client: "192.0.2.7",
      status: 200,
      time: TIME,
      ...expected,
    });
  });

  test("a field that the format lacks is undefined, a header that was not sent is null, an empty one is empty", () => {
    const event = accessOf(parser(COMBINED), `${START} "GET / HTTP/1.1" 200 5 "-" ""`);
    expect(event).toMatchObject({
      referer: null,
      userAgent: "",
      user: null,
      origin: undefined,
      upgrade: undefined,
    });
    expect(event).toMatchObject({
      host: undefined,
      vhost: undefined,
      durationUs: undefined,
      bytesOut: undefined,
      tls: undefined,
    });
  });

  test("a header that is logged for some statuses only is never taken for one that was not sent", () => {
    const conditional = parser('%a %t %>s "%400,501{User-agent}i" "%!200{Referer}i"');
    const event = accessOf(conditional, '192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 "-" "-"');
    expect(event).toMatchObject({ userAgent: undefined, referer: undefined });
  });

  test("all events have the same keys in the same order", () => {
    const keys = [
      accessOf(parser(COMBINED), `${START} "GET /?a HTTP/1.1" 200 5 "-" "-"`),
      accessOf(parser(COMMON), `${START} "-" 408 -`),
      accessOf(parser("%a %t %>s %U"), "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200 /"),
    ].map((event) => Object.keys(event).join());
    expect(new Set(keys).size).toBe(1);
  });
});

describe("what is logged for some statuses only", () => {
  const read = (format: string, line: string) =>
    accessOf(parser(`%a %t ${format}`), `192.0.2.7 [20/Nov/2026:22:01:30 +0000] ${line}`);

  test.each([
    ['%>s "%400,501{Referer}i"', '200 "-"', { referer: undefined }],
    ['%>s "%!200,304{Referer}i"', '200 "-"', { referer: undefined }],
    ['%>s "%!200,304{Referer}i"', '404 "x"', { referer: "x" }],
    ['%>s "%404{Referer}i" "%{Referer}i"', '200 "-" "x"', { referer: "x" }],
    ["%>s %200b", "404 -", { bytes: undefined }],
    ["%>s %b", "404 -", { bytes: 0 }],
    ["%>s %404D", "200 -", { durationUs: undefined }],
    ["%>s %!404v", "404 -", { vhost: undefined }],
    ["%200>s %s", "- 404", { status: 404 }],
    ["%404s %>s", "- 200", { status: 200 }],
    ["%<s %>s", "301 200", { status: 200 }],
    ["%>s %<s", "200 301", { status: 200 }],
    ["%>s %401u", "200 -", { user: undefined }],
  ])("%s reads %s", (format, line, expected) => {
    const event = read(format, line);
    for (const [field, value] of Object.entries(expected))
      expect(event[field as keyof typeof event]).toBe(value);
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

describe("times", () => {
  const at = (format: string, text: string, timezone = "UTC") =>
    accessOf(parser(`%a ${format} %>s "%r"`, timezone), `192.0.2.7 ${text} 200 "GET / HTTP/1.1"`).time;

  test.each([
    ["%t", "[20/Nov/2026:22:01:30 +0000]", TIME],
    ["%t", "[21/Nov/2026:00:01:30 +0200]", TIME],
    ["%t", "[20/Nov/2026:16:31:30 -0530]", TIME],
    ["%{begin:%d/%b/%Y %T %z}t", "20/Nov/2026 22:01:30 +0000", TIME],
    ["%{end:sec}t", String(TIME / 1_000), TIME],
    ["%{sec}t.%{msec_frac}t", `${TIME / 1_000}.042`, TIME + 42],
    ["%{msec}t", String(TIME + 7), TIME + 7],
    ["%{usec}t", String((TIME + 7) * 1_000 + 999), TIME + 7],
    ["%{%Y-%m-%dT%H:%M:%S}t.%{usec_frac}t%{%z}t", "2026-11-20T22:01:30.122835+0000", TIME + 122],
    ["[%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t]", "[20/Nov/2026:22:01:30.122 +0000]", TIME + 122],
    ["%{%F %T}t", "2026-11-20 22:01:30", TIME],
    ["%{%c}t", "Fri Nov 20 22:01:30 2026", TIME],
    ["%{%e %B %y, %I:%M:%S %p}t", "20 November 26, 10:01:30 PM", TIME],
    ["%{%A %d.%m.%Y %R %Z}t", "Friday 20.11.2026 22:01 UTC", TIME - 30_000],
    ["%{%S %F %H:%M}t", "30 2026-11-20 22:01", TIME],
  ])("%s reads %s", (format, text, expected) => {
    expect(at(format, text)).toBe(expected);
  });

  test("a time without a zone is in the source's zone, with its daylight saving", () => {
    expect(at("%{%F %T}t", "2026-11-20 23:01:30", "Europe/Berlin")).toBe(TIME);
    expect(at("%{%F %T}t", "2026-07-01 12:00:00", "Europe/Berlin")).toBe(Date.UTC(2026, 6, 1, 10));
  });

  test("a date that stands between seconds and fraction is read on every line", () => {
    const one = parser("%a %{%S %F %H:%M}t.%{msec_frac}t %>s");
    const read = (text: string) => accessOf(one, `192.0.2.7 ${text} 200`).time - TIME;
    expect(read("30 2026-11-20 22:01.000")).toBe(0);
    expect(read("30 2026-11-21 22:01.007")).toBe(86_400_007);
  });

  test("a time that follows another of the same minute, hour, day or year is its own", () => {
    const one = parser("%a %{%Y-%m-%d %H:%M:%S}t.%{usec_frac}t %>s");
    const read = (text: string) => accessOf(one, `192.0.2.7 ${text} 200`).time - TIME;
    expect(read("2026-11-20 22:01:30.000000")).toBe(0);
    expect(read("2026-11-20 22:01:31.500999")).toBe(1_500);
    expect(read("2026-11-20 22:01:29.000000")).toBe(-1_000);
    expect(read("2026-11-20 22:02:30.000000")).toBe(60_000);
    expect(read("2026-11-21 22:01:30.000000")).toBe(86_400_000);
    expect(read("2026-11-20 22:01:30.000000")).toBe(0);
  });

  test.each([
    "32/Jan/2026:00:00:00 +0000",
    "29/Feb/2026:00:00:00 +0000",
    "20/Nov/2026:24:00:00 +0000",
    "20/Nov/2026:22:61:00 +0000",
    "20/Foo/2026:22:01:30 +0000",
    "00/Nov/2026:22:01:30 +0000",
    "20/Nov/2026:22:01:61 +0000",
  ])("%s is no time", (text) => {
    const combined = parser(COMBINED);
    accessOf(combined, `${START} "GET / HTTP/1.1" 200 5 "-" "-"`);
    expect(reasonOf(combined, `192.0.2.7 - - [${text}] "GET / HTTP/1.1" 200 5 "-" "-"`)).toBe("time");
  });

  test("29 February of a leap year is one", () => {
    expect(at("%t", "[29/Feb/2028:00:00:00 +0000]")).toBe(Date.UTC(2028, 1, 29));
  });
});

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
    const started = performance.now();
    expect(reasonOf(parser(COMBINED), hostile)).toBe("format");
    expect(accessOf(parser(COMBINED), `${hostile}"`).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe("a format that cannot be used is refused with its place and what to write", () => {
  test.each([
    ["%h %l %u %t %z %>s", /position 13: %z is not one of Apache's directives/, /%%/],
    ["%t %>s", /does not show the client's address/, /add %a/],
    ["%{c}a %t %>s", /does not show the client's address/, /%a/],
    ["%{X-Forwarded-For}i %t %>s", /does not show the client's address/, /forged/],
    ["%a %>s", /does not show the whole time/, /%t/],
    ["%a %{%H:%M:%S}t %>s", /does not show the whole time/, /%t/],
    ["%a %t %D", /does not show the status/, /%>s/],
    ["%a%>s %t", /does not show the client's address/, /space or a quote/],
    ["%a %{%Q}t %>s", /position 4: %Q in %\{%Q\}t is not understood/, /%Y/],
    ["%a %t %{Referer", /position 8: \{ is never closed/, /\}/],
    ["%a %t %>s %{fortnights}T", /position 11/, /mod_log_config/],
    ["%a %t %>s\\n%U", /position 10: \\n writes several lines/, /one line/],
    ["%a %t %>s \\x", /position 11: a backslash/, /no other backslash/],
    ["%a %t %>s %", /position 11/, /%%/],
  ])("%s", (format, message, hint) => {
    let refusal: unknown;
    try {
      parser(format);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(SekishoError);
    expect(refusal).toMatchObject({ code: "LOG_FORMAT_INVALID", message: expect.stringMatching(message) });
    expect((refusal as SekishoError).hint).toMatch(hint);
  });
});

test("Sekisho's own format reads a real handshake", () => {
  const line =
    '2026-11-20T22:01:38.122835+0000 203.0.113.29 198.51.100.1 101 700860 318 166 - - 80 localhost "GET /ws/room?id=1 HTTP/1.1" "site.example" "https://site.example" "websocket" "chat.v1" "-" "Mozilla/5.0" "-"';
  expect(accessOf(parser(SEKISHO_LOG_FORMAT), line)).toMatchObject({
    client: "203.0.113.29",
    time: Date.UTC(2026, 10, 20, 22, 1, 38, 122),
    status: 101,
    path: "/ws/room",
    query: "id=1",
    host: "site.example",
    origin: "https://site.example",
    upgrade: "websocket",
    referer: null,
    userAgent: "Mozilla/5.0",
    user: null,
    vhost: "localhost",
    durationUs: 700_860,
    bytesIn: 318,
    bytesOut: 166,
    bytes: undefined,
  });
});

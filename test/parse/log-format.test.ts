import { describe, expect, test } from "vitest";
import { SEKISHO_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { accessOf } from "./apache-lines.ts";
import { COMBINED, COMMON, expectRefusal, parser, START, TIME } from "./log-formats.ts";

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
    [
      "a time with colons behind the client",
      "%a::%{%d/%b/%Y:%T%z}t %>s",
      "::7::20/Nov/2026:22:01:30+0000 200",
      { client: "::7" },
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
    expectRefusal(() => parser(format), message, hint);
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

import { describe, expect, test } from "vitest";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { createMixedParser, createParser } from "../../src/parse/formats.ts";
import { errorOf, NOW, parse, reasonOf } from "./apache-lines.ts";
import { expectRefusal } from "./log-formats.ts";

const TIME = Date.UTC(2026, 10, 20, 22, 1, 29);
const parser = (format: string) => createParser("error", format, "UTC");

describe("an ErrorLogFormat", () => {
  const DOCUMENTED = "[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\\ %a] %M% ,\\ referer\\ %{Referer}i";
  const HEAD = "[Fri Nov 20 22:01:29.000000 2026] [core:error] [pid 1:tid 2]";
  test.each([
    [
      "all fields",
      `${HEAD} core.c(1): (13)Denied: [client ::1:4711] AH00035: x`,
      { client: "::1", code: "AH00035", message: "x" },
    ],
    [
      "no source file",
      `${HEAD} (13)Denied: [client ::1:4711] AH00035: x`,
      { client: "::1", code: "AH00035" },
    ],
    ["no system error", `${HEAD} [client ::1:4711] AH00035: x`, { client: "::1", code: "AH00035" }],
    ["no client", `${HEAD} AH00035: x`, { client: null, code: "AH00035" }],
    ["no thread, which Apache leaves out with the bracket", `${HEAD.replace(" 2]", "")} x`, { client: null }],
    ["a module without a name", `${HEAD.replace("core:", "-:")} x`, { module: null, message: "x" }],
    [
      "a client that was forged in the message",
      `${HEAD} [client ::1:1] x [client 9.9.9.9:1] AH01630: y`,
      { client: "::1", code: null },
    ],
    ["a port of 0, as mod_remoteip has it", `${HEAD} [client 192.0.2.7:0] x`, { client: "192.0.2.7" }],
    ["an address that is none", `${HEAD} [client 999.1.1.1:0] x`, { client: null }],
  ])("%s", (_, line, expected) => {
    expect(errorOf(parser(DOCUMENTED), line)).toMatchObject({
      kind: "error",
      time: TIME,
      level: "error",
      ...expected,
    });
  });

  test.each([
    ["%t %a %M", "Fri Nov 20 22:01:29 2026 192.0.2.7:1 x", { level: "", client: "192.0.2.7" }],
    ["%{cuz}t|%l|%a|\\ %M", "2026-11-20 22:01:29.000000 +0000|warn|192.0.2.7:1| x", { level: "warn" }],
    ["100%% [%t] %M", "100% [Fri Nov 20 22:01:29 2026] AH00035: x", { code: "AH00035", client: null }],
    [
      "[%t] [%{c}a %a] %M",
      "[Fri Nov 20 22:01:29 2026] [198.51.100.1:1 192.0.2.7:1] x",
      { client: "192.0.2.7" },
    ],
    [
      "[%t] [%L] [%{c}L] %M",
      "[Fri Nov 20 22:01:29 2026] [aaaaaaaaaaa/+@-_] [b] x",
      { requestId: "aaaaaaaaaaa/+@-_" },
    ],
    ["[%t] [%L] [%{c}L] %M", "[Fri Nov 20 22:01:29 2026] x", { requestId: null, message: "x" }],
    ["[%t] [%{UNIQUE_ID}e] %M", "[Fri Nov 20 22:01:29 2026] [aaaa] x", { requestId: "aaaa" }],
    [
      "[%t] [%V] [client %a] %M",
      "[Fri Nov 20 22:01:29 2026] [[::1]] [client 192.0.2.7:1] x",
      { client: "192.0.2.7" },
    ],
    [
      "[%t] [%l] [client %a] [%{User-Agent}i] %M",
      "[Fri Nov 20 22:01:29 2026] [error] [client 192.0.2.7:1] [x] AH01630: y",
      { client: "192.0.2.7", code: null },
    ],
    [
      "[%t] [%l] [client\\ %a] %M%{Referer}i",
      "[Fri Nov 20 22:01:29 2026] [error] x",
      { client: null, message: "x" },
    ],
  ])("%s reads %s", (format, line, expected) => {
    expect(errorOf(parser(format), line)).toMatchObject({ time: TIME, ...expected });
  });

  test("is named as it was written", () => {
    expect(parser(DOCUMENTED).format).toBe(DOCUMENTED);
  });

  test("only its own lines are read", () => {
    const own = parser("[%{cu}t] [%-m:%-l] %-a %-L %M");
    expect(reasonOf(own, `${HEAD} x`)).toBe("format");
    expect(reasonOf(own, "[2026-11-31 22:01:29.000000] [core:error] - - x")).toBe("time");
    expect(reasonOf(own, "[2026-11-20 22:01:29.0", true)).toBe("truncated");
  });

  test("in a mixed log it is told from an access log's format", () => {
    const mixed = createMixedParser("[%{cu}t] [%-m:%-l] %-a %-L %M", "UTC");
    const line = "[2026-11-20 22:01:29.000000] [core:error] 192.0.2.7:1 - AH00126: x";
    expect(parse(mixed, line)).toMatchObject({ kind: "error", client: "192.0.2.7", code: "AH00126" });
    expect(parse(mixed, '192.0.2.7 - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5').kind).toBe(
      "access",
    );
  });

  test("many fields that may be missing cost no more than they are many: to try each with all others would never end", () => {
    const format = `[%t]${"% %k".repeat(60)} [client %a] %M`;
    const line = `[Fri Nov 20 22:01:29 2026]${"1".repeat(600)} x`;
    expect(reasonOf(parser(format), line)).toBe("format");
  });
});

describe("an ErrorLogFormat that cannot be used is refused with what to write", () => {
  test.each([
    ["[%t] [%l] [client %a]", /does not show the message/, /%M/],
    ["[%l] [client %a] %M", /does not show the time/, /\[%t\]/],
    ["[%l] %M [%t]", /does not show the time/, /before %M/],
    ["[%t] %M [client %a]", /does not show the client where it can be told/, /before %M/],
    ["[%t] [%{Referer}i] [client %a] %M", /the client where it can be told/, /before %\{Referer\}i/],
    ["[%t]\\ [client\\ %a]\\ %{Referer}i %M", /the time/, /a space between/],
    ["[%t] %r %M", /position 6: %r is not one of ErrorLogFormat's directives/, /auto/],
    ["[%t] %{x %M", /position 6/, /auto/],
    ["error", /'error' is no error log format/, /auto/],
    ["combined", /'combined' is no error log format/, /auto/],
  ])("%s", (format, message, hint) => {
    expectRefusal(() => parser(format), message, hint);
  });
});

describe("a message of several lines", () => {
  const FIRST =
    "[Fri Nov 20 22:01:29.244023 2026] [proxy_fcgi:error] [pid 1:tid 2] [client 192.0.2.7:1] AH01071: Got error 'PHP";
  const TRACE = [
    "Stack trace:",
    "#0 /var/www/x.php(3): f('a')",
    "#1 {main}",
    "",
    "  thrown in /var/www/x.php on line 3",
    "    [0] => x",
  ];
  const reasons = (lines: readonly string[]) => {
    const own = new ErrorLogParser("UTC");
    return lines.map((line) => reasonOf(own, line));
  };

  test("is its first line; the others are told from lines of an unknown format", () => {
    expect(reasons([FIRST, ...TRACE, FIRST])).toEqual([null, ...TRACE.map(() => "continuation"), null]);
  });

  test("has to begin somewhere", () => expect(reasons(TRACE)).toEqual(TRACE.map(() => "format")));

  test("ends where a line in another format begins", () => {
    const other = "[2026-11-20 22:01:29] another program's";
    expect(reasons([FIRST, TRACE[0]!, other, TRACE[0]!])).toEqual([null, "continuation", "format", "format"]);
  });

  test("cannot bring a client with it", () => {
    const own = new ErrorLogParser("UTC");
    own.parse(FIRST, 7, NOW);
    expect(reasonOf(own, " [client 9.9.9.9:1] AH01630: x")).toBe("continuation");
  });
});

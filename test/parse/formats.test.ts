import { describe, expect, test } from "vitest";
import { fitnessOf } from "../../src/parse/format-fields.ts";
import { createMixedParser, createParser, detectFormat } from "../../src/parse/formats.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { corpus, parse } from "./apache-lines.ts";

const COMBINED = '192.0.2.7 - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5 "-" "-"';
const COMMON = '192.0.2.7 - - [20/Nov/2026:22:01:30 +0000] "GET / HTTP/1.1" 200 5';
const JSON_LINE = '{"client":"192.0.2.7","time":"2026-11-20T22:01:30Z","status":200}';
const sekisho = (tls: string, user = "-") =>
  `2026-11-20T22:01:30.000000+0000 192.0.2.7 192.0.2.7 101 700860 318 166 - - 443${tls} site.example "GET /ws HTTP/1.1" "site.example" "-" "websocket" "-" "-" "-" "${user}"`;
const ERROR = "[Fri Nov 20 22:01:29.244023 2026] [core:error] [pid 1:tid 2] [client 192.0.2.7:1] AH00126: x";
const AUDIT = '{"time":"2026-11-20T12:00:00Z","event":"ws.open","client":"192.0.2.7"}';

describe("createParser", () => {
  test("a parser knows what it is called", () => {
    expect(createParser("access", "combined", null)).toMatchObject({ kind: "access", format: "combined" });
    expect(createParser("access", "%a %t %>s", null)).toMatchObject({ kind: "access", format: "%a %t %>s" });
    expect(createParser("error", "auto", null)).toMatchObject({ kind: "error", format: "error" });
    expect(createParser("audit", "auto", null)).toMatchObject({ kind: "audit", format: "audit" });
  });

  test.each(["combind", "auto", "toString", ""])(
    "the name %j is refused, and the names that there are are told",
    (name) => {
      const refusal = expect.objectContaining({
        code: "LOG_FORMAT_INVALID",
        hint: expect.stringContaining("vhost_combined"),
      });
      expect(() => createParser("access", name, null)).toThrow(refusal);
    },
  );

  test("a line of vhost_combined names its vhost", () => {
    const event = parse(createParser("access", "vhost_combined", null), `site.example:443 ${COMBINED}`);
    expect(event).toMatchObject({ kind: "access", vhost: "site.example", client: "192.0.2.7", bytes: 5 });
  });
});

describe("Sekisho's own format", () => {
  test("with and without the version of TLS is one name, and both are read in one log", () => {
    const parser = createParser("access", "sekisho", null);
    const lines = [sekisho(""), sekisho(" TLSv1.2"), sekisho(" -"), sekisho(""), sekisho(" TLSv1.3")];
    const events = lines.map((line) => parse(parser, line));
    expect(events.map((event) => event.kind === "access" && event.tls)).toEqual([
      undefined,
      "TLSv1.2",
      null,
      undefined,
      "TLSv1.3",
    ]);
    expect(new Set(events.map((event) => event.kind === "access" && event.vhost))).toEqual(
      new Set(["site.example"]),
    );
    expect(parser.format).toBe("sekisho");
    expect([SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT].map(fitnessOf)).toEqual([
      expect.objectContaining({ format: "sekisho", handshakes: true }),
      expect.objectContaining({ format: "sekisho", handshakes: true }),
    ]);
  });

  test("a user name cannot put in a version of TLS", () => {
    const user = '- - TLSv1 x \\"GET / HTTP/1.1\\"';
    expect(parse(createParser("access", "sekisho", null), sekisho("", user))).toMatchObject({
      tls: undefined,
    });
    expect(parse(createParser("access", "sekisho", null), sekisho(" -", user))).toMatchObject({ tls: null });
  });

  test("a line that is of neither is unparsed, and so is one without a client or with no time", () => {
    const parser = createParser("access", "sekisho", null);
    const reason = (line: string) => {
      const event = parse(parser, line);
      return event.kind === "unparsed" && event.reason;
    };
    expect(reason(COMBINED)).toBe("format");
    expect(reason(sekisho(" TLSv1.2 x"))).toBe("format");
    expect(reason(sekisho(" TLSv1.2").replace("11-20", "13-20"))).toBe("time");
    expect(reason(sekisho(" TLSv1.2").replace("192.0.2.7", "host.example"))).toBe("client");
  });
});

describe("detectFormat", () => {
  test.each([
    ["combined", [COMBINED]],
    ["common", [COMMON]],
    ["vhost_combined", [`site.example:80 ${COMBINED}`]],
    ["sekisho", [sekisho("")]],
    ["sekisho", [sekisho(" -"), sekisho(" TLSv1.3")]],
    ["json", [JSON_LINE]],
    ["combined", [COMBINED, "torn", COMBINED]],
    [null, [COMBINED, "torn"]],
    [null, []],
    [null, [ERROR]],
    [null, [AUDIT]],
  ])("%s", (format, lines) => expect(detectFormat(lines)).toBe(format));

  test("JSON with names of its own is found by them", () => {
    const lines = ['{"ip":"192.0.2.7","time":"2026-11-20T22:01:30Z","status":200}'];
    expect(detectFormat(lines)).toBeNull();
    expect(detectFormat(lines, { client: "ip" })).toBe("json");
  });
});

describe("createMixedParser", () => {
  test("each line is taken for what it is, in any order", () => {
    const mixed = createMixedParser("auto", "UTC");
    const lines = [
      COMBINED,
      ERROR,
      COMMON,
      AUDIT,
      JSON_LINE,
      COMBINED,
      `site.example:80 ${COMBINED}`,
      corpus("access_sekisho.log")[0]!,
      COMMON,
    ];
    const kinds = lines.map((line) => parse(mixed, line).kind);
    expect(kinds).toEqual([
      "access",
      "error",
      "access",
      "audit",
      "access",
      "access",
      "access",
      "access",
      "access",
    ]);
  });

  test("an ErrorLogFormat that writes JSON is one", () => {
    const mixed = createMixedParser('{"time":"%{cu}t", "level":"%l", "client":"%a", "text":"%M"}', "UTC");
    const line =
      '{"time":"2026-11-20 22:01:30.363688", "level":"error", "client":"192.0.2.7:1", "text":"AH00126: x"}';
    expect(parse(mixed, line)).toMatchObject({ kind: "error", client: "192.0.2.7", code: "AH00126" });
  });

  test("minutes in the time of a LogFormat do not make it one of an error log", () => {
    const format = "%{%Y-%m-%d %H:%M:%S}t %a %>s";
    const event = parse(createMixedParser(format, "UTC"), "2026-11-20 22:01:30 192.0.2.7 404");
    expect(event).toMatchObject({ kind: "access", status: 404 });
  });

  test("a line gives the same event as in a log of its own", () => {
    const mixed = createMixedParser("auto", "UTC");
    for (const [format, file] of [
      ["combined", "access.log"],
      ["sekisho", "access_sekisho.log"],
    ] as const) {
      const own = createParser("access", format, "UTC");
      for (const line of corpus(file)) expect(parse(mixed, line)).toEqual(parse(own, line));
    }
  });

  test("access lines in a format that is named are read in that one only", () => {
    const mixed = createMixedParser("%a %t %>s", "UTC");
    expect(parse(mixed, "192.0.2.7 [20/Nov/2026:22:01:30 +0000] 200").kind).toBe("access");
    expect(parse(mixed, COMBINED)).toMatchObject({ kind: "unparsed", reason: "format" });
    expect(parse(mixed, ERROR).kind).toBe("error");
    expect(parse(mixed, AUDIT).kind).toBe("audit");
  });

  test.each([
    ["hello", "format"],
    ['{"time":"2026-11-20T12:00:00Z","event":"ws.opened","client":"192.0.2.7"}', "audit-name"],
    ["[Fri Nov 31 22:01:29.244023 2026] [core:error] x", "time"],
  ])("%s is unparsed with the reason of what it comes nearest to", (line, reason) => {
    expect(parse(createMixedParser("auto", "UTC"), line)).toMatchObject({ kind: "unparsed", reason });
  });
});

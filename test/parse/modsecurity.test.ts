import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WAF_SEVERITIES } from "../../src/model/event.ts";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { errorOf } from "./apache-lines.ts";

const parser = new ErrorLogParser("UTC");
const HEAD =
  "[Fri Nov 20 22:01:29.244023 2026] [security2:error] [pid 22103:tid 22141] [client 192.0.2.7:4711]";

/** As ModSecurity 2 writes a value of an attacker's, and Apache then the message. */
const byModSecurity = (text: string): string =>
  text
    .replace(/["\\]/g, "\\$&")
    .replace(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
const byApache = (message: string): string => message.replaceAll("\\", "\\\\");

interface Alert {
  readonly argument?: string;
  readonly rule?: string;
  readonly msg?: string;
  readonly data?: string;
  readonly severity?: string;
  readonly uri?: string;
  readonly referer?: string;
}

function version2({
  argument = "q",
  rule = "913100",
  msg = "x",
  data = "x",
  severity = "CRITICAL",
  ...rest
}: Alert) {
  const { uri = "/", referer } = rest;
  const message =
    `[client 192.0.2.7] ModSecurity: Warning. Pattern match "(?i)union" at ARGS:${argument}. ` +
    `[file "/etc/modsecurity/crs/rules/REQUEST-913.conf"] [line "33"] [id "${rule}"] [rev "2"] ` +
    `[msg "${byModSecurity(msg)}"] [data "${byModSecurity(data)}"] [severity "${severity}"] [ver "OWASP_CRS/4.0.0"] ` +
    `[tag "attack-sqli"] [hostname "site.example"] [uri "${byModSecurity(uri)}"] [unique_id "awF5kZrknThue2vOZc9hgwAAAAE"]`;
  return `${HEAD} ${byApache(message)}${referer === undefined ? "" : `, referer: ${byApache(referer)}`}`;
}

const version3 = (value: string, uri = "/", data = "x") =>
  `${HEAD.replace("security2", "security3")} [client 192.0.2.7] ModSecurity: Warning. Matched "Operator \`Rx' with parameter \`(?i)union' against variable \`ARGS:q' (Value: \`${value}' ) ` +
  `[file "/etc/modsecurity/crs/rules/REQUEST-942.conf"] [line "66"] [id "942100"] [rev ""] [msg "SQL Injection"] [data "${data}"] ` +
  `[severity "2"] [ver "OWASP_CRS/4.0.0"] [maturity "0"] [accuracy "0"] [hostname "192.0.2.1"] [uri "${uri}"] [unique_id "174000000012.345678"] [ref "o0,5v6,5"]`;

describe("what ModSecurity says of a request", () => {
  test("version 2", () => {
    expect(errorOf(parser, version2({}))).toMatchObject({
      client: "192.0.2.7",
      module: "security2",
      level: "error",
      code: "913100",
      severity: "critical",
      requestId: "awF5kZrknThue2vOZc9hgwAAAAE",
      message: expect.stringMatching(/^\[client 192\.0\.2\.7\] ModSecurity: Warning\. .*\[unique_id "awF5/),
    });
  });

  test("version 3, whose severity is a number", () => {
    expect(errorOf(parser, version3("union select"))).toMatchObject({
      client: "192.0.2.7",
      code: "942100",
      severity: "critical",
      requestId: "174000000012.345678",
    });
  });

  test.each([
    [
      "a message that no rule made",
      `${HEAD} ModSecurity for Apache/2.9.7 (http://www.modsecurity.org/) configured.`,
    ],
    ["one that Apache numbers", `${HEAD} AH01215: ${version2({}).slice(HEAD.length + 1)}`],
    ["another module's", version2({}).replace("security2:", "cgi:")],
    ["one that begins otherwise", version2({}).replace("ModSecurity: ", "said ModSecurity: ")],
  ])("%s has neither a rule's number nor a severity", (_, line) => {
    const { code, severity } = errorOf(parser, line);
    expect([code === "913100", severity]).toEqual([false, null]);
  });

  test("where the format does not name the module, the message tells", () => {
    const bare = new ErrorLogParser("UTC", "[%t] [%l] [client %a] %M");
    const message = version2({}).slice(HEAD.length + 1);
    const line = `[Fri Nov 20 22:01:29 2026] [error] [client 192.0.2.7:4711] ${message}`;
    expect(errorOf(bare, line)).toMatchObject({ code: "913100", severity: "critical", client: "192.0.2.7" });
  });

  test("the number of the request is also taken from where the format shows it", () => {
    const line =
      "[Fri Nov 20 22:01:29 2026] [core:error] [R:awDDOhRoTRnFz56IRvAsqAAAAFQ] [client 192.0.2.7:1] AH00126: x";
    expect(errorOf(parser, line)).toMatchObject({
      requestId: "awDDOhRoTRnFz56IRvAsqAAAAFQ",
      code: "AH00126",
    });
  });
});

/** What an attacker would rather have in the log. */
const forged = fc
  .array(
    fc.constantFrom(
      ...[
        '[id "1"]',
        ' [id "999999"]',
        ' [severity "DEBUG"]',
        ' [severity "7"]',
        ' [unique_id "forged"]',
        '"] ',
        '"',
        "\\",
      ],
      ...[
        ' [file "/x"] [line "1"] [id "1"]',
        "[client 9.9.9.9] ModSecurity: ",
        ", referer: ",
        " ",
        "é",
        "\n",
        "x",
      ],
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

describe("what an attacker writes into a message", () => {
  test("msg, data, address and referer change neither the rule nor, to the better, the severity", () => {
    fc.assert(
      fc.property(forged, forged, forged, forged, (msg, data, uri, text) => {
        const referer = text.replaceAll("\n", "");
        expect(errorOf(parser, version2({ msg, data, uri, referer }))).toMatchObject({
          client: "192.0.2.7",
          code: "913100",
          severity: "critical",
          requestId: "awF5kZrknThue2vOZc9hgwAAAAE",
        });
      }),
    );
  });

  test("of version 3, which leaves quotes as they are, neither do address and data", () => {
    fc.assert(
      fc.property(forged, forged, (uri, data) => {
        const event = errorOf(parser, version3("x", uri.replaceAll("\n", ""), data.replaceAll("\n", "")));
        expect(event).toMatchObject({ client: "192.0.2.7", code: "942100", severity: "critical" });
      }),
    );
  });

  test("the name of an argument, which stands before the rule, cannot make the severity look smaller", () => {
    fc.assert(
      fc.property(forged, (argument) => {
        const event = errorOf(
          parser,
          version2({ argument: argument.replaceAll("\n", ""), severity: "ERROR" }),
        );
        expect(event.client).toBe("192.0.2.7");
        expect((WAF_SEVERITIES as readonly string[]).indexOf(event.severity!)).toBeLessThanOrEqual(3);
      }),
    );
  });

  test("a message that Apache cut before its fields is an error of that client all the same", () => {
    const line = version2({ argument: "x".repeat(9_000) }).slice(0, 8_191);
    expect(errorOf(parser, line)).toMatchObject({
      client: "192.0.2.7",
      module: "security2",
      code: null,
      severity: null,
    });
  });
});

import { describe, expect, test } from "vitest";
import { unixMs } from "../../src/model/time.ts";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { errorOf, reasonOf } from "./apache-lines.ts";

const utc = new ErrorLogParser("UTC");
const HEAD = "[Fri Nov 20 22:01:29.244023 2026] [authz_core:error] [pid 22103:tid 22141]";
const TIME = Date.UTC(2026, 10, 20, 22, 1, 29, 244);

test("what Apache says at a start or reload without a time has that of the line before, and no client", () => {
  const parser = new ErrorLogParser("UTC");
  const said =
    "AH00558: apache2: Could not reliably determine the server's fully qualified domain name, using 127.0.1.1";
  const now = unixMs(TIME + 5_000);
  expect(parser.parse(said, 1, now)).toMatchObject({
    kind: "error",
    time: now,
    client: null,
    code: "AH00558",
  });
  parser.parse(`${HEAD} AH00489: Apache configured -- resuming normal operations`, 1, now);
  expect(parser.parse(said, 1, now)).toMatchObject({
    kind: "error",
    time: TIME,
    code: "AH00558",
    line: said,
  });
  const forged = "AH01630: [client 192.0.2.7:0] client denied by server configuration: /";
  expect(parser.parse(forged, 1, now)).toMatchObject({ kind: "error", client: null });
  expect(parser.parse(`${said}\n`.repeat(2), 1, now).kind).toBe("unparsed");
});

describe("the forms that Apache writes", () => {
  test.each([
    [
      "an IPv6 client, its port behind the last colon",
      `${HEAD} [client ::1:46817] AH01630: denied`,
      { client: "::1" },
    ],
    [
      "a long IPv6 client",
      `${HEAD} [client 2001:db8:0:1::7:443] AH01630: denied`,
      { client: "2001:db8:0:1::7" },
    ],
    ["port 0 behind mod_remoteip", `${HEAD} [client 192.0.2.7:0] AH01630: denied`, { client: "192.0.2.7" }],
    ["a client without a port", `${HEAD} [client 192.0.2.7] AH01630: denied`, { client: "192.0.2.7" }],
    [
      "no client",
      `${HEAD} AH00957: http: attempt to connect failed`,
      { client: null, code: "AH00957", message: "http: attempt to connect failed" },
    ],
    [
      "the backend's address",
      `${HEAD.replace("authz_core", "proxy_http")} [remote 198.51.100.9:8080] AH01102: error reading status line`,
      { client: null, code: "AH01102" },
    ],
    [
      "the backend's address, in a message about TLS with it",
      `${HEAD.replace("authz_core", "ssl")} [remote 198.51.100.9:443] AH02039: Certificate Verification: Error`,
      { client: null, code: "AH02039" },
    ],
    [
      "a backend's, where the module is not named",
      `${HEAD.replace("authz_core", "")} [remote 198.51.100.9:443] x`,
      { client: null },
    ],
    [
      "a client that speaks HTTP/2",
      `${HEAD} [remote 2001:db8::7:4711] AH01630: client denied`,
      { client: "2001:db8::7", code: "AH01630" },
    ],
    [
      "a link-local client with its interface",
      `${HEAD} [client fe80::bcc5:1bff:fe58:f4fd%v0:44092] AH01630: client denied`,
      { client: "fe80::bcc5:1bff:fe58:f4fd", code: "AH01630" },
    ],
    [
      "a system error",
      `${HEAD} (13)Permission denied: [client 192.0.2.7:4711] AH00035: access denied`,
      { client: "192.0.2.7", code: "AH00035", message: "access denied" },
    ],
    [
      "a system error with brackets of its own, as for a backend that breaks off",
      `${HEAD} (20014)Internal error (specific information not available): [client 192.0.2.7:4711] AH01102: error reading`,
      { client: "192.0.2.7", code: "AH01102", message: "error reading" },
    ],
    [
      "a negative system error",
      `${HEAD} (-102)Unknown error -102: [client 192.0.2.7:4711] AH01095: x`,
      { client: "192.0.2.7", code: "AH01095" },
    ],
    [
      "the source file at debug",
      `[Fri Nov 20 22:01:29.244023 2026] [authz_core:debug] [pid 1] mod_authz_core.c(843): [client 192.0.2.7:1] AH01628: authorization result: denied`,
      { client: "192.0.2.7", code: "AH01628", level: "debug" },
    ],
    [
      "trace levels",
      `[Fri Nov 20 22:01:29.244023 2026] [core:trace5] [pid 1:tid 2] protocol.c(1): [client 192.0.2.7:1] x`,
      { level: "trace5", code: null, message: "x" },
    ],
    [
      "no thread",
      `[Fri Nov 20 22:01:29.244023 2026] [authz_core:error] [pid 22103] [client 192.0.2.7:1] AH01630: denied`,
      { client: "192.0.2.7" },
    ],
    [
      "no module",
      `[Fri Nov 20 22:01:29.244023 2026] [:error] [pid 1:tid 2] [client 192.0.2.7:1] ModSecurity: x`,
      { module: null, level: "error", code: null, message: "ModSecurity: x" },
    ],
    [
      "a dash for a module",
      `[Fri Nov 20 22:01:29.244023 2026] [-:error] [pid 1:tid 2] [client 192.0.2.7:1] x`,
      { module: null, client: "192.0.2.7" },
    ],
    [
      "log ids",
      `[Fri Nov 20 22:01:29.244023 2026] [core:error] [pid 1:tid 2] [id awDDOhRoTRnFz56IRvAsqAAAAFQ] [client 192.0.2.7:1] AH00126: x`,
      { client: "192.0.2.7", code: "AH00126" },
    ],
    [
      "ids of request and connection",
      `[2026-11-20 22:01:29.244023] [core:error] [R:awDDOhRoTRnFz56IRvAsqAAAAFQ] [C:awDDOhRoTRk] [client 192.0.2.7:1] AH00126: x`,
      { client: "192.0.2.7", code: "AH00126" },
    ],
    [
      "a referer, which stays in the message",
      `${HEAD} [client 192.0.2.7:1] AH01630: denied: /x, referer: http://a/`,
      { message: "denied: /x, referer: http://a/" },
    ],
  ])("%s", (_, line, expected) => {
    expect(errorOf(utc, line)).toMatchObject({
      kind: "error",
      time: TIME,
      line,
      refused: false,
      ...expected,
    });
  });

  test.each([
    ["microseconds", "[Fri Nov 20 22:01:29.244023 2026] [error] x", TIME],
    [
      "whole seconds, as Apache 2.2 wrote",
      "[Fri Nov 20 22:01:29 2026] [error] [client 192.0.2.7] x",
      TIME - 244,
    ],
    ["a day padded with a space", "[Fri Nov  6 22:01:29 2026] [error] x", Date.UTC(2026, 10, 6, 22, 1, 29)],
    ["compact", "[2026-11-20 22:01:29] [error] x", TIME - 244],
    ["compact with microseconds", "[2026-11-20 22:01:29.244023] [error] x", TIME],
  ])("time: %s", (_, line, time) => {
    expect(errorOf(utc, line)).toMatchObject({ time, level: "error", module: null });
  });
});

describe("a client is believed only where Apache writes it", () => {
  test.each([
    ["behind the real one", `${HEAD} [client 192.0.2.7:1] [client 9.9.9.9:1] AH01630: x`, "192.0.2.7", null],
    [
      "in a user name",
      `${HEAD} [client 192.0.2.7:1] AH01618: user [client 9.9.9.9:1] AH01630: x not found: /`,
      "192.0.2.7",
      "AH01618",
    ],
    [
      "behind a system error that the client wrote",
      `${HEAD} [client 192.0.2.7:1] (2)x: [client 9.9.9.9:1] AH01630: x`,
      "192.0.2.7",
      null,
    ],
    ["in a line without one", `${HEAD} AH00957: x [client 9.9.9.9:1] AH01630: x`, null, "AH00957"],
    [
      "behind a file that the client named",
      `${HEAD} [client 192.0.2.7:1] AH00128: File does not exist: /a.c(1): [client 9.9.9.9:1]`,
      "192.0.2.7",
      "AH00128",
    ],
    ["that is no address", `${HEAD} [client 999.0.2.7:1] AH01630: x`, null, "AH01630"],
  ])("%s", (_, line, client, code) => {
    expect(errorOf(utc, line)).toMatchObject({ client, code, level: "error", time: TIME });
  });

  test("a code is taken only at the start of the message", () => {
    const event = errorOf(utc, `${HEAD} [client 192.0.2.7:1] script said AH01630: denied`);
    expect(event).toMatchObject({ code: null, message: "script said AH01630: denied" });
  });
});

test.each([
  ["format", "PHP Warning:  something in /x.php on line 1", false],
  ["format", "[Fri Nov 20 22:01:29.244023 2026] no level", false],
  ["format", "", false],
  ["time", "[Fri Nov 31 22:01:29.244023 2026] [error] x", false],
  ["truncated", "[Fri Nov 20 22:0", true],
])("a line that does not parse says why: %s", (reason, line, cut) => {
  expect(reasonOf(new ErrorLogParser("UTC"), line, cut)).toBe(reason);
});

describe("the zone of the source", () => {
  const berlin = new ErrorLogParser("Europe/Berlin");
  const at = (text: string) => new Date(errorOf(berlin, `[${text}] [core:error] x`).time).toISOString();

  test("winter and summer", () => {
    expect(at("Fri Nov 20 22:01:29 2026")).toBe("2026-11-20T21:01:29.000Z");
    expect(at("Wed Jul 01 12:00:00 2026")).toBe("2026-07-01T10:00:00.000Z");
  });

  test("the hour that happens twice is taken as its first", () => {
    expect(at("Sun Oct 25 01:59:59 2026")).toBe("2026-10-24T23:59:59.000Z");
    expect(at("Sun Oct 25 02:30:00 2026")).toBe("2026-10-25T00:30:00.000Z");
    expect(at("Sun Oct 25 03:00:00 2026")).toBe("2026-10-25T02:00:00.000Z");
  });

  test("an hour that never happens is read by the offset before it", () => {
    expect(at("Sun Mar 29 01:59:59 2026")).toBe("2026-03-29T00:59:59.000Z");
    expect(at("Sun Mar 29 02:30:00 2026")).toBe("2026-03-29T01:30:00.000Z");
    expect(at("Sun Mar 29 03:00:00 2026")).toBe("2026-03-29T01:00:00.000Z");
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { unixMs } from "../../src/model/time.ts";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { OPENING_MESSAGE } from "../../src/parse/opening.ts";

const parser = new ErrorLogParser("UTC");
const parse = (line: string) => parser.parse(line, 1, unixMs(0));
const HEAD = "[Fri Nov 20 12:00:00.250000 2026] [log_debug:info] [pid 9:tid 10] [client 198.51.100.1:4242] ";

/** Apache's `ap_escape_uri`: letters, digits and a few marks stay, every other byte is written as two hex digits. */
const escaped = (text: string): string =>
  [...text]
    .map((char) =>
      /[A-Za-z0-9$\-_.+!*'(),:@&=/~;]/.test(char)
        ? char
        : `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    )
    .join("");

/** The message as Apache fills it in. */
const message = (values: Readonly<Record<string, string>>): string =>
  OPENING_MESSAGE.replace(/%\{escape:%\{([^}]+)\}\}|%\{REMOTE_ADDR\}/g, (_, name?: string) =>
    name === undefined ? "198.51.100.1" : escaped(values[name] ?? ""),
  );
const SENT = {
  "HTTP:Origin": "https://evil.example",
  SERVER_NAME: "site.example",
  "HTTP:Host": "site.example:8443",
  "HTTP:User-Agent": "Mozilla/5.0 (X11)",
  REMOTE_USER: "ann",
  THE_REQUEST: "GET /ws/a%20b?room=1 HTTP/1.1",
};

test("an opening has the request's fields, as its access line will have them", () => {
  const line = HEAD + message(SENT);
  expect(parse(line)).toEqual({
    kind: "opening",
    time: Date.UTC(2026, 10, 20, 12, 0, 0, 250),
    source: 1,
    line,
    client: "198.51.100.1",
    method: "GET",
    path: "/ws/a%20b",
    query: "room=1",
    protocol: "HTTP/1.1",
    userAgent: "Mozilla/5.0 (X11)",
    origin: "https://evil.example",
    host: "site.example:8443",
    user: "ann",
    vhost: "site.example",
    second: false,
  });
});

test("what was not sent is not sent", () => {
  const event = parse(HEAD + message({ SERVER_NAME: "site.example", THE_REQUEST: "GET / HTTP/1.0" }));
  expect(event).toMatchObject({
    kind: "opening",
    origin: null,
    host: null,
    userAgent: null,
    user: null,
    query: null,
  });
});

test("whatever a client sends comes back as it was sent, and moves nothing else", () => {
  const hostile = fc.string({
    unit: fc.constantFrom(
      ..."a=% \"'\\\n\r\t[]?#;.\x01\x7f\xe9\xff",
      " origin=",
      " request=",
      " .",
      "%20",
      "%2e",
    ),
    minLength: 1,
  });
  fc.assert(
    fc.property(hostile, hostile, hostile, hostile, (origin, agent, user, path) => {
      const event = parse(
        HEAD +
          message({
            ...SENT,
            "HTTP:Origin": origin,
            "HTTP:User-Agent": agent,
            REMOTE_USER: user,
            THE_REQUEST: `GET /${path} HTTP/1.1`,
          }),
      );
      expect(event).toMatchObject({
        kind: "opening",
        client: "198.51.100.1",
        origin,
        userAgent: agent,
        user,
        host: "site.example:8443",
      });
      if (event.kind !== "opening") return;
      expect(event.path + (event.query === null ? "" : `?${event.query}`)).toBe(`/${path}`);
    }),
  );
});

describe("is no opening, but an ordinary message", () => {
  const text = message(SENT);
  test.each([
    ["the text behind another message", `AH01630: client denied: ${text}`, "log_debug"],
    ["the text of another module", text, "cgi"],
    ["a message that was cut", text.slice(0, -1), "log_debug"],
    ["a message that was cut in its last field", text.slice(0, -9), "log_debug"],
    ["a message with one field more", text.replace(" user=", " more=1 user="), "log_debug"],
    ["a message whose fields have changed places", text.replace(" origin=", " Origin="), "log_debug"],
    ["a client that is no address", text.replace("client=198.51.100.1", "client=localhost"), "log_debug"],
    ["another LogMessage", "sekisho:openings are logged", "log_debug"],
  ])("%s", (_, written, module) => {
    const line = HEAD.replace("log_debug", module) + written;
    expect(parse(line)).toMatchObject({ kind: "error", client: "198.51.100.1", module });
  });

  test("a line that was cut while it was read", () => {
    expect(parser.parse(HEAD + text, 1, unixMs(0), true).kind).toBe("error");
  });
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apacheSnippet } from "../../../src/enforce/apache/snippet.ts";
import type { AccessEvent, OpeningEvent } from "../../../src/model/event.ts";
import { unixMs } from "../../../src/model/time.ts";
import { AccessLogParser } from "../../../src/parse/access-log.ts";
import { ErrorLogParser } from "../../../src/parse/error-log.ts";
import { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../../../src/parse/named-formats.ts";
import { OPENING_MESSAGE } from "../../../src/parse/opening.ts";
import { type Apache, type RequestOptions, startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";

const CLIENT = "203.0.113.7";
const HANDSHAKE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2VraXNobyB0ZXN0IGtleQ==\r\n";
const ann = { Authorization: `Basic ${btoa("ann:secret")}` };

/** A vhost that a global setting would miss: it has levels and a log of its own, and redirects to error pages. */
const SITE = `
  LogLevel warn
  ErrorLog own_error.log
  ErrorDocument 404 /index.html
  ErrorDocument 403 /index.html
  RewriteEngine On
  RewriteRule ^/rewritten/(.*) ws://127.0.0.1:9001/$1 [P]
  <Location /tunnel/>
    ProxyPass ws://127.0.0.1:9001/
  </Location>
`;

describe.skipIf(missing("root", "apache2", "netns"))("openings in a real Apache's error log", () => {
  let apache: Apache;
  beforeAll(async () => {
    apache = await startApache({
      config: () =>
        `${apacheSnippet({ directory: null, includeFile: null, logFormat: SEKISHO_LOG_FORMAT, tlsLogFormat: SEKISHO_TLS_LOG_FORMAT, openingMessage: OPENING_MESSAGE })}
LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so
Protocols h2c http/1.1
H2WebSockets on\n`,
      site: SITE,
    });
  });
  afterAll(() => apache[Symbol.asyncDispose]());

  const errorLines = (): string[] =>
    [join(apache.root, "own_error.log"), apache.errorLog]
      .filter(existsSync)
      .flatMap((file) => readFileSync(file, "latin1").split("\n").slice(0, -1));
  const openings = (): OpeningEvent[] =>
    errorLines()
      .map((line) => new ErrorLogParser(null).parse(line, 1, unixMs(0)))
      .filter((event) => event.kind === "opening")
      .toSorted((a, b) => a.time - b.time);
  const accesses = (): AccessEvent[] =>
    readFileSync(apache.sekishoLog, "latin1")
      .split("\n")
      .map((line) => new AccessLogParser(SEKISHO_LOG_FORMAT, null).parse(line, 1, unixMs(0)))
      .filter((event) => event.kind === "access");

  /** What a request adds to the error log, and the access line that it leaves. */
  async function logged(request: Omit<RequestOptions, "from"> & { readonly from?: string }) {
    const before = { openings: openings().length, accesses: accesses().length };
    const { status } = await apache.request({ from: CLIENT, ...request });
    await expect.poll(() => accesses().length).toBe(before.accesses + 1);
    return { status, openings: openings().slice(before.openings), access: accesses().at(-1)! };
  }

  test.each<[string, Omit<RequestOptions, "from">, number]>([
    ["ProxyPass with upgrade=websocket", { path: "/ws/x" }, 101],
    ["mod_proxy_wstunnel", { path: "/tunnel/x" }, 101],
    ["a rewrite to ws://", { path: "/rewritten/x" }, 101],
    ["another vhost", { path: "/ws/x", host: "other.example" }, 101],
    ["a place with a password", { path: "/members/", headers: ann }, 200],
    ["a page that is not there and has an error page", { path: "/nope" }, 404],
    ["a rewrite in .htaccess", { path: "/app/pretty" }, 200],
    ["a list of protocols", { path: "/ws/x", headers: { Upgrade: "h2c, WebSocket" } }, 200],
  ])("a handshake by %s is told once, with what its access line tells", async (_, request, status) => {
    const headers = { Origin: "https://evil.example", "User-Agent": "Mozilla/5.0 (X11)", ...request.headers };
    const told = await logged({ ...request, headers, upgrade: true });
    expect(told.status).toBe(status);
    const { client, method, path, query, protocol, userAgent, origin, host, user, vhost } = told.access;
    expect(told.openings).toMatchObject([
      { client, method, path, query, protocol, userAgent, origin, host, user, vhost },
    ]);
    expect(Math.abs(told.openings[0]!.time - told.access.time)).toBeLessThan(1_000);
  });

  test("an IPv6 client is named", async () => {
    expect((await logged({ from: "2001:db8:5::7", path: "/ws/x", upgrade: true })).openings).toMatchObject([
      { client: "2001:db8:5::7" },
    ]);
  });

  test.each<[string, Omit<RequestOptions, "from">]>([
    ["an ordinary request", { path: "/" }],
    ["a proxied request", { path: "/ws/x" }],
    ["an upgrade to something else", { path: "/", headers: { Connection: "Upgrade", Upgrade: "h2x" } }],
    ["a handshake that Apache refuses", { path: "/private/", upgrade: true }],
    ["a handshake without the password", { path: "/members/", upgrade: true }],
  ])("%s is told of by nothing but its access line", async (_, request) => {
    expect((await logged(request)).openings).toEqual([]);
  });

  test("what Apache logs of a refused handshake stays as it was", async () => {
    const denials = () => errorLines().filter((line) => line.includes("AH01630")).length;
    const before = denials();
    await logged({ path: "/private/", upgrade: true });
    expect(denials()).toBe(before + 1);
  });

  const raw = (target: string, headers: string) => ({
    path: "/",
    raw: `GET ${target} HTTP/1.1\r\nHost: site.example\r\n${HANDSHAKE}${headers}\r\n`,
  });
  test.each<[string, string, string]>([
    ["fields in the URI", "/ws/a%20origin=https://good.example%20host=x", "Origin: https://evil.example\r\n"],
    ["fields in Origin", "/ws/a", "Origin: https://evil.example vhost=x user=root request=GET / .\r\n"],
    ["fields in the user agent", "/ws/a", "User-Agent: x user=root request=GET / HTTP/1.1 .\r\n"],
    ["quotes, backslashes and percent signs", "/ws/\"\\x41%41'", 'Origin: a"b\\x41 %41 %2541\r\n'],
    ["a tab and a byte that is no ASCII", "/ws/\xff", "Origin: a\tb\xe9\r\nUser-Agent: \xff\xfe\r\n"],
    ["two Origins", "/ws/a", "Origin: https://a.example\r\nOrigin: https://b.example\r\n"],
    ["a question mark and a bracket", "/ws/a?b=[c]&d=?e", "Origin: [client 198.51.100.1:1]\r\n"],
    ["the whole address as target", "http://site.example/ws/a?b=c", "Origin: null\r\n"],
  ])("%s are read as they are in the access line, and forge nothing", async (_, target, headers) => {
    const { openings: told, access } = await logged(raw(target, headers));
    const { path, query, userAgent, origin, host, user } = access;
    expect(told).toMatchObject([{ client: CLIENT, path, query, userAgent, origin, host, user }]);
  });

  test.each([
    ["a NUL in the path", "/ws/a%00b", ""],
    ["a bare NUL", "/ws/a\0b", ""],
    ["a control character in Origin", "/ws/a", "Origin: a\x01\r\n"],
  ])("%s never gets as far as an opening", async (_, target, headers) => {
    expect((await logged(raw(target, headers))).openings).toEqual([]);
  });

  test("a handshake that is too long for the error log is no opening, so its access line is judged", async () => {
    const lines = errorLines().length;
    const told = await logged({ path: "/ws/x", upgrade: true, headers: { "User-Agent": '"'.repeat(7_000) } });
    expect(told.openings).toEqual([]);
    expect(errorLines().length).toBe(lines + 1);
  });

  test("a WebSocket over HTTP/2 is told of, with its client", async () => {
    const before = openings().length;
    const script = `
      const session = require("node:http2").connect("http://192.0.2.1:80", { localAddress: "${CLIENT}" });
      session.on("remoteSettings", () => {
        const stream = session.request({ ":method": "CONNECT", ":protocol": "websocket", ":path": "/ws/h2", ":scheme": "http",
          ":authority": "site.example", origin: "https://evil.example", "sec-websocket-version": "13" });
        stream.on("response", () => { stream.close(); session.destroy(); });
      });`;
    apache.inNamespace(process.execPath, ["-e", script]);
    await expect
      .poll(() => openings().slice(before))
      .toMatchObject([
        { client: CLIENT, path: "/ws/h2", origin: "https://evil.example", protocol: "HTTP/2.0" },
      ]);
  });
});

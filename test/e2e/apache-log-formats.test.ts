import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccessEvent } from "../../src/model/event.ts";
import { parseTarget, TargetSet } from "../../src/model/ip.ts";
import { AccessLogParser } from "../../src/parse/access-log.ts";
import { NAMED_FORMATS, SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { type Apache, startApache } from "../apache.ts";
import { parse } from "../parse/apache-lines.ts";
import { runs } from "../property.ts";
import { missing } from "../requirements.ts";
import {
  type HostileRequest,
  hostileRequest,
  linesOf,
  pathOf,
  sendAll,
  ZONE,
  ZONE_MS,
} from "./hostile-requests.ts";

/** Formats with every directive of mod_log_config, mod_logio and mod_ssl, and which fields of the event each shows. */
const FORMATS: readonly { readonly format: string; readonly shows: readonly (keyof AccessEvent)[] }[] = [
  { format: NAMED_FORMATS.common!, shows: ["user", "path", "query"] },
  { format: NAMED_FORMATS.combined!, shows: ["user", "path", "query", "referer", "userAgent"] },
  { format: NAMED_FORMATS.vhost_combined!, shows: ["user", "path", "query", "referer", "userAgent"] },
  { format: SEKISHO_LOG_FORMAT, shows: ["user", "path", "query", "referer", "userAgent", "origin"] },
  { format: SEKISHO_TLS_LOG_FORMAT, shows: ["user", "path", "query", "referer", "userAgent", "origin"] },
  {
    format:
      "%{%F %T}t.%{usec_frac}t %{%z}t|%{c}a|%a|%A|%{c}h|%l|%u|%s|%<s|%>s|%B|%b|%D|%T|%{ms}T|%{us}T|%{s}T|%k|%L|%p|%{canonical}p|" +
      '%{local}p|%{remote}p|%P|%{pid}P|%{tid}P|%{hextid}P|%R|%v|%X|%I|%O|%S|%^FB|%H|%m|"%U%q" "%f" "%V" "%{Referer}i"',
    shows: ["user", "path", "query", "referer"],
  },
  {
    format:
      '100%% %t %a %>s "%{Nope}C" "%{X}e" "%{X}n" "%{Content-Type}o" "%{SSL_PROTOCOL}x" "%{version}c" "%{X}^ti" ' +
      '"%{X}^to" "%{User-agent}i" "%{ORIGIN}i" "%u" "%r"',
    shows: ["user", "path", "query", "userAgent", "origin"],
  },
  { format: '%u "%r" %{sec}t %{remote}p %>s %a', shows: ["user", "path", "query"] },
  { format: '"%{Referer}i" "%{Origin}i" %{Host}i %a %{usec}t %>s', shows: ["referer", "origin", "host"] },
  { format: "%{begin:%a %d %b %Y %I:%M:%S %p %z}t\\t%a\\t%>s\\t%{User-Agent}i", shows: ["userAgent"] },
  { format: '%{end:%G-W%V-%u %C %g %j %U %W %w %s}t %h %>s "%m" "%U" "%q" "%H"', shows: ["path", "query"] },
  {
    format:
      "host:%h\\tident:%l\\tuser:%u\\ttime:%t\\treq:%r\\tstatus:%>s\\tsize:%b\\treferer:%{Referer}i\\tua:%{User-Agent}i",
    shows: ["user", "path", "query", "referer", "userAgent"],
  },
  { format: '%U\\t%q\\t%a\\t%>s\\t"%u"\\t%{Origin}i %{Referer}i\\t%t', shows: ["path", "query", "user"] },
  { format: "%{%c %z}t %a %>s %!403{Referer}i", shows: [] },
  { format: "%t %a:%{remote}p %>s %401{Origin}i %{X}i", shows: [] },
];

const PROXIED = '%a %{c}a %t %>s "%r" "%{X-Forwarded-For}i"';
const proxied = (root: string, name: string, config: string): string => `
<VirtualHost *:80>
ServerName ${name}.test
DocumentRoot ${root}/site
CustomLog ${root}/${name}.log "${PROXIED.replaceAll('"', '\\"')}"
${config}
</VirtualHost>`;

describe.skipIf(missing("root", "apache2", "netns"))("a real Apache, asked by an attacker", () => {
  let apache: Apache;
  const log = (index: number): string => join(apache.root, `format-${index}.log`);
  const parsers = FORMATS.map(({ format }) => new AccessLogParser(format, ZONE));
  let sent = 0;

  beforeAll(async () => {
    const logs = (root: string) =>
      FORMATS.map(
        ({ format }, index) =>
          `LogFormat "${format.replaceAll('"', '\\"')}" format-${index}\nCustomLog ${root}/format-${index}.log format-${index}`,
      );
    apache = await startApache({
      config: (root) =>
        [
          "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so",
          "LogIOTrackTTFB On",
          "HttpProtocolOptions Unsafe",
          ...logs(root),
          // The first vhost answers for every other name.
          `<VirtualHost *:80>\nServerName first.test\nDocumentRoot ${root}/site\n</VirtualHost>`,
          proxied(
            root,
            "aware",
            "RemoteIPHeader X-Forwarded-For\nRemoteIPTrustedProxy 198.51.100.0/24 2001:db8:1::/48",
          ),
          proxied(root, "unaware", ""),
        ].join("\n"),
    });
  });
  afterAll(() => apache?.[Symbol.asyncDispose]());

  /** Sends requests and reads each back in every format. */
  async function readBack(from: string, requests: readonly HostileRequest[]): Promise<void> {
    const first = sent;
    const started = Date.now();
    sent += requests.length;
    await sendAll(apache, from, requests, first);
    for (const [index, { format, shows }] of FORMATS.entries()) {
      const lines = (await linesOf(log(index), sent)).slice(first);
      expect({ format, lines: lines.length }).toEqual({ format, lines: requests.length });
      for (const [at, line] of lines.entries()) {
        const event = parse(parsers[index]!, line);
        const told = expected(requests[at]!, first + at);
        const wanted = Object.fromEntries(shows.map((field) => [field, told[field as keyof typeof told]]));
        expect({ format, line, event }).toMatchObject({
          event: { kind: "access", client: from, status: told.status, ...wanted },
        });
        expect(Math.abs(event.time - started)).toBeLessThan(ZONE_MS);
      }
    }
  }

  test.each([
    ["no HTTP", "\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n"],
    [
      "a line that forges one",
      '203.0.113.9 - - [01/Jan/2020:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\r\n\r\n',
    ],
    [
      "spaces in the target",
      'GET /a" 200 1 "b c HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n',
    ],
    ["a NUL", "GET /a\x00b HTTP/1.1\r\nHost: site.example\r\nX: a\x00b\r\nConnection: close\r\n\r\n"],
    [
      "control bytes",
      "GET /a\x01\x7f\x1b[2J HTTP/1.1\r\nHost: site.example\r\nReferer: \x08\x0b\x1b\r\nConnection: close\r\n\r\n",
    ],
    ["a hostile host", 'GET / HTTP/1.1\r\nHost: a" 200 "b\r\nConnection: close\r\n\r\n'],
    [
      "a host with a password",
      "GET http://u:p@x.example/y HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n",
    ],
    ["a climb", "GET /%2e%2e/%2e%2e/etc HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"],
    ["a broken escape", "GET /%zz%0a HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n"],
    ["a method of its own", 'G[]T" / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n'],
    ["no protocol", "GET /\r\n\r\n"],
    ["a protocol of its own", 'GET / HTTP/1.1" 200\r\nHost: site.example\r\nConnection: close\r\n\r\n'],
    [
      "a target of 8 KB",
      `GET /${'"\\'.repeat(4_000)} HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n`,
    ],
    [
      "a colon in the user name",
      `GET /members/ HTTP/1.1\r\nHost: site.example\r\nAuthorization: Basic ${btoa('a\x00b:" 200')}\r\nConnection: close\r\n\r\n`,
    ],
  ])("address, time and status do not move: %s", async (_, raw) => {
    const started = Date.now();
    const { status } = await apache.request({ from: "2001:db8::7", path: "/", raw });
    sent++;
    for (const [index, { format }] of FORMATS.entries()) {
      const line = (await linesOf(log(index), sent))[sent - 1]!;
      const event = parse(parsers[index]!, line);
      expect({ format, line, event }).toMatchObject({ event: { kind: "access", client: "2001:db8::7" } });
      // What speaks HTTP/0.9 gets its page without a status.
      if (status !== 0) expect({ format, line, event }).toMatchObject({ event: { status } });
      expect(Math.abs(event.time - started)).toBeLessThan(ZONE_MS);
    }
  });

  const trustedProxies = new TargetSet(
    ["198.51.100.0/24", "2001:db8:1::/48"].map((text) => parseTarget(text)!),
  );
  test.each([
    ["203.0.113.7", "9.9.9.9", "203.0.113.7"],
    ["198.51.100.1", "203.0.113.7", "203.0.113.7"],
    ["198.51.100.1", "9.9.9.9, 203.0.113.7", "203.0.113.7"],
    ["198.51.100.1", "9.9.9.9, 203.0.113.7, 198.51.100.2", "203.0.113.7"],
    ["198.51.100.1", "9.9.9.9,2001:db8::7,2001:db8:1::2,198.51.100.2", "2001:db8::7"],
    ["2001:db8:1::1", "203.0.113.7", "203.0.113.7"],
    ["198.51.100.1", "203.0.113.7, unknown", "198.51.100.1"],
    ["198.51.100.1", "203.0.113.7:4711", "198.51.100.1"],
    ["198.51.100.1", "[2001:db8::7]:4711", "198.51.100.1"],
    ["198.51.100.1", '", "x', "198.51.100.1"],
    ["198.51.100.1", null, "198.51.100.1"],
  ])(
    "from %s with X-Forwarded-For %j the client is %s, whether mod_remoteip is in use or not",
    async (from, forwarded, client) => {
      for (const vhost of ["aware", "unaware"]) {
        const file = join(apache.root, `${vhost}.log`);
        const before = (await linesOf(file, 0)).length;
        const headers = {
          Host: `${vhost}.test`,
          ...(forwarded === null ? {} : { "X-Forwarded-For": forwarded }),
        };
        await apache.request({ from, path: "/", headers });
        const line = (await linesOf(file, before + 1))[before]!;
        const proxied = new AccessLogParser(PROXIED, ZONE, { trustedProxies });
        expect({ vhost, line, event: parse(proxied, line) }).toMatchObject({
          event: { kind: "access", client },
        });
      }
    },
  );

  test("what many clients send at random comes back as it was sent, in every format", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("203.0.113.7", "2001:db8::7"),
        fc.array(hostileRequest, { minLength: 20, maxLength: 40 }),
        readBack,
      ),
      { numRuns: runs(60), endOnFailure: true },
    );
  });
});

function expected(request: HostileRequest, number: number) {
  const { user, query, referer, userAgent, origin } = request;
  const header = (value: string | null) => (value === "-" ? null : value);
  return {
    status: user === null ? 403 : 401,
    user: header(user),
    path: pathOf(request, number),
    query,
    referer: header(referer),
    userAgent: header(userAgent),
    origin: header(origin),
    host: "site.example",
  };
}

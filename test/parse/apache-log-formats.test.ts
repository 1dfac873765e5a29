import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AccessEvent } from "../../src/model/event.ts";
import { AccessLogParser } from "../../src/parse/access-log.ts";
import { NAMED_FORMATS, SEKISHO_LOG_FORMAT } from "../../src/parse/named-formats.ts";
import { type Apache, startApache } from "../apache.ts";
import { missing } from "../requirements.ts";
import { parse } from "./apache-lines.ts";
import { type HostileRequest, hostileRequest, linesOf, pathOf, sendAll } from "./hostile-requests.ts";

/** Formats with every directive of mod_log_config, mod_logio and mod_ssl, and which fields of the event each shows. */
const FORMATS: readonly { readonly format: string; readonly shows: readonly (keyof AccessEvent)[] }[] = [
  { format: NAMED_FORMATS.common!, shows: ["user", "path", "query"] },
  { format: NAMED_FORMATS.combined!, shows: ["user", "path", "query", "referer", "userAgent"] },
  { format: NAMED_FORMATS.vhost_combined!, shows: ["user", "path", "query", "referer", "userAgent"] },
  { format: SEKISHO_LOG_FORMAT, shows: ["user", "path", "query", "referer", "userAgent", "origin"] },
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
  { format: "%{%c %z}t %a %>s %!403{Referer}i", shows: [] },
  { format: "%t %a:%{remote}p %>s %401{Origin}i %{X}i", shows: [] },
];

describe.skipIf(missing("root", "apache2", "netns"))("a real Apache, asked by an attacker", () => {
  let apache: Apache;
  const log = (index: number): string => join(apache.root, `format-${index}.log`);
  const parsers = FORMATS.map(({ format }) => new AccessLogParser(format, "UTC"));
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
        ].join("\n"),
    });
  }, 30_000);
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
        expect(Math.abs(event.time - started)).toBeLessThan(60_000);
      }
    }
  }

  test("what many clients send at random comes back as it was sent, in every format", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("203.0.113.7", "2001:db8::7"),
        fc.array(hostileRequest, { minLength: 20, maxLength: 40 }),
        readBack,
      ),
      { numRuns: 60, endOnFailure: true },
    );
  }, 60_000);
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

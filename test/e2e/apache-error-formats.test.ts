import { once } from "node:events";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { unescapeValue } from "../../src/parse/unescape.ts";
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

const DEFAULT = "[%{u}t] [%-m:%l] [pid %P:tid %T] %7F: %E: [client\\ %a] %M% ,\\ referer:\\ %{Referer}i";

/** What Apache writes by, null for no ErrorLogFormat, and what of it a line shows. */
const FORMATS: readonly {
  readonly written: string | null;
  readonly read: string;
  readonly hides?: readonly string[];
}[] = [
  { written: null, read: "auto" },
  { written: null, read: DEFAULT },
  { written: DEFAULT, read: "auto" },
  { written: "[%t] [%l] [pid %P] %F: %E: [client %a] %M", read: "auto", hides: ["module"] },
  { written: "[%{uc}t] [%-m:%-l] [R:%L] [C:%{C}L] %7F: [client\\ %a] %M", read: "auto" },
  { written: "[%{cu}t] [%-m:%-l] %-a %-L %M", read: "auto" },
  { written: "[%{cuz}t] [%-m:%-l] [client %a] %M", read: "auto" },
  { written: "[%t] [%l] [pid %P] %F: %E: [client %a] %M", read: "itself", hides: ["module"] },
  { written: "[%{cu}t] [%-m:%-l] %-a %-L %M", read: "itself" },
  { written: DEFAULT, read: "itself" },
  {
    written:
      "%{uz}t|%{g}T|%P|%k|%{c}L|%L|%v|%V|%A|%{c}a|%-E|%-F|%{UNIQUE_ID}e|%-m|%l|100%%|%a|\\ %M% ,\\ %-{Referer}i %{X}n %{User-Agent}i",
    read: "itself",
  },
  { written: "%l %m:%a% [%7F]% %{z}t% [%E] %M %{Origin}i", read: "itself" },
  { written: "[%t] [%-m:%l] [client %a] [%{User-Agent}i] %M", read: "itself", hides: ["code"] },
];

describe.skipIf(missing("root", "apache2", "netns"))(
  "a real Apache's error log, while an attacker asks",
  () => {
    let apache: Apache;
    const log = (index: number): string => join(apache.root, `error-${index}.log`);
    const parsers = FORMATS.map(
      ({ written, read }) => new ErrorLogParser(ZONE, read === "itself" ? written! : read),
    );
    const sent = FORMATS.map(() => 0);

    beforeAll(async () => {
      const vhost = (root: string, index: number) => `
<VirtualHost *:80>
ServerName e${index}.test
DocumentRoot ${root}/site
ErrorLog ${root}/error-${index}.log
${FORMATS[index]!.written === null ? "" : `ErrorLogFormat "${FORMATS[index]!.written}"`}
<Directory ${root}/site>
  Require all granted
</Directory>
<Directory ${root}/site/private>
  Require all denied
</Directory>
<Directory ${root}/site/members>
  AuthType Basic
  AuthName members
  AuthUserFile ${root}/passwords
  Require valid-user
</Directory>
</VirtualHost>`;
      apache = await startApache({
        config: (root) =>
          [
            "LoadModule unique_id_module /usr/lib/apache2/modules/mod_unique_id.so",
            "LoadModule http2_module /usr/lib/apache2/modules/mod_http2.so",
            "Protocols h2c http/1.1",
            "HttpProtocolOptions Unsafe",
            ...FORMATS.map((_, index) => vhost(root, index)),
          ].join("\n"),
      });
    });
    afterAll(() => apache?.[Symbol.asyncDispose]());

    async function readBack(from: string, index: number, requests: readonly HostileRequest[]): Promise<void> {
      const { hides = [] } = FORMATS[index]!;
      const first = sent[index]!;
      const started = Date.now();
      sent[index] = first + requests.length;
      await sendAll(apache, from, requests, first, `e${index}.test`);
      const lines = (await linesOf(log(index), sent[index])).slice(first);
      expect({ index, lines: lines.length }).toEqual({ index, lines: requests.length });
      for (const [at, line] of lines.entries()) {
        const { user } = requests[at]!;
        const event = parse(parsers[index]!, line);
        const told = {
          client: from,
          level: "error",
          module: user === null ? "authz_core" : "auth_basic",
          code: user === null ? "AH01630" : "AH01618",
        };
        const wanted = Object.fromEntries(
          Object.entries(told).map(([field, value]) => [field, hides.includes(field) ? null : value]),
        );
        expect({ index, line, event }).toMatchObject({ event: { kind: "error", ...wanted } });
        expect(Math.abs(event.time - started)).toBeLessThan(ZONE_MS);
        if (hides.includes("code") || event.kind !== "error") continue;
        const message =
          user === null
            ? "client denied by server configuration: "
            : `user ${user} not found: ${pathOf(requests[at]!, first + at)}`;
        expect({ line, message: unescapeValue(event.message).slice(0, message.length) }).toEqual({
          line,
          message,
        });
      }
    }

    test("a client that speaks HTTP/2, which Apache calls remote, is a client", async () => {
      const script = `
      const session = require("node:http2").connect("http://192.0.2.1", { localAddress: "203.0.113.7" });
      const ask = (path) => new Promise((done) => {
        const authorization = "Basic " + btoa("[client 9.9.9.9");
        session.request({ ":path": path, ":authority": "e0.test", authorization }).on("close", done).resume();
      });
      ask("/private/").then(() => ask("/members/")).then(() => ask("/%2e%2e/x")).then(() => session.close());`;
      const before = sent[0]!;
      sent[0] = before + 3;
      await once(apache.inNamespace(process.execPath, ["-e", script]), "exit");
      const lines = (await linesOf(log(0), sent[0])).slice(before);
      expect(lines.every((line) => line.includes("[remote 203.0.113.7:"))).toBe(true);
      expect(lines.map((line) => parse(parsers[0]!, line))).toMatchObject([
        { kind: "error", client: "203.0.113.7", code: "AH01630" },
        { kind: "error", client: "203.0.113.7", code: "AH01618" },
        { kind: "error", client: "203.0.113.7", code: "AH10244" },
      ]);
    });

    test("who asked, the code and the time come back in every format, whatever was sent", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom("203.0.113.7", "2001:db8::7"),
          fc.nat(FORMATS.length - 1),
          fc.array(hostileRequest, { minLength: 5, maxLength: 20 }),
          readBack,
        ),
        { numRuns: runs(100), endOnFailure: true },
      );
    });
  },
);

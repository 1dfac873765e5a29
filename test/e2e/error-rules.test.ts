import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileRules } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { ErrorLogParser } from "../../src/parse/error-log.ts";
import { readRuleSet } from "../../src/setup.ts";
import { type Apache, type RequestOptions, startApache } from "../apache.ts";
import { parse } from "../parse/apache-lines.ts";
import { missing } from "../requirements.ts";

const MODULES = "/usr/lib/apache2/modules";
const load = (name: string): string =>
  `<IfModule !${name}_module>\nLoadModule ${name}_module ${MODULES}/mod_${name}.so\n</IfModule>`;
const CONFIG = `
${["auth_digest", "autoindex", "allowmethods", "access_compat", "reqtimeout", "cgi"].map(load).join("\n")}
LogLevel info
RequestReadTimeout header=1 body=1
`;
const AREAS = (root: string): string => `
<Location /digest>
  AuthType Digest
  AuthName members
  AuthUserFile ${root}/nobody
  Require valid-user
</Location>
<Location /compat>
  Order deny,allow
  Deny from all
</Location>
<Location /only-get>
  AllowMethods GET
</Location>
<Directory ${root}/site/programs>
  Options -Indexes +ExecCGI
  SetHandler cgi-script
</Directory>
<Directory ${root}/site/list>
  Options -Indexes
</Directory>
`;

const basic = (name: string) => ({ Authorization: `Basic ${Buffer.from(name).toString("base64")}` });
const digest = (fields: string) => ({ Authorization: `Digest ${fields}` });
const raw = (text: string): Partial<RequestOptions> => ({ raw: `${text}\r\n\r\n` });

const CASES: readonly (readonly [string, string, Partial<RequestOptions>])[] = [
  ["a forbidden folder", "denied-error", { path: "/private/" }],
  ["a folder that 2.2's directives forbid", "denied-error", { path: "/compat" }],
  ["a method that is not allowed", "denied-error", { path: "/only-get", method: "DELETE" }],
  ["a folder that may not be listed", "denied-error", { path: "/list/" }],
  ["a wrong password", "password-error", { path: "/members/", headers: basic("ann:wrong") }],
  ["an unknown user", "unknown-users-error", { path: "/members/", headers: basic("bob:x") }],
  [
    "a scheme that is not asked for",
    "password-error",
    { path: "/members/", headers: digest('username="a"') },
  ],
  ["Basic where Digest is asked for", "password-error", { path: "/digest", headers: basic("ann:secret") }],
  ["half a Digest", "password-error", { path: "/digest", headers: digest('username="ann", realm="x"') }],
  ["a file that is not there", "missing-files-error", { path: "/backup.zip" }],
  ["a program that is not there", "missing-scripts-error", { path: "/programs/shell.cgi" }],
  [
    "a method that there is not",
    "invalid-request-error",
    raw("FOO / HTTP/1.1\r\nHost: site.example\r\nConnection: close"),
  ],
  [
    "a line that is too long",
    "invalid-request-error",
    raw(`GET /${"a".repeat(9_000)} HTTP/1.1\r\nHost: site.example`),
  ],
  [
    "a header that is too long",
    "invalid-request-error",
    raw(`GET / HTTP/1.1\r\nHost: site.example\r\nX: ${"a".repeat(9_000)}`),
  ],
  ["a name that is too long", "invalid-request-error", { path: `/${"b".repeat(300)}` }],
  [
    "a user that intruders try first",
    "slow-passwords-error",
    { path: "/members/", headers: basic("root:x") },
  ],
  [
    "a chunk whose length is no number",
    "broken-chunks-error",
    raw("POST / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nZZ"),
  ],
];

describe.skipIf(missing("root", "apache2", "netns"))("what a real Apache's error log tells", () => {
  let apache: Apache;
  const rules = readRuleSet(join(import.meta.dirname, "../../rules"), null, []).rules;
  const evaluator = new Evaluator(compileRules(rules, { origins: new Set() }));
  const parser = new ErrorLogParser("UTC");

  beforeAll(async () => {
    apache = await startApache({
      config: (root) => {
        for (const folder of ["programs", "list"]) mkdirSync(join(root, "site", folder), { recursive: true });
        writeFileSync(join(root, "nobody"), "");
        writeFileSync(join(root, "areas.conf"), AREAS(root));
        return CONFIG;
      },
      site: "Include areas.conf",
    });
  });
  afterAll(() => apache[Symbol.asyncDispose]());

  /** What is told of one client: Apache writes the line before it closes the connection, but not before it answers. */
  async function toldOf(client: string): Promise<string[]> {
    for (let wait = 0; wait < 2_000; wait++) {
      const lines = readFileSync(apache.errorLog, "latin1").split("\n");
      const own = lines.filter((line) => line.includes(`[client ${client}:`));
      if (own.length > 0) return own;
      await sleep(10);
    }
    return [];
  }

  test.each(CASES)("%s is a hit of %s", async (_, rule, request) => {
    const index = CASES.findIndex((each) => each[2] === request);
    const client = index % 2 === 0 ? `203.0.113.${index + 1}` : `2001:db8:${index}::1`;
    await apache.request({ from: client, path: "/", ...request });
    const lines = await toldOf(client);
    const matching = lines.flatMap((line) => evaluator.matching(parse(parser, line)));
    expect(matching, lines.join("\n")).toContain(rule);
  });

  test("headers that never end are a hit of slow-requests-error", async () => {
    const begin = `require("net").connect({ host: "192.0.2.1", port: 80, localAddress: "203.0.113.100" }).write("GET / HTTP/1.1\\r\\nHost: a\\r\\n")`;
    apache.inNamespace(process.execPath, ["-e", begin]);
    const lines = await toldOf("203.0.113.100");
    expect(lines.flatMap((line) => evaluator.matching(parse(parser, line)))).toEqual(["slow-requests-error"]);
  });

  test("what innocent visitors cause is a hit of none", async () => {
    const visitor = { from: "203.0.113.200" };
    await apache.request({ ...visitor, path: "/app/pretty" });
    await apache.request({
      ...visitor,
      path: "/gone.html",
      headers: { Referer: "https://site.example/list.html" },
    });
    await apache.request({ ...visitor, path: "/images/gone.png" });
    const lines = await toldOf(visitor.from);
    expect(lines.flatMap((line) => evaluator.matching(parse(parser, line)))).toEqual([]);
    expect(lines).toHaveLength(2);
  });
});

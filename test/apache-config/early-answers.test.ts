import { describe, expect, test } from "vitest";
import { doorsOf } from "../../src/apache-config/doors.ts";
import { answersEarly } from "../../src/apache-config/early-answers.ts";
import { findApache } from "../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../src/apache-config/reader.ts";
import { serversOf } from "../../src/apache-config/servers.ts";
import { startApache } from "../apache.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { missing } from "../requirements.ts";

const PATH = "/robots.txt";
const CASES: readonly (readonly [text: string, any: boolean, robots: boolean])[] = [
  ["Redirect 404 /", true, true],
  ["Redirect gone /robots.txt", true, true],
  ["Redirect 410 /robots", true, false],
  ["Redirect 404 /old", true, false],
  ["RedirectMatch 404 /\\.git", true, false],
  ['RedirectMatch 404 "^/rob"', true, true],
  ["RedirectMatch gone (a*)*(b*)*(c*)*$", true, true],
  ["RewriteEngine On\nRewriteRule ^/robots - [R=404,L]", true, true],
  ["RewriteEngine On\nRewriteRule ^/other - [L,G]", true, false],
  ["RewriteEngine On\nRewriteRule !^/robots - [gone]", true, true],
  ["RewriteEngine On\nRewriteRule ^/robots - [F]", false, false],
  ["RewriteEngine On\nRewriteRule ^/ROBOTS - [NC,R=404]", true, true],
  ["RewriteEngine On\nRewriteRule ^/ROBOTS - [R=404]", true, false],
  ["RewriteEngine On\nRewriteRule ^/robots - [redirect=410]", true, true],
  ["Redirect 301 /robots.txt /other", false, false],
  ["<Location /robots.txt>\nRedirect 404\n</Location>", true, true],
  ['<Directory "ROOT/site">\nRedirect 404 /robots.txt\n</Directory>', false, false],
  ['<Directory "ROOT/site">\nRewriteEngine On\nRewriteRule ^robots - [R=404]\n</Directory>', false, false],
];
/** Patterns that are not compared, and so taken for ones that hold. */
const UNTOLD = ["(a*)", "!^"];

const read = (config: string) =>
  readApacheConfig(findApache(folderWith({ "etc/apache2/apache2.conf": config }), null)!);

describe("answers that come before access is checked", () => {
  test.for(CASES)("%s: for some path %s, for /robots.txt %s", ([text, any, robots]) => {
    const config = read(`Listen 80\n<VirtualHost *:80>\nServerName site.example\n${text}\n</VirtualHost>\n`);
    expect([answersEarly(serversOf(config), null), answersEarly(serversOf(config), PATH)]).toEqual([
      any,
      robots,
    ]);
  });

  test("are told of the doors that have them, by the vhost's own words or the server's", () => {
    const vhost = (name: string, text = "") =>
      `<VirtualHost *:80>\nServerName ${name}.example\n${text}\n</VirtualHost>\n`;
    const early = (text: string) =>
      doorsOf(read(text)).map((door) => [door.name, door.answersEarly ?? false]);
    expect(early(`Listen 80\n${vhost("a")}${vhost("b", "Redirect 404 /")}`)).toEqual([
      ["a.example", false],
      ["b.example", true],
    ]);
    expect(early(`Listen 80\nRedirectMatch 404 txt$\n${vhost("a")}`)).toEqual([["a.example", true]]);
  });
});

describe.skipIf(missing("root", "apache2", "netns"))("a real Apache", () => {
  const BANNED = "198.51.100.7";

  test("gives them to who is banned just where they are read, or where that cannot be told", async () => {
    const vhost = (root: string, [text]: (typeof CASES)[number], at: number) =>
      `<VirtualHost *:80>\nServerName v${at}.example\nDocumentRoot ${root}/site\n${text.replace("ROOT", root)}\n</VirtualHost>\n`;
    await using apache = await startApache({
      config: (root) =>
        `<If "%{REMOTE_ADDR} == '${BANNED}'">\nRequire all denied\n</If>\n${CASES.map((each, at) => vhost(root, each, at)).join("")}`,
    });
    for (const [at, [text, , robots]] of CASES.entries()) {
      const raw = `HEAD ${PATH} HTTP/1.1\r\nHost: v${at}.example\r\nConnection: close\r\n\r\n`;
      const { status } = await apache.request({ from: BANNED, path: PATH, raw });
      if (status === 404 || status === 410) expect(robots, text).toBe(true);
      else if (!UNTOLD.some((each) => text.includes(each))) expect(robots, text).toBe(false);
    }
  });
});

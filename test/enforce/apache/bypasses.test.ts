import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { bypassesOf } from "../../../src/apache-config/bypasses.ts";
import { findApache } from "../../../src/apache-config/layout.ts";
import { readApacheConfig } from "../../../src/apache-config/reader.ts";
import { serversOf } from "../../../src/apache-config/servers.ts";
import { apacheSnippet } from "../../../src/enforce/apache/snippet.ts";
import { type Apache, startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";

const BY_FILE = "198.51.100.7";
const BY_LIST = "203.0.113.7";
const NEIGHBOUR = "198.51.100.8";
const MODULES = ["access_compat", "cache", "cache_disk"];
const ANN = { Authorization: `Basic ${btoa("ann:secret")}` };

interface Case {
  readonly name: string;
  /** In the vhost, unless at server level before or behind the snippet. `AT` is a path of its own, `HERE` the section's end. */
  readonly text: string;
  readonly where?: "before" | "behind";
  /** What the finding's hint comes to; without it, each of the two that a section's hint names. */
  readonly instead?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const anIf = (name: string, content: string, more: Partial<Case> = {}): Case => ({
  name,
  text: `<If "%{REQUEST_URI} =~ m#^AT/#">\n${content}\nHERE\n</If>`,
  ...more,
});
const within = (name: string, opening: string, more: Partial<Case> = {}): Case => ({
  name,
  text: `<${opening}>\n<If "true">\nRequire all granted\nHERE\n</If>\n</${opening.split(" ")[0]}>`,
  ...more,
});

const CASES: readonly Case[] = [
  anIf("an <If> that grants", "Require all granted"),
  anIf("an <If> that grants, joined by And", "AuthMerging And\nRequire all granted"),
  anIf("an <If> that grants, joined by Or", "AuthMerging Or\nRequire all granted"),
  anIf("an <If> for some, joined by Or", "AuthMerging Or\nRequire ip 198.51.100 203.0.113"),
  anIf("an <If> that says AuthMerging Off", "AuthMerging Off"),
  anIf("an <If> that says AuthMerging And", "AuthMerging And"),
  anIf("an <If> that says AuthMerging Or", "AuthMerging Or"),
  anIf("an <If> that denies", "Require all denied"),
  anIf("an <If> that denies, joined by Or", "AuthMerging Or\nRequire all denied"),
  anIf("an <If> about something else", "Header set X-Other yes"),
  anIf(
    "an <If> for who has a password",
    'AuthType Basic\nAuthName x\nAuthUserFile "passwords"\nRequire valid-user',
    {
      headers: ANN,
    },
  ),
  anIf(
    "an <If> with <RequireAny>",
    "<RequireAny>\nRequire all denied\nRequire ip 198.51.100 203.0.113\n</RequireAny>",
  ),
  anIf(
    "an <If> with <RequireAll>",
    "<RequireAll>\nRequire all granted\nRequire not ip 10.1.1.1\n</RequireAll>",
  ),
  anIf(
    "an <If> with <RequireAll> that denies",
    "<RequireAll>\nRequire all granted\nRequire all denied\n</RequireAll>",
  ),
  anIf("an <If> that denies another method", "<Limit POST>\nRequire all denied\n</Limit>"),
  anIf("an <If> that denies all methods but this", "<LimitExcept GET>\nRequire all denied\n</LimitExcept>"),
  anIf("an <If> with Allow from all", "Order deny,allow\nAllow from all"),
  anIf("an <If> with Deny from all", "Order allow,deny\nDeny from all"),
  anIf("an <If> with Satisfy Any", "Satisfy Any", { instead: "" }),
  anIf("an <If> with Satisfy Any and a denial", "Satisfy Any\nRequire all denied", { instead: "" }),
  anIf("an <If> with Satisfy Any and Deny from all", "Order allow,deny\nDeny from all\nSatisfy Any", {
    instead: "",
  }),
  {
    name: "an <ElseIf>",
    text: '<If "%{REQUEST_URI} =~ m#^AT-/#">\n</If>\n<ElseIf "%{REQUEST_URI} =~ m#^AT/#">\nRequire all granted\nHERE\n</ElseIf>',
  },
  {
    name: "an <Else>",
    text: '<If "%{REQUEST_URI} !~ m#^AT/#">\n</If>\n<Else>\nRequire all granted\nHERE\n</Else>',
  },
  {
    name: "an <If> in an <If>",
    text: '<If "%{REQUEST_URI} =~ m#^AT/#">\n<If "true">\nRequire all granted\nHERE\n</If>\n</If>',
  },
  within("an <If> in a <Location>", "Location AT/"),
  within("an <If> in a <LocationMatch>", "LocationMatch ^AT/"),
  within("an <If> in a <Directory>", 'Directory "ROOT/siteAT"'),
  within("an <If> in a <Files>", "Files index.html", {
    text: '<Directory "ROOT/siteAT">\n<Files "*.html">\n<If "true">\nRequire all granted\nHERE\n</If>\n</Files>\n</Directory>',
  }),
  within("an <If> in a <Location> at server level, before the snippet", "Location AT/", { where: "before" }),
  within("an <If> in a <Directory> at server level, before the snippet", 'Directory "ROOT/siteAT"', {
    where: "before",
  }),
  within("an <If> in a <Location> at server level, behind the snippet", "Location AT/", { where: "behind" }),
  anIf("an <If> at server level before the snippet", "Require all granted", { where: "before" }),
  anIf("an <If> at server level behind the snippet", "Require all granted", { where: "behind" }),
  {
    name: "an <If> in an <If> at server level before the snippet",
    where: "before",
    text: '<If "%{REQUEST_URI} =~ m#^AT/#">\n<If "true">\nRequire all granted\nHERE\n</If>\n</If>',
  },
  { name: "a <Location> that grants", text: "<Location AT/>\nRequire all granted\n</Location>" },
  {
    name: "a <Location> that says AuthMerging Off",
    text: "<Location AT/>\nAuthMerging Off\nRequire all granted\n</Location>",
  },
  {
    name: "a <LocationMatch> that grants",
    text: "<LocationMatch ^AT/>\nRequire all granted\n</LocationMatch>",
  },
  { name: "a <Directory> that grants", text: '<Directory "ROOT/siteAT">\nRequire all granted\n</Directory>' },
  { name: "a <Location> with Satisfy Any", text: "<Location AT/>\nSatisfy Any\n</Location>", instead: "" },
  {
    name: "a <Location> with Satisfy Any, Deny from all and Allow",
    text: "<Location AT/>\nOrder deny,allow\nDeny from all\nAllow from 203.0.113 198.51.100\nSatisfy Any\n</Location>",
    instead: "",
  },
  {
    name: "a <Location> with Satisfy Any and Deny from all",
    text: '<Location AT/>\nOrder allow,deny\nDeny from all\nAuthType Basic\nAuthName x\nAuthUserFile "passwords"\nRequire valid-user\nSatisfy Any\n</Location>',
    headers: ANN,
  },
  {
    name: "a <Proxy> that grants",
    text: '<Proxy "http://127.0.0.1:9001/*">\nRequire all granted\n</Proxy>\nProxyPass AT/ http://127.0.0.1:9001/',
  },
  { name: "mod_cache", text: "CacheEnable disk AT/", instead: "CacheEnable disk AT/\nCacheQuickHandler off" },
  { name: "mod_cache in a <Location>", text: "<Location AT/>\nCacheEnable disk\n</Location>", instead: "" },
];
const slug = (at: number): string => `/case-${at}`;
const sections = (snippet: string): string => snippet.slice(snippet.indexOf("# The ban directory"));

/** Starts an Apache with the snippet and all cases, each in a file of its own. */
async function start(change: (text: string, each: Case, snippet: string) => string): Promise<Apache> {
  const placed = (where: Case["where"]) =>
    CASES.flatMap((each, at) => (each.where === where ? [`Include case-${at}.conf`] : [])).join("\n");
  return startApache({
    config(root) {
      mkdirSync(join(root, "banned"), { mode: 0o711 });
      writeFileSync(join(root, "banned", BY_FILE), "");
      writeFileSync(join(root, "list.conf"), `Require not ip ${BY_LIST}\n`);
      mkdirSync(join(root, "cache"));
      chmodSync(join(root, "cache"), 0o777);
      const logged = { logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" };
      const snippet = apacheSnippet({
        directory: join(root, "banned"),
        includeFile: join(root, "list.conf"),
        ...logged,
      });
      for (const [at, each] of CASES.entries()) {
        mkdirSync(join(root, "site", slug(at)));
        writeFileSync(join(root, "site", slug(at), "index.html"), "x");
        const text = change(each.text, each, snippet).replaceAll("AT", slug(at)).replaceAll("ROOT", root);
        writeFileSync(join(root, `case-${at}.conf`), text.replaceAll("HERE", ""));
      }
      const modules = MODULES.map(
        (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so\n`,
      );
      const cache = `CacheRoot ${root}/cache\nCacheIgnoreNoLastMod On\nCacheMinExpire 1000\n`;
      return `${modules.join("")}${cache}${placed("before")}\n${snippet}\n${placed("behind")}\n`;
    },
    site: placed(undefined),
  });
}

interface Outcome {
  readonly name: string;
  /** Who is let in though banned. */
  readonly passes: "nobody" | "all" | "list";
}

/** What each case does, asked of Apache. */
async function measured(apache: Apache): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [at, { name, headers = {} }] of CASES.entries()) {
    const status = async (from: string) =>
      (await apache.request({ from, path: `${slug(at)}/index.html`, headers })).status;
    await status(NEIGHBOUR);
    const [file, list] = [(await status(BY_FILE)) !== 403, (await status(BY_LIST)) !== 403];
    outcomes.push({ name, passes: file ? "all" : list ? "list" : "nobody" });
    expect(file && !list, `${name}: both, or the list alone`).toBe(false);
  }
  return outcomes;
}

const findings = (apache: Apache) => {
  const config = readApacheConfig(findApache("/", join(apache.root, "apache.conf"))!);
  return bypassesOf(config, serversOf(config));
};

/** The same, as it is found by reading. */
function found(apache: Apache): Outcome[] {
  const problems = findings(apache);
  return CASES.map(({ name }, at) => {
    const own = problems.filter(({ place }) => basename(place!.file) === `case-${at}.conf`);
    expect(own.length, name).toBeLessThan(3);
    const passes =
      own.length === 0 ? "nobody" : own.some(({ message }) => !message.includes("list")) ? "all" : "list";
    return { name, passes };
  });
}

describe.skipIf(missing("root", "apache2", "netns"))("places that let in who is banned", () => {
  test("are found exactly where a real Apache lets them in", async () => {
    await using apache = await start((text) => text);
    const real = await measured(apache);
    expect(found(apache)).toEqual(real);
    expect(real.filter(({ passes }) => passes === "all").length).toBeGreaterThan(20);
    expect(real.filter(({ passes }) => passes === "list").length).toBeGreaterThan(1);
  });

  test.for([
    { remedy: "AuthMerging And", written: () => "AuthMerging And" },
    { remedy: "a copy of the snippet's sections", written: (snippet: string) => sections(snippet) },
  ])("are closed by what the hint says: $remedy", async ({ remedy, written }) => {
    await using apache = await start((text, { instead }, snippet) =>
      instead === undefined ? text.replace("HERE", written(snippet)) : instead,
    );
    expect((await measured(apache)).filter(({ passes }) => passes !== "nobody")).toEqual([]);
    if (remedy === "AuthMerging And") expect(findings(apache)).toEqual([]);
  });
});

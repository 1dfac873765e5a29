import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { initCommand } from "../../src/cli/init.ts";
import { loadConfig } from "../../src/config/load.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { checkFormat } from "../../src/setup.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";

const APACHE = `ServerRoot /etc/apache2
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%t %a %>s \\"%r\\" it's" own
CustomLog /var/log/apache2/access.log combined
GlobalLog "|/usr/bin/logger" combined
ErrorLogFormat "[%t] [%-m:%l] [pid %P] [client %a] %M"
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 10.0.0.0/8
<VirtualHost *:443>
  ServerName chat.example
  SSLEngine on
  CustomLog "/var/log/apache2/chat: own.log" own
  ProxyPass /ws ws://127.0.0.1:9001/
</VirtualHost>
`;

const site = (config = APACHE) =>
  folderWith({ "etc/apache2/apache2.conf": config, "var/log/apache2/access.log": "" });
const init = (cwd: string, ...args: string[]) =>
  commandLine(["init", "--root", cwd, ...args], (context) => [initCommand(context)], { cwd });
/** As on the machine itself: Apache's paths are its own. */
const initHere = (cwd: string, ...args: string[]) =>
  commandLine(
    ["init", "--apache-config", join(cwd, "etc/apache2/apache2.conf"), ...args],
    (context) => [initCommand(context)],
    { cwd },
  );
const load = (cwd: string, file = join(cwd, "sekisho.yaml")) =>
  loadConfig({ file, cwd, checkFormat, root: cwd });
const modeOf = (path: string) => statSync(path).mode & 0o777;

describe("init", () => {
  test("shows what was found, where, and what it leads to, and writes nothing", async () => {
    const cwd = site();
    const { status, stdout, stderr } = await init(cwd);
    expect([status, stderr]).toEqual([0, ""]);
    for (const said of [
      `Apache: ${cwd}/etc/apache2/apache2.conf\n`,
      "chat.example  *:443  TLS  apache2.conf:9",
      "/var/log/apache2/access.log",
      "|/usr/bin/logger  is piped to logger",
      "10.0.0.0/8  apache2.conf:8",
      "https://chat.example",
      "chat: own.log does not show Origin and Upgrade",
      "chat: own.log is not there yet",
      "Nothing was written.",
    ])
      expect(stdout).toContain(said);
    expect(readdirSync(cwd)).toEqual(["etc", "var"]);
  });

  test("--write makes a configuration that says the same, whatever signs are in it", async () => {
    const cwd = site();
    const { status, stdout } = await init(cwd, "--write", "made/here/sekisho.yaml");
    expect(status).toBe(0);
    const file = join(cwd, "made/here/sekisho.yaml");
    expect(stdout).toContain(
      `Written: ${file}.\nNow: sekisho check --config ${file} && sekisho run --config ${file}\n`,
    );
    expect(modeOf(file)).toBe(0o640);
    const { config, warnings } = load(cwd, file);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      mode: "observe",
      data: join(cwd, "made/here/data"),
      logs: [
        { path: join(cwd, "var/log/apache2/access.log"), kind: "access", format: "combined" },
        { path: join(cwd, "var/log/apache2/chat: own.log"), kind: "access", format: `%t %a %>s "%r" it's` },
        { kind: "error", format: "[%t] [%-m:%l] [pid %P] [client %a] %M" },
      ],
      origins: ["https://chat.example"],
      trustedProxies: ["10.0.0.0/8"],
    });
  });

  test("without a name goes where run looks: ./sekisho.yaml if there is one", async () => {
    const cwd = site();
    writeFileSync(join(cwd, "sekisho.yaml"), "mode: enforce\n");
    const { status, stdout, stderr } = await initHere(cwd, "--write");
    expect([status, stderr]).toEqual([
      1,
      `sekisho: ${cwd}/sekisho.yaml is there already and was left as it is\n` +
        "hint: `sekisho init` shows what would change; --force changes it and keeps a copy\n",
    ]);
    expect(stdout).toContain(`${cwd}/sekisho.yaml, line by line\n  added  logs `);
    expect(readFileSync(join(cwd, "sekisho.yaml"), "utf8")).toBe("mode: enforce\n");
  });

  test("--force changes what Apache speaks of and keeps all else, comments too, line by line", async () => {
    const cwd = site();
    const file = join(cwd, "sekisho.yaml");
    const before = `# Ours, by hand.
mode: enforce # since March
data: state
logs:
  # the old place
  - path: /var/log/apache2/gone.log
  # the clock there is wrong
  - path: ${cwd}/var/log/apache2/access.log
    format: common
    timezone: Asia/Tokyo # yes
  - { path: audit.jsonl, kind: audit, mayBan: [auth.failed] }
origins: [https://other.example] # partners
allowlist:
  - 192.0.2.10 # office
enforcers:
  apache-directory: { directory: /run/sekisho/banned }
# The end.
`;
    writeFileSync(file, before);
    const { status, stdout } = await init(cwd, "--write", "sekisho.yaml", "--force");
    expect(status).toBe(0);
    const backup = `${file}.20261120T120000Z`;
    expect(stdout).toContain(
      `Written: ${file}. What was there is ${backup}.\nNow: sekisho check && sekisho run\n`,
    );
    expect(readFileSync(backup, "utf8")).toBe(before);
    const own = `${cwd}/var/log/apache2/chat: own.log`;
    expect(stdout.split(", line by line\n")[1]!.split("\n\n")[0]!.replace(/ {2,}/g, " ").split("\n")).toEqual(
      [
        " removed logs access /var/log/apache2/gone.log",
        ` changed logs access ${cwd}/var/log/apache2/access.log`,
        " kept logs audit audit.jsonl",
        ` added logs access ${own}`,
        ` added logs error ${cwd}/etc/apache2/logs/error_log`,
        " kept origins https://other.example",
        " added origins https://chat.example",
        " added trustedProxies 10.0.0.0/8",
        " kept mode as it is",
        " kept data as it is",
        " kept allowlist as it is",
        " kept enforcers as it is",
      ],
    );
    const text = readFileSync(file, "utf8");
    for (const comment of ["# Ours, by hand.", "enforce # since March", "# the clock there is wrong"])
      expect(text).toContain(comment);
    for (const comment of ["Asia/Tokyo # yes", "# partners", "192.0.2.10 # office", "# The end.\n"])
      expect(text).toContain(comment);
    expect(text).not.toContain("the old place");
    expect(load(cwd).config).toMatchObject({
      mode: "enforce",
      data: join(cwd, "state"),
      logs: [
        { path: join(cwd, "var/log/apache2/access.log"), format: "combined", timezone: "Asia/Tokyo" },
        { path: join(cwd, "audit.jsonl"), kind: "audit", mayBan: ["auth.failed"] },
        { path: own, kind: "access" },
        { kind: "error" },
      ],
      origins: ["https://other.example", "https://chat.example"],
      trustedProxies: ["10.0.0.0/8"],
      allowlist: ["192.0.2.10/32"],
      enforcers: { "apache-directory": { directory: "/run/sekisho/banned" } },
    });
    expect(readdirSync(cwd).filter((name) => name.startsWith("."))).toEqual([]);

    // The same again has nothing to do, and writes nothing.
    const again = await init(cwd, "--write", "sekisho.yaml", "--force");
    expect([again.status, again.stdout]).toEqual([0, expect.stringContaining("says all of this already.\n")]);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  test("--force writes through a link, and leaves it a link", async () => {
    const cwd = site();
    mkdirSync(join(cwd, "real"));
    writeFileSync(join(cwd, "real/site.yaml"), "");
    symlinkSync("real/site.yaml", join(cwd, "sekisho.yaml"));
    expect((await init(cwd, "--write", "sekisho.yaml", "--force")).status).toBe(0);
    expect(readdirSync(join(cwd, "real"))).toEqual(["site.yaml", "site.yaml.20261120T120000Z"]);
    expect(load(cwd).config.logs).toHaveLength(3);
  });

  test.each([
    ["is no YAML", "mode: [enforce\n", "sekisho.yaml:"],
    ["is no configuration", "mood: enforce\n", "mood"],
    [
      "means more by a value than it says",
      "origins: &o\n  - https://a.example\ndashboard: { hosts: [a.example] }\nlogs: []\nallowlist: &t [192.0.2.1]\ntrustedProxies: *t\n",
      "cannot be changed without changing more",
    ],
  ])("--force leaves a file alone that %s", async (_what, before, said) => {
    const cwd = site();
    const file = join(cwd, "sekisho.yaml");
    writeFileSync(file, before);
    const { status, stderr } = await init(cwd, "--write", "sekisho.yaml", "--force");
    expect(status).toBe(2);
    expect(stderr).toContain(said);
    expect(stderr).toContain("hint: correct the file first");
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readdirSync(cwd).sort()).toEqual(["etc", "sekisho.yaml", "var"]);
    const shown = await init(cwd, "--write", "sekisho.yaml", "--json");
    expect(shown.status).toBe(1);
    const seen = await initHere(cwd);
    expect([seen.status, seen.stdout]).toEqual([0, expect.stringContaining("cannot be changed: ")]);
  });

  test("beside a daemon that runs says how it reads what was written", async () => {
    const cwd = site();
    mkdirSync(join(cwd, "data"));
    const whereabouts = { pid: process.pid, url: "http://127.0.0.1:7080", database: "x" };
    writeFileSync(join(cwd, "data/daemon.json"), JSON.stringify(whereabouts));
    const { stdout } = await init(cwd, "--write", "sekisho.yaml");
    expect(stdout).toContain(`Now: kill -HUP ${process.pid}\n`);
    expect(stdout).not.toContain("sekisho run");
  });

  test("names the command as it was called", async () => {
    const cwd = site();
    const { stdout } = await commandLine(
      ["init", "--root", cwd, "--write", "sekisho.yaml"],
      (context) => [initCommand(context)],
      { cwd, env: { SEKISHO_CALLED_AS: "./bin/sekisho" } },
    );
    expect(stdout).toContain("Now: ./bin/sekisho check && ./bin/sekisho run\n");
  });

  test("--root without a file's name writes nothing: its paths are not this machine's", async () => {
    const cwd = site();
    const { status, stdout, stderr } = await init(cwd, "--write");
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe(
      "sekisho: with --root, --write must name the file: what was found there is not this machine's Apache\n" +
        "hint: sekisho init --root DIR --write ./sekisho.yaml\n",
    );
    expect(readdirSync(cwd)).toEqual(["etc", "var"]);
    const { stdout: seen } = await init(cwd);
    expect(seen).toContain("--write FILE makes FILE");
    expect(seen).not.toContain("/etc/sekisho/");
  });

  test("without origins says what an Origin is compared with", async () => {
    const { stdout } = await init(site('CustomLog /var/log/apache2/access.log "%h %t %>s"\n'));
    expect(stdout).toContain("  none: an Origin is compared with the host that was asked for\n");
  });

  test("enforcers stand behind a # that needs only to be taken away", async () => {
    const cwd = site();
    await init(cwd, "--write", "sekisho.yaml");
    const file = join(cwd, "sekisho.yaml");
    expect(load(cwd).config.enforcers).toEqual({});
    const text = readFileSync(file, "utf8");
    const at = text.indexOf("#enforcers:");
    writeFileSync(file, text.slice(0, at) + text.slice(at).replace(/^#/gm, ""));
    expect(load(cwd).config.enforcers).toMatchObject({
      "apache-directory": { directory: "/run/sekisho/banned" },
      "apache-include": { control: "apache2ctl" },
    });
  });

  test("enforcers are in force where Apache has the snippet, with its paths; the mode observes", async () => {
    const snippet = apacheSnippet({
      directory: "/srv/banned",
      includeFile: "/srv/list.conf",
      logFormat: "%a",
      tlsLogFormat: "%a",
      openingMessage: "x",
    });
    const cwd = site(`${APACHE}${snippet}`);
    const { status, stdout } = await initHere(cwd, "--write", "made.yaml");
    expect(status).toBe(0);
    expect(stdout).toContain("mod_log_debug is not loaded, so WebSockets are seen only when they close");
    expect(stdout).toContain("a2enmod log_debug");
    expect(stdout).toContain(`take the # off one GlobalLog line in ${cwd}/etc/apache2/apache2.conf, `);
    const { config } = load(cwd, join(cwd, "made.yaml"));
    expect(config.mode).toBe("observe");
    expect(config.enforcers).toMatchObject({
      "apache-directory": { directory: "/srv/banned" },
      "apache-include": { file: "/srv/list.conf", control: "apache2ctl" },
    });
    expect((await initHere(cwd, "--write", "made.yaml", "--force")).stdout).not.toContain(
      "names no enforcers",
    );
  });

  test("a file from before Apache had the snippet is told to name no enforcers yet", async () => {
    const cwd = site();
    await initHere(cwd, "--write", "made.yaml");
    const config = join(cwd, "etc/apache2/apache2.conf");
    const directory = "/srv/banned";
    const rest = { includeFile: "/srv/list.conf", logFormat: "%a", tlsLogFormat: "%a", openingMessage: "x" };
    writeFileSync(config, `${readFileSync(config, "utf8")}${apacheSnippet({ directory, ...rest })}`);
    const { stdout } = await initHere(cwd, "--write", "made.yaml", "--force");
    expect(stdout).toContain(`Apache has the snippet, and ${cwd}/made.yaml names no enforcers`);
  });

  test("--json prints JSON and nothing else, and says what was written", async () => {
    const cwd = site();
    const { status, stdout } = await init(cwd, "--json", "--write", "x.yaml");
    expect(status).toBe(0);
    const plan = JSON.parse(stdout);
    expect(plan.apache.config).toBe(join(cwd, "etc/apache2/apache2.conf"));
    expect(plan.vhosts).toEqual([
      {
        names: ["chat.example"],
        addresses: [{ host: "*", port: 443 }],
        tls: true,
        at: `${cwd}/etc/apache2/apache2.conf:9`,
      },
    ]);
    expect(plan.logs.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
      ...["cannot be read", "read", "read", "read"],
    ]);
    expect(plan.configuration).toEqual({
      file: join(cwd, "x.yaml"),
      text: readFileSync(join(cwd, "x.yaml"), "utf8"),
      changes: null,
      refused: null,
      written: true,
      backup: null,
    });
  });

  test("that finds no log to read writes nothing, and says so by its status", async () => {
    const cwd = site('CustomLog "|/usr/bin/logger" combined\nErrorLog syslog');
    const { status, stdout } = await init(cwd, "--write", "x.yaml");
    expect(status).toBe(1);
    expect(stdout).toContain("Nothing was written, since there would be nothing to read.\n");
    expect(readdirSync(cwd)).toEqual(["etc", "var"]);
  });

  test("without Apache says where it looked", async () => {
    const cwd = folderWith();
    const { status, stdout, stderr } = await init(cwd);
    expect([status, stdout]).toEqual([3, ""]);
    expect(stderr).toContain(
      `sekisho: no Apache was found: there is none of ${cwd}/etc/apache2/apache2.conf, `,
    );
    expect(stderr).toContain("hint: name its main file: sekisho init --apache-config FILE.");
    const named = await init(cwd, "--apache-config", "gone.conf");
    expect([named.status, named.stderr.split("\n")[0]]).toEqual([
      3,
      `sekisho: ${cwd}/gone.conf: there is no such file`,
    ]);
  });

  test("that may not write says what to do", async () => {
    const cwd = site();
    writeFileSync(join(cwd, "file"), "");
    const { status, stderr } = await init(cwd, "--write", "file/sekisho.yaml");
    expect(status).toBe(3);
    expect(stderr).toMatch(
      /^sekisho: cannot write .*\/file\/sekisho.yaml: .*\nhint: run it as root, or name a file of yours/,
    );
  });

  test("--force alone is wrong usage", async () => {
    expect(await init(site(), "--force")).toMatchObject({ status: 2, stdout: "" });
  });

  test("a configuration that was left by a group keeps it", async () => {
    const cwd = site();
    const file = join(cwd, "sekisho.yaml");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    const before = statSync(file);
    await init(cwd, "--write", "sekisho.yaml", "--force");
    expect(statSync(file)).toMatchObject({ uid: before.uid, gid: before.gid });
    expect(modeOf(file)).toBe(0o640);
  });
});

test("whatever Apache's configuration says, init ends, and what it makes is a configuration", {
  timeout: 60_000,
}, async () => {
  const directive = fc.constantFrom(
    ...[
      "CustomLog",
      "ErrorLog",
      "LogFormat",
      "ServerName",
      "ServerAlias",
      "ProxyPass",
      "RewriteRule",
      "Define",
      "Use",
    ],
    ...[
      "<VirtualHost",
      "</VirtualHost>",
      "<Macro",
      "</Macro>",
      "<IfModule",
      "</IfModule>",
      "<Location",
      "Include",
    ],
    ...[
      "RemoteIPInternalProxy",
      "RemoteIPHeader",
      "TransferLog",
      "GlobalLog",
      "ErrorLogFormat",
      "ServerRoot",
    ],
  );
  const word = fc.oneof(
    fc.constantFrom(
      "*:443>",
      "combined",
      '"%h %t %>s"',
      "%t %a %>s",
      "ws://x/",
      "https://a.example",
      "|rotatelogs /l/%Y 1M",
    ),
    fc.constantFrom(
      `\${V}`,
      "V",
      "$x",
      "\\",
      '"',
      "*.example",
      "..",
      "/l/a*",
      "upgrade=websocket",
      "[P]",
      "- x: y",
      "#",
      "'",
    ),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  const line = fc
    .tuple(directive, fc.array(word, { maxLength: 4 }))
    .map(([name, words]) => `${name} ${words.join(" ")}`);
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), async (lines) => {
      const cwd = site(`CustomLog /var/log/apache2/access.log "%h %t %>s"\n${lines.join("\n")}`);
      const { status, stdout } = await init(cwd, "--write", "made.yaml", "--json");
      if (status === 1) return;
      expect([status, JSON.parse(stdout).configuration.written]).toEqual([0, true]);
      load(cwd, join(cwd, "made.yaml"));
    }),
    { numRuns: 100 },
  );
});

test("a log that this user may not read is named with the way to it", () => {
  const cwd = site();
  chmodSync(join(cwd, "var/log/apache2"), 0o700);
  const src = join(import.meta.dirname, "../../src");
  const notes = asNobody(
    join(src, "cli/init-reading.ts"),
    "readingNotes",
    `return readingNotes(planFor(findApache(${JSON.stringify(cwd)}, null)));`,
    { [join(src, "cli/init-plan.ts")]: "planFor", [join(src, "apache-config/layout.ts")]: "findApache" },
  ) as { message: string; hint: string }[];
  expect(notes.map(({ message }) => message.replaceAll(cwd, ""))).toEqual([
    "this user may not read /var/log/apache2",
    "/etc/apache2/logs is not there yet",
  ]);
  expect(notes[0]!.hint).toContain(`setfacl -R -m u:USER:rX ${cwd}/var/log/apache2`);
});

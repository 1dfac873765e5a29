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
    const refused = await init(cwd, "--write");
    expect([refused.status, refused.stderr]).toEqual([
      1,
      `sekisho: ${cwd}/sekisho.yaml is there already and was left as it is\n` +
        "hint: compare it with what is shown above; --force replaces it and keeps a copy\n",
    ]);
    expect(readFileSync(join(cwd, "sekisho.yaml"), "utf8")).toBe("mode: enforce\n");

    const { status, stdout } = await init(cwd, "--write", "--force");
    expect(status).toBe(0);
    const backup = join(cwd, "sekisho.yaml.20261120T120000Z");
    expect(stdout).toContain(
      `Written: ${cwd}/sekisho.yaml. What was there is ${backup}.\nNow: sekisho check && sekisho run\n`,
    );
    expect(readFileSync(backup, "utf8")).toBe("mode: enforce\n");
    expect(load(cwd).config.mode).toBe("observe");
    expect(readdirSync(cwd).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("--force writes through a link, and leaves it a link", async () => {
    const cwd = site();
    mkdirSync(join(cwd, "real"));
    writeFileSync(join(cwd, "real/site.yaml"), "");
    symlinkSync("real/site.yaml", join(cwd, "sekisho.yaml"));
    expect((await init(cwd, "--write", "--force")).status).toBe(0);
    expect(readdirSync(join(cwd, "real"))).toEqual(["site.yaml", "site.yaml.20261120T120000Z"]);
    expect(load(cwd).config.logs).toHaveLength(3);
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
    await init(cwd, "--write", "--force");
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
    `const { planFor } = await import(${JSON.stringify(`file://${src}/cli/init-plan.ts`)});
     const { findApache } = await import(${JSON.stringify(`file://${src}/apache-config/layout.ts`)});
     return readingNotes(planFor(findApache(${JSON.stringify(cwd)}, null)));`,
  ) as { message: string; hint: string }[];
  expect(notes.map(({ message }) => message.replaceAll(cwd, ""))).toEqual([
    "this user may not read /var/log/apache2",
    "/etc/apache2/logs is not there yet",
  ]);
  expect(notes[0]!.hint).toContain(`setfacl -R -m u:USER:rX ${cwd}/var/log/apache2`);
});

import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initCommand } from "../../src/cli/init.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
import { APACHE, init, initHere, load, site } from "./init-site.ts";

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

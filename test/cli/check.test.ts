import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkCommand } from "../../src/cli/check.ts";
import { checkApache } from "../../src/cli/check-apache.ts";
import type { CheckStages } from "../../src/cli/check-report.ts";
import { checkRotation } from "../../src/cli/check-rotation.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { loadRuleSet } from "../../src/config/load-rules.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/check-report.ts";

const LINE = '192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n';

const stages = (change: Partial<CheckStages> = {}): CheckStages => ({
  checkFormat: (_kind, format) => {
    if (!format.includes("%Q")) return;
    throw new SekishoError("LOG_FORMAT_INVALID", "there is no directive %Q", "write one of mod_log_config's");
  },
  checkRules: (folder, siteRules) => loadRuleSet(folder, siteRules),
  shippedRules: join(import.meta.dirname, "../../rules"),
  detectFormat: (lines) => (lines[0]?.includes('"GET') ? "combined" : null),
  probeEnforcers: async () => [],
  checkListen: async () => null,
  checkToken: () => null,
  probeCut: async () => null,
  checkRotation: () => [],
  checkApache: async () => [],
  checkLists: async () => [],
  ...change,
});

const check = (cwd: string, argv: readonly string[] = [], change?: Partial<CheckStages>) =>
  commandLine(["check", ...argv], (context) => [checkCommand(context, stages(change))], { cwd });

describe("check", () => {
  test("of what would run is status 0, shows it, and changes nothing", async () => {
    const cwd = folderWith({
      "sekisho.yaml": "data: data\nlogs: [{ path: '*access.log' }]",
      "site-access.log": LINE,
    });
    const { status, stdout, stderr } = await check(cwd);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/ok +\S+site-access\.log +access +combined\n/);
    expect(stdout).toMatch(/rules +\d+ from .*rules\n/);
    expect(stdout).toContain("Nothing is in the way.");
    expect(readdirSync(cwd).sort()).toEqual(["sekisho.yaml", "site-access.log"]);
  });

  test("shows the format of an error log, where it has one of its own", async () => {
    const cwd = folderWith({
      "sekisho.yaml":
        "data: data\nlogs:\n  - { path: error.log, kind: error }\n  - { path: own.log, kind: error, format: '[%t] %M' }",
      "error.log": "",
      "own.log": "",
    });
    const { stdout } = await check(cwd);
    expect(stdout).toMatch(/ok +\S+\/error\.log +error +error\n/);
    expect(stdout).toMatch(/ok +\S+\/own\.log +error +\[%t\] %M\n/);
  });

  test("lists what the site's own folder adds and changes", async () => {
    const cwd = folderWith({
      "sekisho.yaml": "data: data\nlogs: []",
      "rules.d/repeated-403.yaml": "bucket: { count: 30 }\nmode: observe\n",
    });
    const { stdout } = await check(cwd);
    expect(stdout).toMatch(/rules +\d+ from .*rules; 0 added and 1 changed in .*\/rules\.d\n/);
    expect(stdout).toMatch(/changed +repeated-403 +bucket\.count 30, was 10; mode observe\n/);
    const { siteRules } = JSON.parse((await check(cwd, ["--json"])).stdout);
    expect(siteRules).toMatchObject([{ id: "repeated-403", kind: "changed" }]);
  });

  test("a log that cannot show what rules ask for is a warning", async () => {
    const cwd = folderWith({
      "sekisho.yaml":
        'data: data\nlogs:\n  - { path: common.log, format: common }\n  - { path: own.log, format: \'%h %t "%r" %>s "%{user-agent}i"\' }\n  - path: site-access.log',
      "common.log": `${LINE.split(" ").slice(0, 10).join(" ")}\n`,
      "own.log": "",
      "site-access.log": LINE,
    });
    const { stdout, status } = await check(cwd);
    expect(stdout).toMatch(
      /warning: \S+common\.log \(common\) does not show Referer and User-Agent: rules that ask/,
    );
    expect(stdout).toMatch(/warning: \S+own\.log \(%h .*\) does not show Referer: /);
    expect([status, stdout.match(/warning:/g)]).toEqual([0, ["warning:", "warning:"]]);
  });

  test("open connections that cannot be closed are a warning and no problem", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const probeCut = async () => new SekishoError("CUT_UNAVAILABLE", "they stay open", "grant it");
    const { stdout, status } = await check(cwd, [], { probeCut });
    expect(stdout).toContain("warning: they stay open\n   hint: grant it\n");
    expect(stdout).toContain("Nothing is in the way of a start; 1 warning, see above.");
    expect(status).toBe(0);
    const json = JSON.parse((await check(cwd, ["--json"], { probeCut })).stdout);
    expect(json).toMatchObject({ warnings: [{ message: "they stay open", hint: "grant it" }], problems: [] });
  });

  test("a dashboard whose port another program has is the environment's, and all else is shown", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const inUse = new SekishoError("PORT_IN_USE", "127.0.0.1:7080 is in use", "set dashboard.listen");
    const { stdout, stderr, status } = await check(cwd, [], { checkListen: async () => inUse });
    expect({ stderr, status }).toEqual({
      stderr: "sekisho: 127.0.0.1:7080 is in use\nhint: set dashboard.listen\n",
      status: 3,
    });
    expect(stdout).toMatch(/dashboard +http:\/\/127\.0\.0\.1:7080\n[\s\S]*1 problem; see above\./);
  });

  test("a token that the next start would refuse is told, where other machines could try it", async () => {
    const { checkStages } = await import("../../src/cli/check-stages.ts");
    const run = (dashboard: string) => {
      const cwd = folderWith({ "sekisho.yaml": `data: data\nlogs: []\ndashboard: ${dashboard}` });
      const argv = ["check", "--json"];
      const real = (context: CliContext) => stages({ checkToken: checkStages(context).checkToken });
      const commands = (context: CliContext) => [checkCommand(context, real(context))];
      return commandLine(argv, commands, { cwd, env: { SEKISHO_TOKEN: "short-one" } });
    };
    const { status, stdout } = await run("{ hosts: [sekisho.example.com] }");
    expect([status, JSON.parse(stdout).problems]).toEqual([
      2,
      [expect.objectContaining({ code: "TOKEN_WEAK" })],
    ]);
    expect((await run("{}")).status).toBe(0);
  });

  test("makes nothing that the enforcers would make", () => {
    const cwd = folderWith({ "a.log": LINE });
    const text = `data: data/deep
logs: [{ path: a.log }]
enforcers:
  apache-directory: { directory: ${cwd}/run/banned, user: root }
  apache-include: { file: ${cwd}/lists/apache/blocklist.conf, control: /bin/true }
`;
    writeFileSync(join(cwd, "sekisho.yaml"), text);
    const before = statSync(cwd).mtimeMs;
    const main = join(import.meta.dirname, "../../dist/main.js");
    const { status, stdout } = spawnSync(process.execPath, [main, "check"], { cwd, encoding: "utf8" });
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("ok  apache-include"),
    });
    expect(readdirSync(cwd).sort()).toEqual(["a.log", "sekisho.yaml"]);
    expect(statSync(cwd).mtimeMs).toBe(before);
  });

  test("of no logs says that `run` watches nothing, and promises a demo only where it would be played", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const { stdout } = await check(cwd);
    expect(stdout).toContain("none: `sekisho run` would watch nothing, and play no demo");
  });

  test("--json prints one object and nothing else", async () => {
    const cwd = folderWith({
      "sekisho.yaml": "data: data\nlogs: [{ path: a.log }, { path: gone.log, kind: error }]",
      "a.log": LINE,
    });
    const { status, stdout, stderr } = await check(cwd, ["--json"]);
    expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({
      file: join(cwd, "sekisho.yaml"),
      mode: "observe",
      data: { path: join(cwd, "data"), exists: false, error: null },
      logs: [
        { path: join(cwd, "a.log"), kind: "access", format: "combined", error: null },
        { path: join(cwd, "gone.log"), kind: "error", error: { code: "LOG_MISSING" } },
      ],
      problems: [{ code: "LOG_MISSING" }],
    });
  });

  test.each([
    ["a wrong key", "allow_list: []", "sekisho.yaml:1:1: allow_list: unknown key; did you mean allowlist?"],
    [
      "a wrong CIDR",
      "allowlist: [10.0.0.0/40]",
      "sekisho.yaml:1:13: allowlist[0]: '10.0.0.0/40' is not an address",
    ],
    [
      "a LogFormat",
      "logs: [{ path: a.log, format: '%Q' }]",
      "sekisho.yaml:1:31: logs[0].format: there is no directive %Q",
    ],
    ["text that is no YAML", "mode: [", "sekisho.yaml:1:8: a ] is missing"],
  ])("of a configuration with %s is status 2, with file and line", async (_name, text, message) => {
    const cwd = folderWith({ "sekisho.yaml": text });
    const { status, stderr } = await check(cwd);
    expect(status).toBe(2);
    expect(stderr).toContain(`sekisho: ${join(cwd, message)}`);
    expect(stderr).toMatch(/\nhint: .+\n$/);
  });

  test.each([
    ["fine", "run/chat.sock", 0, /ok +\S+\/run\/chat\.sock +audit/],
    ["in an open folder", "open/chat.sock", 3, /others may write in \S+\/open, .*\nhint: sudo chmod go-w/],
    ["in the place of a file", "a.log", 2, /'a\.log' is not the name of a socket/],
    ["of a group that there is not", "run/chat.sock, group: nobodys", 3, /there is no group 'nobodys'/],
  ])("of a socket %s", async (_name, socket, wanted, text) => {
    const cwd = folderWith({
      "sekisho.yaml": `data: data\nlogs: [{ kind: audit, socket: ${socket} }]`,
      "open/.keep": "",
      "a.log": "",
    });
    chmodSync(join(cwd, "open"), 0o777);
    const { status, stdout, stderr } = await check(cwd);
    expect([status, stdout + stderr]).toEqual([wanted, expect.stringMatching(text)]);
    expect(readdirSync(cwd).sort()).toEqual(["a.log", "open", "sekisho.yaml"]);
  });

  test("of a wrong configuration and a wrong rule shows both", async () => {
    const rules = folderWith({ "a.yaml": "titel: x" });
    const cwd = folderWith({ "sekisho.yaml": "mode: x" });
    const { status, stderr } = await check(cwd, [], { shippedRules: rules });
    expect(status).toBe(2);
    expect(stderr).toContain("mode: 'x' is not observe or enforce");
    expect(stderr).toContain("titel: unknown key; did you mean title?");
  });

  test("of a configuration that is not there is status 3", async () => {
    expect(await check(folderWith(), ["--config", "gone.yaml"])).toMatchObject({ status: 3 });
  });

  test("of a log whose format nobody knows names what to copy", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: [{ path: a.log }]", "a.log": "hello\n" });
    expect(await check(cwd)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("copy the LogFormat string"),
    });
  });

  test("of an Apache that is not where it was said to be is status 3", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const { status, stderr } = await check(cwd, ["--apache-config", "httpd.conf"], {
      checkApache: async (config, main) => checkApache(config, main),
    });
    expect({ status, stderr }).toEqual({
      status: 3,
      stderr: `sekisho: ${join(cwd, "httpd.conf")}: there is no such file\nhint: name Apache's main file\n`,
    });
  });

  test("of an error log that vhosts write to in different formats says so, where it is read", async () => {
    const cwd = folderWith({
      "sekisho.yaml": "data: data\nlogs: [{ path: '*error.log', kind: error }]",
      "error.log": "",
    });
    const config = (path: string) =>
      `ServerRoot /\nErrorLog ${path}\n<VirtualHost *:80>\nServerName a\nErrorLogFormat "[%t] [client %a] %M"\n</VirtualHost>\n`;
    const checked = async (path: string) => {
      writeFileSync(join(cwd, "httpd.conf"), config(path));
      const { stdout, stderr } = await check(cwd, ["--apache-config", "httpd.conf"], {
        checkApache: async (config, main) => checkApache(config, main),
      });
      return stdout + stderr;
    };
    expect(await checked(join(cwd, "error.log"))).toContain(
      "error.log holds lines of another ErrorLogFormat too",
    );
    expect(await checked("/l/other.log")).not.toContain("ErrorLogFormat");
  });

  test("of logs that logrotate moves to where they are not looked for says what to add", async () => {
    const cwd = folderWith({
      "sekisho.yaml":
        "data: data\nlogs: [{ path: '*.log' }, { path: b/b.log, rotatedTo: ../old }, { path: c/c.log }]",
      ...{ "a.log": LINE, "b/b.log": LINE, "c/c.log": LINE },
      "etc/logrotate.conf": "weekly\nolddir ../old\ninclude /etc/logrotate.d\n",
      "etc/logrotate.d/a": "",
    });
    writeFileSync(
      join(cwd, "etc/logrotate.d/a"),
      `# olddir /comment
"${cwd}/other.log"
${cwd}/a.log {
  postrotate
    echo olddir /script }
  endscript
  olddir /var/old
}
${cwd}/b/*.log {
}
${cwd}/c/c.log { 
  noolddir
}
`,
    );
    const checkRotated = () =>
      check(cwd, [], { checkRotation: (config) => checkRotation(config, join(cwd, "etc")) });
    const { stdout } = await checkRotated();
    expect(stdout.match(/warning: .*\n.*\n/g)).toEqual([
      `warning: ${cwd}/etc/logrotate.d/a:7: logrotate moves ${cwd}/a.log to /var/old; what is moved there while Sekisho is down stays unread\n   hint: add rotatedTo: /var/old to the entry of ${cwd}/*.log under logs:\n`,
    ]);
    writeFileSync(join(cwd, "sekisho.yaml"), "data: data\nlogs: [{ path: b/b.log }]");
    expect((await checkRotated()).stdout).toContain(`a:9: logrotate moves ${cwd}/b/b.log to ${cwd}/old;`);
  });

  test("of a pipe or a device in the place of a log, and of a link into nothing, says that it is none", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: [{ path: '*.log' }]" });
    spawnSync("mkfifo", [join(cwd, "pipe.log")]);
    symlinkSync("/dev/zero", join(cwd, "device.log"));
    symlinkSync("gone", join(cwd, "link.log"));
    const { status, stderr } = await check(cwd);
    expect(status).toBe(3);
    for (const name of ["pipe", "device"])
      expect(stderr).toContain(`${name}.log is not a regular file\nhint: name Apache's log file itself`);
    expect(stderr).toContain("link.log does not exist\nhint: it is read once it is there");
  });

  test("of a log that is of the other kind says which", async () => {
    const line =
      "[Fri Nov 20 12:00:00.25 2026] [core:error] [pid 1] [client 192.0.2.7:1] AH00126: Invalid URI\n";
    const cwd = folderWith({
      "sekisho.yaml": "data: data\nlogs: [{ path: error.log }, { path: access.log, kind: error }]",
      "error.log": line,
      "access.log": LINE,
    });
    const { status, stderr } = await check(cwd);
    expect(status).toBe(2);
    expect(stderr).toMatch(/error\.log: its first lines are those of an error log\nhint: add kind: error/);
    expect(stderr).toMatch(
      /access\.log: its first lines are those of an access log\nhint: take kind: error out/,
    );
  });

  test("of an empty log is fine: its format shows later", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: [{ path: a.log }]", "a.log": "" });
    expect((await check(cwd)).status).toBe(0);
  });

  test("of a data folder that is a file is status 3", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data/below\nlogs: []", data: "a file" });
    expect(await check(cwd)).toMatchObject({ status: 3, stderr: expect.stringContaining("is not a folder") });
  });

  test("of an enforcer that would refuse has its error and its status", async () => {
    const refusal = new SekishoError("APACHE_CONFIGTEST_FAILED", "configtest says no", "look at line 3");
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []\nenforcers: { apache-include: {} }" });
    const { status, stdout, stderr } = await check(cwd, [], {
      probeEnforcers: async () => [
        { name: "dry-run", error: null },
        { name: "apache-include", error: refusal },
      ],
    });
    expect(status).toBe(1);
    expect(stdout).toMatch(/ok +dry-run\n +problem +apache-include\n/);
    expect(stderr).toBe("sekisho: configtest says no\nhint: look at line 3\n");
  });

  test("shows warnings and is still fine", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []\nallowlist: [0.0.0.0/0]" });
    expect(await check(cwd)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("warning: allowlist contains 0.0.0.0/0"),
    });
  });

  test("by a user who may not read the log or write the data folder says so", () => {
    const cwd = folderWith({ "a.log": LINE, "data/.keep": "" });
    chmodSync(join(cwd, "a.log"), 0);
    chmodSync(join(cwd, "data"), 0o555);
    const logs = join(import.meta.dirname, "../../src/cli/check-logs.ts");
    const loaded = JSON.stringify({
      config: { logs: [{ path: join(cwd, "a.log"), kind: "access", format: "auto" }] },
    });
    expect(asNobody(logs, "checkLogs", `return checkLogs(${loaded}, () => null)`)).toMatchObject([
      { error: { code: "LOG_UNREADABLE", hint: expect.stringContaining("read access") } },
    ]);
    const vhosts = folderWith({ "a/access.log": LINE, "b/access.log": LINE, "c/access.log": LINE });
    for (const name of ["b", "c"]) chmodSync(join(vhosts, name), 0);
    chmodSync(vhosts, 0o755);
    const ofVhosts = (path: string) => {
      const config = { logs: [{ path: join(vhosts, path), kind: "access", format: "auto" }] };
      const body = `return checkLogs(${JSON.stringify({ config })}, () => "combined").map(({ path, error }) => error?.message ?? path)`;
      return asNobody(logs, "checkLogs", body);
    };
    expect(ofVhosts("*/*.log")).toEqual([
      `no permission to read ${vhosts}/b, nor 1 more that the star stands for`,
      `${vhosts}/a/access.log`,
    ]);
    expect(ofVhosts("*/access.log")).toEqual([
      `${vhosts}/a/access.log`,
      `no permission to read ${vhosts}/b/access.log`,
      `no permission to read ${vhosts}/c/access.log`,
    ]);
    const data = join(import.meta.dirname, "../../src/cli/check-data.ts");
    const ofData = (folder: string) =>
      asNobody(data, "checkDataFolder", `return checkDataFolder(${JSON.stringify(join(cwd, folder))})`);
    const hint = (text: string) => ({
      error: { code: "DATA_DIRECTORY", hint: expect.stringContaining(text) },
    });
    expect(ofData("data")).toMatchObject(hint("run this with sudo"));
    expect(ofData("data/new")).toMatchObject(hint("install -d"));
  });
});

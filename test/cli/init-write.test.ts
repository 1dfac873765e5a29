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
import { describe, expect, test } from "vitest";
import { init, initHere, load, modeOf, site } from "./init-site.ts";

describe("init that writes", () => {
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

  test("that finds no log to read writes nothing, and says so by its status", async () => {
    const cwd = site('CustomLog "|/usr/bin/logger" combined\nErrorLog syslog');
    const { status, stdout } = await init(cwd, "--write", "x.yaml");
    expect(status).toBe(1);
    expect(stdout).toContain("Nothing was written, since there would be nothing to read.\n");
    expect(readdirSync(cwd)).toEqual(["etc", "var"]);
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

  test("to a folder asks for a file in it", async () => {
    const cwd = site();
    const { status, stderr } = await init(cwd, "--write", ".");
    expect([status, stderr]).toEqual([3, `sekisho: ${cwd} is a folder\nhint: name a file in it\n`]);
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

import { spawnSync } from "node:child_process";
import { closeSync, globSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = join(ROOT, "dist/main.js");
const sekisho = (...argv: string[]) => spawnSync(process.execPath, [MAIN, ...argv], { encoding: "utf8" });

const overview = sekisho("--help").stdout;
const listed = /\nBegin:\n([\s\S]*?)\n\nFirst steps:/.exec(overview)?.[1] ?? "";
const COMMANDS = [...listed.matchAll(/^ {2}([a-z]+)/gm)]
  .map((match) => match[1]!)
  .filter((name) => name !== "help");

/** Lines that the next word would have fitted into. */
function brokenEarly(paragraph: string): string[] {
  const lines = paragraph.split("\n");
  return lines.filter(
    (line, at) => at + 1 < lines.length && `${line} ${lines[at + 1]!.split(" ")[0]}`.length < 80,
  );
}

describe("sekisho", () => {
  test("lists all its commands", () => {
    expect(COMMANDS).toEqual([
      "run",
      "check",
      "init",
      "install",
      "uninstall",
      "status",
      "link",
      "bans",
      "incidents",
      "sockets",
      "lists",
      "rules",
      "explain",
      "replay",
      "ban",
      "unban",
      "allow",
      "breaker",
      "panic",
      "apache",
      "export",
      "notify",
      "backup",
      "expire",
      "completion",
    ]);
  });

  test.each([["--help"], ["--version"], ["status"], ["ban", "192.0.2.7"]])(
    "starts %s without what checks configurations, reads logs and serves",
    (...argv) => {
      // What is built has its packages in it.
      const source = join(ROOT, "src/main.ts");
      const telling = `import { registerHooks } from "node:module";
        registerHooks({ load: (url, context, next) => (process.stderr.write("loads " + url + "\\n"), next(url, context)) });`;
      const { stderr } = spawnSync(
        process.execPath,
        ["--import", `data:text/javascript,${encodeURIComponent(telling)}`, source, ...argv],
        { encoding: "utf8", cwd: import.meta.dirname },
      );
      const loaded = [...stderr.matchAll(/^loads file:\/\/(.*)$/gm)].map(([, path]) => path!);
      expect(loaded).toContain(source);
      const packages = loaded.flatMap((path) => /.*\/node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
      expect(packages.filter((name) => !["commander", "ipaddr.js"].includes(name))).toEqual([]);
    },
  );

  test("is built so that nothing loads Node's fetch only by naming node:http", () => {
    const built = globSync("*.js", { cwd: join(ROOT, "dist") });
    expect(built).toContain("run-daemon.js");
    const naming = built.filter((file) =>
      /from "(node:)?http"/.test(readFileSync(join(ROOT, "dist", file), "utf8")),
    );
    expect(naming).toEqual([]);
  });

  test("that cannot write what was asked for is status 3, and no fault", () => {
    const full = openSync("/dev/full", "w");
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "--help"], {
      stdio: ["ignore", full, "pipe"],
      encoding: "utf8",
    });
    closeSync(full);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^sekisho: the disk of the output is full\nhint: make room there/);
  });

  test("has every command in docs/cli.md", () => {
    const docs = readFileSync(join(import.meta.dirname, "../../docs/cli.md"), "utf8");
    for (const name of COMMANDS) expect(docs).toMatch(new RegExp(`^\\| \`${name}[ \`]`, "m"));
  });

  test.each([...COMMANDS.map((name) => [name]), ["apache", "snippet"]])(
    "%s teaches by example, and tells its exit statuses",
    (...command) => {
      const { status, stdout, stderr } = sekisho(...command.filter((part) => part !== undefined), "--help");
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const examples = /\nExamples:\n([\s\S]*?)\n\n/.exec(stdout)![1]!;
      expect(examples).toContain(command[0] === "run" ? "sekisho run" : `sekisho ${command[0]}`);
      expect(stdout).toMatch(/\nExit status:\n {3}0 {2}\S/);
      expect(stdout).toContain("  70  ");
      // Only a command line or a path may be longer, since they are copied.
      const meanings = stdout.split("\n").filter((line) => /^( {6}| {2,3}\d)/.test(line));
      expect(meanings.filter((line) => line.length > 80)).toEqual([]);
      // A line break of our own inside a paragraph would leave a short line once the text is wrapped.
      for (const paragraph of stdout.split(/\n\n(?:Options|Arguments|Commands):\n/)[0]!.split("\n\n"))
        expect(brokenEarly(paragraph)).toEqual([]);
    },
  );
});

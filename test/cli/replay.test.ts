import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");
const RULES = join(import.meta.dirname, "../rules");
const FIRES = readFileSync(join(RULES, "repeated-403/fires.log"));

/** The program itself, since standard input is the process's. */
function sekisho(cwd: string, argv: readonly string[], input: string | Buffer = "") {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...argv], { cwd, input });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

describe("replay and explain", () => {
  test("packed generations are merged by time with the plain one, and find what one file finds", () => {
    using folder = temporaryFolder();
    const lines = FIRES.toString("latin1").trimEnd().split("\n");
    const part = (n: number): string => lines.filter((_, at) => at % 3 === n).join("\n");
    writeFileSync(join(folder.path, "whole.log"), FIRES);
    writeFileSync(join(folder.path, "a.log.2.gz"), gzipSync(part(0)));
    writeFileSync(join(folder.path, "a.log.1.zst"), zstdCompressSync(part(1)));
    writeFileSync(join(folder.path, "a.log"), part(2));
    const findings = (...files: string[]) => {
      const { status, stdout, stderr } = sekisho(folder.path, [
        "replay",
        ...files,
        "--json",
        "--timezone",
        "UTC",
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      return JSON.parse(stdout).findings;
    };
    expect(findings("whole.log").length).toBeGreaterThan(0);
    // As a shell hands it on that may not list the folder.
    expect(findings("a.log*")).toEqual(findings("whole.log"));
    expect(findings("a.log.2.gz", "a.log.1.zst", "a.log")).toEqual(findings("whole.log"));
  });

  test("a WebSocket whose opening is in the error log and whose end is in the access log counts once", () => {
    using folder = temporaryFolder();
    const lines = readFileSync(join(RULES, "origin-foreign/quiet.log"), "utf8").trimEnd().split("\n");
    const openings = lines.filter((line) => line.startsWith("["));
    writeFileSync(join(folder.path, "error.log"), `${openings.join("\n")}\n`);
    const ends = lines.filter((line) => !line.startsWith("["));
    writeFileSync(join(folder.path, "access.log"), `${ends.join("\n")}\n`);
    for (const files of [
      ["access.log", "error.log"],
      ["error.log", "access.log"],
    ]) {
      const replayed = sekisho(folder.path, ["replay", ...files, "--timezone", "UTC", "--json"]);
      expect(JSON.parse(replayed.stdout)).toMatchObject({
        lines: lines.length,
        events: { opening: openings.length },
        findings: [],
      });
    }
    const text = sekisho(folder.path, ["replay", "error.log", "--timezone", "UTC"]).stdout;
    expect(text).toContain(`0 access, 0 error, 0 audit, ${openings.length} openings of WebSockets\n`);
  });

  test("- is standard input, plain or packed, once", () => {
    using folder = temporaryFolder();
    for (const input of [FIRES, gzipSync(FIRES)]) {
      const replayed = sekisho(folder.path, ["replay", "-", "--json"], input);
      expect(JSON.parse(replayed.stdout)).toMatchObject({ lines: 20, events: { access: 20 } });
      const explained = sekisho(folder.path, ["explain", "--file", "-", "--json"], input);
      expect(explained.stdout.trimEnd().split("\n")).toHaveLength(20);
    }
    expect(sekisho(folder.path, ["replay", "-", "-"]).status).toBe(2);
  });

  test("a packed log that ends early is told with a hint, and what was read of it counts", () => {
    using folder = temporaryFolder();
    const packed = gzipSync(FIRES);
    writeFileSync(join(folder.path, "a.log.gz"), packed.subarray(0, packed.length - 10));
    const { status, stdout, stderr } = sekisho(folder.path, ["replay", "a.log.gz", "--json"]);
    expect(status).toBe(3);
    expect(JSON.parse(stdout).lines).toBeGreaterThan(10);
    expect(stderr).toMatch(/^sekisho: .*a\.log\.gz is damaged or cut short: .*\nhint: .*gzip -t.*\n$/);
  });

  test("a log that does not show what rules ask for is told, as its peace is none", () => {
    using folder = temporaryFolder();
    const line = '192.0.2.7 - - [20/Nov/2026:12:00:00 +0000] "GET /.env HTTP/1.1" 404 199';
    const { status, stderr } = sekisho(folder.path, ["replay", "-"], `${line}\n`);
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^warning: standard input \(common\) does not show Referer and User-Agent: .*\n {3}hint: .*\n$/,
    );
  });

  test("a log of which no line parses gets a hint that names what was tried, and is no error", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "odd.log"), "hello\nworld\n");
    writeFileSync(join(folder.path, "access.log"), FIRES);
    for (const argv of [
      ["replay", "odd.log", "access.log"],
      ["explain", "--file", "odd.log"],
    ]) {
      const { status, stderr } = sekisho(folder.path, argv);
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^sekisho: no line of \S+odd\.log parsed as an access log .*\nhint: .*--format.*\n$/,
      );
    }
    const tried = sekisho(folder.path, ["replay", "access.log", "--format", '%a %t "%r" %>s']);
    expect(tried.stderr).toContain('parsed as %a %t "%r" %>s');
    expect(sekisho(folder.path, ["replay", "access.log"]).stderr).toBe("");
  });
});

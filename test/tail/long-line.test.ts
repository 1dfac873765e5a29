/** Lines that are longer than what is handed on. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createParser } from "../../src/parse/formats.ts";
import { fitted, LINE_LENGTH } from "../../src/tail/long-line.ts";
import { readLog } from "../../src/tail/read-log.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Registry } from "./registry.ts";
import { Running } from "./running.ts";

const MANY = 3 << 20;
const START = "192.0.2.7 - - [21/Nov/2026:10:00:00 +0000]";
const combined = (path: string, agent: string): string =>
  `${START} "GET /${path}?end=1 HTTP/1.1" 403 12 "-" "${agent}"`;
const own = (path: string): string =>
  `2026-11-21T10:00:00.000001+0000 192.0.2.7 192.0.2.7 403 12 1 2 - - 80 site.example "GET /${path}?end=1 HTTP/1.1" "site.example" "-" "-" "-" "-" "curl/8" "-"`;

const FORMATS = [
  ["common", `${START} "GET /${"a".repeat(MANY)}?end=1 HTTP/1.1" 403 12`],
  ["combined", combined("a".repeat(MANY), "curl/8")],
  ["vhost_combined", `site.example:80 ${combined("a".repeat(MANY), "curl/8")}`],
  ["sekisho", own("a".repeat(MANY))],
] as const;

const eventOf = (format: string, line: string) =>
  createParser("access", format, null).parse(line, 1, 0 as never);

describe("a request of megabytes leaves client, time and status where they stand, before and behind it", () => {
  const known = {
    kind: "access",
    client: "192.0.2.7",
    time: Date.UTC(2026, 10, 21, 10),
    status: 403,
    query: "end=1",
    protocol: "HTTP/1.1",
  };

  test.each(FORMATS)("as %s", async (format, line) => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log");
    const short = combined("short", "curl/8");
    writeFileSync(log, `${short}\r\n${line}\r\n${short}\n`);
    await using running = new Running(log, new Registry());
    await running.has(3);
    expect(running.lines.map(({ length }) => length)).toEqual([short.length, LINE_LENGTH - 1, short.length]);
    expect(running.cut).toHaveLength(0);
    expect(eventOf(format, running.lines[1]!)).toMatchObject(known);
    expect(/a\[cut\]a+\?end/.test(running.lines[1]!)).toBe(true);
  });

  test.each([
    ["gzip", gzipSync],
    ["zstd", zstdCompressSync],
  ] as const)("in a log that is packed by %s", async (_name, pack) => {
    using folder = temporaryFolder();
    const log = join(folder.path, "access.log.1");
    writeFileSync(log, pack(`${FORMATS[1][1]}\nlast\n`));
    const lines: string[] = [];
    for await (const batch of readLog(log)) {
      lines.push(...batch.lines);
      expect(batch.cut.size).toBe(0);
    }
    expect(lines.map(({ length }) => length)).toEqual([LINE_LENGTH - 1, 4]);
    expect(eventOf("combined", lines[0]!)).toMatchObject(known);
  });
});

test("a line that is not too long is handed on as it is", () => {
  const line = combined("a".repeat(LINE_LENGTH - combined("", "").length - 1), "");
  expect(line.length).toBe(LINE_LENGTH - 1);
  expect(fitted(line).line === line).toBe(true);
});

test("several long values are shortened, the longest most, and a short one keeps every letter", () => {
  const { line, isCut } = fitted(combined("a".repeat(2 * MANY), "b".repeat(MANY)));
  expect(isCut).toBe(false);
  expect(line.length).toBe(LINE_LENGTH - 1);
  expect(eventOf("combined", line)).toMatchObject({ status: 403, bytes: 12, referer: null });
  const agent = line.match(/b+(\[cut\])?b+/)![0];
  expect(agent.length).toBeGreaterThan(LINE_LENGTH / 2);
});

test("a line of more values than any format has is cut behind the first mebibyte", () => {
  const line = `"${"a".repeat(1_000)}"`.repeat(3_000);
  const read = fitted(line);
  expect(read.isCut).toBe(true);
  expect(read.line === line.slice(0, LINE_LENGTH)).toBe(true);
});

describe("whatever a value is made of, its quotes stay escaped and the status stays where it is", () => {
  const values = ["\\\\", '\\"', "\\xff", '\\\\\\"', '\\"] 200 \\" \\xe9', "\\\\x4", "\\x5c\\x22"];

  test.each(values)("%s", (unit) => {
    // Each beginning shifts the escapes by a letter against the gap.
    for (let shift = 0; shift < 4; shift++) {
      const path = `${"a".repeat(shift)}${unit.repeat(Math.ceil(LINE_LENGTH / unit.length))}`;
      const { line, isCut } = fitted(combined(path, "curl/8"));
      expect(isCut).toBe(false);
      expect(eventOf("combined", line)).toMatchObject({ status: 403, userAgent: "curl/8", query: "end=1" });
      expect(line.includes("[cut]")).toBe(true);
    }
  });

  test("a JSON text", () => {
    for (let shift = 0; shift < 6; shift++) {
      const path = JSON.stringify(`/${"a".repeat(shift)}${'é"\\'.repeat(LINE_LENGTH / 8)}`).replaceAll(
        "é",
        "\\u00e9",
      );
      const written = `{"client":"192.0.2.7","time":"2026-11-21T10:00:00Z","path":${path},"status":403}`;
      const { line } = fitted(written);
      expect(line.length).toBeLessThan(LINE_LENGTH);
      expect(eventOf("json", line)).toMatchObject({ client: "192.0.2.7", status: 403 });
    }
  });
});

test("a value of nothing but quotes and backslashes takes linear time", () => {
  const hostile = `${'\\\\\\"'.repeat(1 << 20)}${"\\".repeat(1 << 22)}`;
  expect(fitted(combined(hostile, "-")).line.length).toBeLessThanOrEqual(LINE_LENGTH);
});

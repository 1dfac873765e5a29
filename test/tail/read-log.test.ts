import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SekishoError } from "../../src/model/errors.ts";
import { readLog } from "../../src/tail/read-log.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("all lines of a finished file are read, the last one also without a newline", () => {
  using folder = temporaryFolder();
  const log = join(folder.path, "access.log");
  writeFileSync(log, "one\ntwo\nthree");
  expect([...readLog(log)].flatMap(({ lines }) => lines)).toEqual(["one", "two", "three"]);
});

test("what is no file that can be read is refused with a hint: a missing one, a folder, a pipe", () => {
  using folder = temporaryFolder();
  const pipe = join(folder.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const path of [join(folder.path, "nowhere"), folder.path, pipe]) {
    try {
      readLog(path).next();
      expect.unreachable(path);
    } catch (error) {
      expect(error).toMatchObject({ code: "LOG_UNREADABLE" });
      expect((error as SekishoError).hint.length).toBeGreaterThan(10);
    }
  }
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { temporaryFolder } from "../temporary-folder.ts";

function load(guard: string) {
  using folder = temporaryFolder();
  const file = join(folder.path, "sekisho.yaml");
  writeFileSync(file, `logs: []\nenforcers:\n  guard: ${guard}\n`);
  try {
    return { guard: loadConfig({ file, cwd: "/", checkFormat: () => {} }).config.enforcers.guard, folder };
  } catch (error) {
    return { problem: (error as Error).message.replace(`${file}:`, ""), folder };
  }
}

test("the guard listens in /run unless another socket is named, which starts at the file's folder", () => {
  expect(load("{}").guard).toEqual({ socket: "/run/sekisho/guard.sock" });
  const { guard, folder } = load('{ socket: run/guard.sock, group: apps, mode: "0600" }');
  expect(guard).toEqual({ socket: join(folder.path, "run/guard.sock"), group: "apps", mode: 0o600 });
});

test.each([
  ["{ socket: /run/guard }", "3:20: enforcers.guard.socket: 'guard' is not the name of a socket"],
  [
    `{ socket: /${"x".repeat(200)}/g.sock }`,
    "enforcers.guard.socket: the folder of a socket has 95 bytes at most",
  ],
  ['{ mode: "0666" }', "enforcers.guard.mode: '0666' is not a mode that keeps others out"],
])("%s is refused", (written, problem) => {
  expect(load(written).problem).toContain(problem);
});

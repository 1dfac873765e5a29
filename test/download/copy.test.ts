import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepCopy } from "../../src/download/copy.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test.skipIf(missing("root"))("a copy for which there is no room leaves the old one, and takes none", () => {
  using folder = temporaryFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "sekisho-test", folder.path]);
  try {
    const file = join(folder.path, "list.txt");
    keepCopy(file, "192.0.2.7\n");
    expect(() => keepCopy(file, Buffer.alloc(2 << 20))).toThrow("ENOSPC");
    expect(readdirSync(folder.path)).toEqual(["list.txt"]);
    expect(readFileSync(file, "utf8")).toBe("192.0.2.7\n");
  } finally {
    execFileSync("umount", ["-l", folder.path]);
  }
});

import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderWatch } from "../../src/tail/folder-watch.ts";
import { logPattern } from "../../src/tail/log-pattern.ts";
import { temporaryFolder } from "../temporary-folder.ts";

test("a folder that a path names is watched on when another path's logs in it are gone, as is one that comes back", async () => {
  using folder = temporaryFolder();
  const [named, starred] = [join(folder.path, "a"), join(folder.path, "b")];
  for (const each of [named, starred]) mkdirSync(each);
  for (const each of [named, starred]) writeFileSync(join(each, "access.log"), "");
  const told = new Set<string | undefined>();
  const patterns = [join(named, "app.log"), join(folder.path, "*/access.log")].map(logPattern);
  await using watch = new FolderWatch(patterns, (path) => void told.add(path));
  const isToldOf = async (path: string, followed: readonly string[]): Promise<void> => {
    told.clear();
    await expect
      .poll(() => {
        watch.follow(followed);
        appendFileSync(path, "line\n");
        return told.has(path);
      })
      .toBe(true);
  };
  await isToldOf(join(named, "app.log"), [named, starred]);
  await isToldOf(join(starred, "access.log"), [named, starred]);

  rmSync(join(named, "access.log"));
  rmSync(starred, { recursive: true });
  mkdirSync(starred);
  await isToldOf(join(starred, "access.log"), [starred]);
  await isToldOf(join(named, "app.log"), [starred]);
});

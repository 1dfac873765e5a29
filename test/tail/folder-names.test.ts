import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { foldersIn, namesIn } from "../../src/tail/folder-names.ts";

/** Folders that nobody changes. */
function* foldersBelow(folder: string): Generator<string> {
  yield folder;
  for (const each of readdirSync(folder, { withFileTypes: true }))
    if (each.isDirectory() && !each.name.startsWith(".")) yield* foldersBelow(join(folder, each.name));
}

test("folders that did not change are not listed again, though a star stands for very many", () => {
  const folders = foldersBelow(join(import.meta.dirname, "../../node_modules"))
    .take(700)
    .toArray();
  expect(folders).toHaveLength(700);
  const look = () => folders.flatMap((folder) => [namesIn(folder), foldersIn(folder)]);
  const first = look();
  expect(look().filter((names, at) => names !== first[at])).toEqual([]);
});

import { createHash } from "node:crypto";
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { progressOf } from "../../src/ingest/spool-progress.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

test("how far a file is in the store is told by its inode and its first bytes", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "chat.jsonl");
  writeFileSync(file, "one\ntwo\n");
  const { ino: inode } = statSync(file);
  const committed = (offset: number, head = "one\ntwo\n") => [
    { inode: inode + 1, head: hash("one\n"), headLength: 4, offset: 8 },
    { inode, head: hash(head), headLength: head.length, offset },
  ];
  expect(progressOf(file, [])).toBe("unread");
  expect(progressOf(file, committed(0, ""))).toBe("unread");
  expect(progressOf(file, committed(4, "one\n"))).toBe("begun");
  expect(progressOf(file, committed(8))).toBe("read");
  appendFileSync(file, "three\n");
  expect(progressOf(file, committed(8))).toBe("begun");
  // Another file that had this inode before.
  expect(progressOf(file, committed(8, "uno\ndos\n"))).toBe("unread");
  expect(progressOf(file, committed(80))).toBe("unread");
});

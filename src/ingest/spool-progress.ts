import { closeSync, fstatSync, openSync } from "node:fs";
import type { Progress } from "../receive/spool.ts";
import type { CommittedFile } from "../store/committed.ts";
import { bytesAt, hashOf } from "../tail/fingerprint.ts";

/** How far the file is in the store. An inode is reused, so its first bytes count too. */
export function progressOf(file: string, committed: readonly CommittedFile[]): Progress {
  const descriptor = openSync(file, "r");
  try {
    const { ino, size } = fstatSync(descriptor);
    const known = committed.find((each) => each.inode === ino && beginsWith(descriptor, each));
    if (known === undefined || known.offset === 0 || known.offset > size) return "unread";
    return known.offset === size ? "read" : "begun";
  } finally {
    closeSync(descriptor);
  }
}

const beginsWith = (descriptor: number, { head, headLength }: CommittedFile): boolean =>
  hashOf(bytesAt(descriptor, 0, headLength)) === head;

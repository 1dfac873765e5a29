import { closeSync, fstatSync, openSync } from "node:fs";
import type { Fingerprint } from "../model/line.ts";
import type { Progress } from "../receive/spool.ts";
import { bytesAt, hashOf } from "../tail/fingerprint.ts";

/** How far a file was committed, as the store has it. */
export type Committed = Omit<Fingerprint, "device"> & { readonly offset: number };

/** How far the file is in the store. An inode is reused, so its first bytes count too. */
export function progressOf(file: string, committed: readonly Committed[]): Progress {
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

const beginsWith = (descriptor: number, { head, headLength }: Committed): boolean =>
  hashOf(bytesAt(descriptor, 0, headLength)) === head;

import type { Fingerprint } from "../model/line.ts";
import type { Statements } from "./statements.ts";

/** How far a file was committed. */
export type CommittedFile = Pick<Fingerprint, "inode" | "head" | "headLength"> & { readonly offset: number };

/** The files that the log at this path has been, and how far each is in the store. */
export const committedFiles = (statements: Statements, path: string): CommittedFile[] =>
  statements.all(
    `SELECT inode, head, head_length AS headLength, offset FROM checkpoints
       WHERE source = (SELECT id FROM sources WHERE path = ?)`,
    path,
  );

import type { SourceId, SourceKind } from "./event.ts";
import type { UnixMs } from "./time.ts";

/** Which file this is, whatever it is called now. Inodes are reused, so the first bytes count too. */
export interface Fingerprint {
  readonly device: number;
  readonly inode: number;
  /** SHA-256 of the first `headLength` bytes, hex. */
  readonly head: string;
  readonly headLength: number;
}

/** How far a source has been committed. */
export interface Checkpoint {
  readonly source: SourceId;
  readonly fingerprint: Fingerprint;
  /** Bytes of that file whose lines are in the store; of a packed file, bytes as they were before it was packed. */
  readonly offset: number;
  /** SHA-256 of what stands before the offset, up to a KiB, hex; empty where it was not kept. */
  readonly tail: string;
}

export interface StoredCheckpoint extends Checkpoint {
  readonly committedAt: UnixMs;
}

/** A log file that is being read. */
export interface Source {
  readonly id: SourceId;
  readonly path: string;
  readonly kind: SourceKind;
  /** What the configuration says, `auto` included. */
  readonly format: string;
  /** IANA name for times without a zone; null is the host's. */
  readonly timezone: string | null;
  /** For JSON: our names of fields to those in the file; null where they are the same. */
  readonly fields: Readonly<Record<string, string>> | null;
  /** Folder into which rotation moves the log; a relative path starts at the log's own. */
  readonly rotatedTo?: string | null;
}

/** Whole lines of one source, in order, and the checkpoint that is true once they are committed. */
export interface LineBatch {
  readonly source: Source;
  /** One character a byte (latin1), without newlines. They keep their common buffer alive: copy what outlives the batch. */
  readonly lines: readonly string[];
  /** Positions in `lines` of lines that were longer than what is read of one. */
  readonly cut: ReadonlySet<number>;
  readonly checkpoint: Checkpoint;
}

/** Looks at no character of a text that V8 stores one byte a character, as it does a batch. */
const BEYOND_LATIN1 = /[^\x00-\xff]/;

/** A copy of text that was sliced from a batch: a slice that outlives its batch keeps all of it in memory. */
export const detached = copyingOnce();
/** The same, for whole lines. */
export const detachedLine = copyingOnce();

/** What one event leads to keeps the same text many a time: it is copied once. */
function copyingOnce(): (text: string) => string {
  let last = "";
  let copy = "";
  return (text) => {
    if (text === last) return copy;
    const encoding = BEYOND_LATIN1.test(text) ? "utf16le" : "latin1";
    last = text;
    copy = Buffer.from(text, encoding).toString(encoding);
    return copy;
  };
}

import type { Checkpoint, Fingerprint, StoredCheckpoint } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";
import type { Statements } from "./statements.ts";

/** How far each file that a source has been is committed. */
export const checkpointsOf = (statements: Statements, source: number): StoredCheckpoint[] =>
  statements
    .all<Fingerprint & Pick<StoredCheckpoint, "offset" | "tail" | "committedAt">>(
      `SELECT device, inode, head, head_length AS headLength, offset, tail, updated_at AS committedAt
         FROM checkpoints WHERE source = ?`,
      source,
    )
    .map(({ offset, tail, committedAt, ...fingerprint }) => {
      return { source, fingerprint, offset, tail, committedAt };
    });

export function storeCheckpoint(
  statements: Statements,
  { source, fingerprint, offset, tail }: Checkpoint,
  now: UnixMs,
): void {
  statements.insert(
    "INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    source,
    fingerprint.device,
    fingerprint.inode,
    fingerprint.head,
    fingerprint.headLength,
    offset,
    now,
    tail,
  );
}

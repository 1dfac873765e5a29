import { lstatSync, readdirSync } from "node:fs";
import { dirname } from "node:path";
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

/** More generations than a log is looked for at a start (`UnreadGenerations`). */
const KEPT = 32;

/**
 * Deletes those of files that nobody asks for any more and that were committed before that time: of each source all but the
 * newest, and where nothing is left at its path, as with a date in the name, those too.
 */
export function deleteOldCheckpoints(statements: Statements, before: UnixMs): void {
  statements.change(
    `DELETE FROM checkpoints WHERE (source, device, inode) IN (
       SELECT source, device, inode FROM (
         SELECT *, row_number() OVER (PARTITION BY source ORDER BY updated_at DESC) AS age FROM checkpoints)
       WHERE age > ? AND updated_at < ?)`,
    KEPT,
    before,
  );
  const quiet = statements.all<{ id: number; path: string }>(
    `SELECT id, path FROM sources JOIN checkpoints ON checkpoints.source = sources.id
       GROUP BY id HAVING max(updated_at) < ?`,
    before,
  );
  for (const { id, path } of quiet)
    if (!mayBeThere(path)) statements.change("DELETE FROM checkpoints WHERE source = ?", id);
}

/** In doubt it is: a log whose checkpoint is gone would be read from its beginning. */
function mayBeThere(path: string): boolean {
  try {
    return (
      lstatSync(path, { throwIfNoEntry: false }) !== undefined || readdirSync(dirname(path)).length === 0
    );
  } catch {
    return true;
  }
}

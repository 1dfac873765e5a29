import type { PlainFile } from "./plain-file.ts";

/** A log that is rotated more often than this, by hand or by size, counts as rotated so often. */
const SHORTEST_CYCLE_MS = 10 * 60_000;
/** Held at most, so that a log that is rotated by the second does not use up all descriptors. */
const HELD_FILES = 8;

/**
 * Until when rotated files are held open. Old Apache children write to one for as long as they have open sockets, also
 * after it was packed and deleted. It is let go of once nothing was written to it for a whole cycle, which is the time
 * between the last two rotations; before two were seen it is held.
 */
export class RotationCycle {
  #lastTurn: number | null = null;
  #length = Number.POSITIVE_INFINITY;

  turn(now: number): void {
    if (this.#lastTurn !== null) this.#length = Math.max(SHORTEST_CYCLE_MS, now - this.#lastTurn);
    this.#lastTurn = now;
  }

  /** Those of the rotated files, oldest first, that are read and need not be held any more. */
  finished(rotated: readonly PlainFile[], now: number): PlainFile[] {
    const excess = rotated.length - HELD_FILES;
    return rotated.filter((file, index) => {
      const isOver = index < excess || now - file.stat.mtimeMs >= this.#length;
      return isOver && !file.hasLines;
    });
  }
}

import { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import type { Source } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";

/** Lines that are further ahead of the clock than this are told of. */
const AHEAD_MS = 120_000;
/** A log of which nothing was read for so long is quiet: it does not hold up the others. */
const QUIET_MS = 60_000;

interface Newest {
  readonly source: Pick<Source, "path">;
  readonly time: UnixMs;
  readonly readAt: UnixMs;
}

/** How far each source has been read, by the times of its lines. */
export class SourceTimes {
  readonly #newest = new Map<number, Newest>();

  note(source: Source, events: readonly LogEvent[], now: UnixMs): void {
    const newest = events.findLast(({ kind }) => kind !== "unparsed");
    if (newest !== undefined) this.#newest.set(source.id, { source, time: newest.time, readAt: now });
  }

  /** Of a source whose lines bear times that have not come yet. Rules count them all the same, but people see them wrong. */
  problem(source: Pick<Source, "id">): SekishoError | null {
    const newest = this.#newest.get(source.id);
    if (newest === undefined) return null;
    const ahead = newest.time - newest.readAt;
    return ahead > AHEAD_MS ? timeAhead(newest.source.path, ahead) : null;
  }

  /**
   * Up to when all that is read at present has been read; null when nothing is. It is told by the lines and not by the
   * clock, which differs by hours where a source's zone is set wrong.
   */
  readThrough(now: UnixMs): UnixMs | null {
    const times = [...this.#newest.values()]
      .filter(({ readAt }) => readAt > now - QUIET_MS)
      .map(({ time }) => time);
    return times.length === 0 ? null : (Math.min(...times) as UnixMs);
  }
}

function timeAhead(path: string, ahead: number): SekishoError {
  const minutes = Math.round(ahead / 60_000);
  const length = minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
  return new SekishoError(
    "LOG_TIME_AHEAD",
    `the newest line of ${path} is ${length} ahead of this host's clock`,
    "set logs[].timezone where the log has no zone of its own; else check the clocks",
  );
}

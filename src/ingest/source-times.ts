import { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import type { Source } from "../model/line.ts";
import type { UnixMs } from "../model/time.ts";
import type { TailStatus } from "../tail/tailer.ts";

/** Lines that are further ahead of the clock than this are told of. */
const AHEAD_MS = 120_000;
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

  /** What is wrong with a source whose lines bear times that have not come yet: rules count them all the same, but people see them wrong. */
  problem(source: Pick<Source, "id">): SekishoError | null {
    const newest = this.#newest.get(source.id);
    if (newest === undefined) return null;
    const ahead = newest.time - newest.readAt;
    return ahead > AHEAD_MS ? timeAhead(newest.source.path, ahead) : null;
  }

  /**
   * Up to when all lines have been read; null while that is unknown, as some log has lines of which none was read yet. A log
   * may be behind the clock because there is much to read or because its zone is set wrong, so each counts as far behind as
   * it was when it was read last, for as long as hits of then can count (`memory`). None is ahead of the clock.
   */
  readThrough(
    now: UnixMs,
    memory: number,
    sources: readonly Pick<TailStatus, "source" | "lagBytes">[],
  ): UnixMs | null {
    if (sources.some(({ source, lagBytes }) => lagBytes > 0 && !this.#newest.has(source.id))) return null;
    let behind = 0;
    for (const { time, readAt } of this.#newest.values())
      if (readAt > now - memory) behind = Math.max(behind, readAt - time);
    return (now - behind) as UnixMs;
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

import { detached } from "../../model/line.ts";
import type { UnixMs } from "../../model/time.ts";

/** Lines kept of one bucket: the first and the newest of the rest. */
const EVIDENCE_LINES = 10;
/** A bucket that needs many hits keeps lines only once it is half full, so that calm clients cost nothing. */
const KEEP_EVERY_LINE_UP_TO = 20;
/** A line of evidence is cut here; a request can make one of 97 KB. */
const EVIDENCE_LENGTH = 4_096;

/** When all buckets hold so many characters no more lines are kept; hits are counted all the same. */
const ROOM_FOR_LINES = 64 * 2 ** 20;

/** Characters that all buckets hold in lines and values. */
export interface Held {
  characters: number;
}

/** Whether a bucket that fires at `needed` hits keeps the line of this one. */
export const isWorthKeeping = (count: number, needed: number): boolean =>
  needed <= KEEP_EVERY_LINE_UP_TO || count * 2 >= needed;

/** What is kept of a line: a copy that does not keep its chunk of the log alive. */
export const keptLine = (line: string): string =>
  detached(line.length > EVIDENCE_LENGTH ? `${line.slice(0, EVIDENCE_LENGTH)} [cut]` : line);

/** As `keptLine`; empty when there is no room. */
export const lineIfRoom = (line: string, { characters }: Held): string =>
  characters < ROOM_FOR_LINES ? keptLine(line) : "";

/** Of many lines the first and the newest. */
export const someOf = (lines: readonly string[]): readonly string[] =>
  lines.length <= EVIDENCE_LINES ? lines : [lines[0]!, ...lines.slice(1 - EVIDENCE_LINES)];

/** Lines of one bucket in order of time. */
export class Evidence {
  readonly #lines: string[] = [];
  readonly #times: UnixMs[] = [];
  readonly #held: Held;

  constructor(held: Held) {
    this.#held = held;
  }

  /** Keeps a line, and none from `windowStart` or before: the first must be of a hit that counts. */
  add(line: string, time: UnixMs, windowStart: number): void {
    let stale = 0;
    while (stale < this.#times.length && this.#times[stale]! <= windowStart) stale++;
    if (stale > 0) this.#drop(0, stale);
    if (this.#lines.length === EVIDENCE_LINES) this.#drop(1, 1);
    const kept = lineIfRoom(line, this.#held);
    if (kept === "") return;
    this.#held.characters += kept.length;
    const after = this.#times.findLastIndex((each) => each <= time) + 1;
    this.#times.splice(after, 0, time);
    this.#lines.splice(after, 0, kept);
  }

  #drop(from: number, count: number): void {
    this.#times.splice(from, count);
    for (const line of this.#lines.splice(from, count)) this.#held.characters -= line.length;
  }

  clear(): void {
    this.#drop(0, this.#lines.length);
  }

  lines(): readonly string[] {
    return [...this.#lines];
  }
}

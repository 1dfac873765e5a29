import { detachedLine } from "../../model/line.ts";
import type { UnixMs } from "../../model/time.ts";

/** Lines kept of one bucket: the first and the newest of the rest. */
const EVIDENCE_LINES = 10;
/** A bucket that needs many hits keeps lines only once it is half full, so that calm clients cost nothing. */
const KEEP_EVERY_LINE_UP_TO = 20;
/** A line of evidence is cut here; a request can make one of 97 KB. */
const EVIDENCE_LENGTH = 4_096;

/** When all buckets hold so much in lines no more are kept; hits are counted all the same. */
const ROOM_FOR_LINES = 64 * 2 ** 20;
/** What a line takes beside its characters. */
const BYTES_OF_LINE = 100;

/** What all subjects and their buckets hold, in bytes, as far as it can be told. */
export interface Held {
  bytes: number;
  /** Of these, in lines of evidence. */
  lines: number;
}

/** Whether a bucket that fires at `needed` hits keeps the line of this one. */
export const isWorthKeeping = (count: number, needed: number): boolean =>
  needed <= KEEP_EVERY_LINE_UP_TO || count * 2 >= needed;

/** What is kept of a line: a copy that does not keep its chunk of the log alive. */
export const keptLine = (line: string): string =>
  detachedLine(line.length > EVIDENCE_LENGTH ? `${line.slice(0, EVIDENCE_LENGTH)} [cut]` : line);

/** As `keptLine`; empty when there is no room. */
export const lineIfRoom = (line: string, { lines }: Held): string =>
  lines < ROOM_FOR_LINES ? keptLine(line) : "";

/** As `lineIfRoom`, and told to be held. */
export function takeLine(line: string, held: Held): string {
  const kept = lineIfRoom(line, held);
  holdMore(kept.length, held);
  return kept;
}

/** Tells that so many characters of lines more are held, or fewer. */
export function holdMore(characters: number, held: Held): void {
  held.bytes += characters;
  held.lines += characters;
}

/** Of many lines the first and the newest. */
export const someOf = (lines: readonly string[]): readonly string[] =>
  lines.length <= EVIDENCE_LINES ? lines : [lines[0]!, ...lines.slice(1 - EVIDENCE_LINES)];

/** Lines of one bucket in order of time. Arrays are made at their length: one that grows has room for seventeen at once. */
export class Evidence {
  #lines: readonly string[] = [];
  #times: readonly UnixMs[] = [];
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
    const kept = takeLine(line, this.#held);
    if (kept === "") return;
    this.#held.bytes += BYTES_OF_LINE;
    const after = this.#times.findLastIndex((each) => each <= time) + 1;
    this.#times = this.#times.toSpliced(after, 0, time);
    this.#lines = this.#lines.toSpliced(after, 0, kept);
  }

  #drop(from: number, count: number): void {
    for (let at = from; at < from + count; at++) holdMore(-this.#lines[at]!.length, this.#held);
    this.#held.bytes -= count * BYTES_OF_LINE;
    this.#times = this.#times.toSpliced(from, count);
    this.#lines = this.#lines.toSpliced(from, count);
  }

  clear(): void {
    if (this.#lines.length > 0) this.#drop(0, this.#lines.length);
  }

  lines(): readonly string[] {
    return this.#lines;
  }
}

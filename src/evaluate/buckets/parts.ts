import type { DurationMs, UnixMs } from "../../model/time.ts";
import { NO_TIME } from "./bucket.ts";
import type { Held } from "./evidence.ts";

/** Parts of a window that are counted together: a busy client costs as much memory as a calm one. */
export const PARTS = 30;

/** What a part takes. */
const BYTES_OF_PART = 96;

/** Events of one part of a window; parts are counted from 1970, so that a restart makes the same. */
interface Part {
  readonly number: number;
  all: number;
  matching: number;
  first: UnixMs;
}

/** How many events there were within a window, and how many of them matched. */
export class Parts {
  readonly #length: number;
  /** Those with events, oldest first. */
  readonly #parts: Part[] = [];
  #newest = NO_TIME;
  readonly #held: Held;

  constructor(window: DurationMs, held: Held) {
    this.#length = window / PARTS;
    this.#held = held;
  }

  /** False for an event that is older than the window before the newest. */
  add(time: UnixMs, isMatching: boolean): boolean {
    const number = Math.floor(time / this.#length);
    if (number <= this.#newestPart() - PARTS) return false;
    if (time > this.#newest) this.#newest = time;
    const part = this.#part(number, time);
    part.all++;
    if (isMatching) part.matching++;
    return true;
  }

  #newestPart(): number {
    return Math.floor(this.#newest / this.#length);
  }

  #part(number: number, time: UnixMs): Part {
    const oldest = this.#newestPart() - PARTS;
    while (this.#parts.length > 0 && this.#parts[0]!.number <= oldest) {
      this.#parts.shift();
      this.#held.bytes -= BYTES_OF_PART;
    }
    const before = this.#parts.findLastIndex((part) => part.number <= number);
    let part = this.#parts[before];
    if (part?.number !== number) {
      part = { number, all: 0, matching: 0, first: time };
      this.#parts.splice(before + 1, 0, part);
      this.#held.bytes += BYTES_OF_PART;
    }
    if (time < part.first) part.first = time;
    return part;
  }

  get all(): number {
    let sum = 0;
    for (const part of this.#parts) sum += part.all;
    return sum;
  }
  get matching(): number {
    let sum = 0;
    for (const part of this.#parts) sum += part.matching;
    return sum;
  }
  get first(): UnixMs {
    return this.#parts[0]?.first ?? NO_TIME;
  }
  get newest(): UnixMs {
    return this.#newest;
  }

  clear(): void {
    this.#held.bytes -= this.#parts.length * BYTES_OF_PART;
    this.#parts.length = 0;
    this.#newest = NO_TIME;
  }
}

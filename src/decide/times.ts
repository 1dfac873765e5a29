import type { UnixMs } from "../model/time.ts";

/** Times in order, whatever order they come in: who asks thousands of times a second is answered at once. */
export class Times {
  readonly #span: number;
  readonly #sorted: UnixMs[] = [];
  /** How many there were when those before the span were dropped. */
  #kept = 0;

  /** `span`: how far back is counted, in milliseconds. */
  constructor(span: number) {
    this.#span = span;
  }

  add(time: UnixMs): void {
    // At the end, but after a clock was set back.
    this.#sorted.splice(this.#until(time), 0, time);
    if (this.#sorted.length < 2 * this.#kept + 100) return;
    this.#sorted.splice(0, this.#until(time - this.#span));
    this.#kept = this.#sorted.length;
  }

  /** How many lie in the span that ends at `time`. Those later than `time` are by a clock that was wrong. */
  before(time: UnixMs): number {
    return this.#until(time) - this.#until(time - this.#span);
  }

  /** How many are at `time` or before. */
  #until(time: number): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

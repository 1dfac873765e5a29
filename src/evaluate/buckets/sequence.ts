import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { type Held, holdMore, lineIfRoom } from "./evidence.ts";

/** Hits that wait for lines that come late; of one client so many are rarely written in the wrong order. */
export const WAITING = 8;

export interface Sequence {
  /** In order; a hit is one step, the latest that it can be. */
  readonly steps: readonly ((event: LogEvent) => boolean)[];
  readonly window: DurationMs;
}

interface Hit {
  readonly time: UnixMs;
  readonly line: string;
  /** A bit for each step that it can be. */
  readonly steps: number;
}

/** Hits that were the first steps, one each. Of several the one that began last, since it stays longest in the window. */
type Begun = readonly Hit[];

/**
 * Fires when a subject went through all steps, in order of time, within a window; other hits may lie between. For each
 * number of steps the best beginning is kept, and the newest hits beside that, so that one which is read late takes the
 * place that its time gives it.
 */
export class SequenceBucket extends Bucket {
  readonly #sequence: Sequence;
  /** By the number of steps less one, made of hits that wait no longer. */
  #begun: (Begun | undefined)[] = [];
  readonly #waiting: Hit[] = [];
  /** All steps, when they were gone through. */
  #whole: Begun | undefined;
  readonly #held: Held;
  #characters = 0;

  constructor(sequence: Sequence, held: Held) {
    super();
    this.#sequence = sequence;
    this.#held = held;
  }

  add(event: LogEvent): boolean {
    const { time, line } = event;
    if (time <= this.lastSeen - this.#sequence.window) return false;
    let steps = 0;
    for (const [index, isStep] of this.#sequence.steps.entries()) if (isStep(event)) steps |= 1 << index;
    if (steps === 0) return false;
    const after = this.#waiting.findLastIndex((each) => each.time <= time) + 1;
    this.#waiting.splice(after, 0, { time, line: lineIfRoom(line, this.#held), steps });
    if (this.#waiting.length > WAITING) this.#begun = this.#extended(this.#begun, this.#waiting.shift()!);
    let begun = this.#begun;
    for (const hit of this.#waiting) begun = this.#extended(begun, hit);
    const whole = begun[this.#sequence.steps.length - 1];
    this.#whole = whole !== undefined && this.#isWithin(whole, this.lastSeen) ? whole : undefined;
    this.#weigh();
    return this.#whole !== undefined;
  }

  /** What is begun with one hit more. From the last step to the first, so that the hit is not two steps of one. */
  #extended(begun: readonly (Begun | undefined)[], hit: Hit): (Begun | undefined)[] {
    const next = [...begun];
    for (let step = this.#sequence.steps.length - 1; step >= 0; step--) {
      if ((hit.steps & (1 << step)) === 0) continue;
      const before: Begun | undefined = step === 0 ? [] : begun[step - 1];
      if (before === undefined || !this.#isWithin(before, hit.time)) continue;
      if (step > 0 && before[step - 1]!.time > hit.time) continue;
      const known = next[step];
      const longer = [...before, hit];
      if (known === undefined || longer[0]!.time > known[0]!.time) next[step] = longer;
    }
    return next;
  }

  #isWithin(begun: Begun, time: UnixMs): boolean {
    return begun.length === 0 || begun[0]!.time > time - this.#sequence.window;
  }

  /** Tells how much all lines hold; one that is in several beginnings is counted once. */
  #weigh(): void {
    let characters = 0;
    for (const { line } of new Set([...this.#waiting, ...this.#begun.flatMap((begun) => begun ?? [])])) {
      characters += line.length;
    }
    holdMore(characters - this.#characters, this.#held);
    this.#characters = characters;
  }

  get firstSeen(): UnixMs {
    return this.#whole?.[0]?.time ?? NO_TIME;
  }
  get lastSeen(): UnixMs {
    return this.#waiting[this.#waiting.length - 1]?.time ?? NO_TIME;
  }
  /** Steps that were gone through. */
  get count(): number {
    return this.#whole?.length ?? 0;
  }
  evidence(): readonly string[] {
    return this.#whole?.map(({ line }) => line).filter((line) => line !== "") ?? [];
  }
  clear(): void {
    this.#begun = [];
    this.#waiting.length = 0;
    this.#whole = undefined;
    this.#weigh();
  }
}

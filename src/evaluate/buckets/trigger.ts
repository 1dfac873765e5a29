import type { LogEvent } from "../../model/event.ts";
import type { UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME } from "./bucket.ts";
import { type Held, keptLine } from "./evidence.ts";

/** Fires with each hit; the cooldown alone keeps it quiet. */
export class TriggerBucket extends Bucket {
  #time = NO_TIME;
  #line = "";
  readonly #held: Held;

  constructor(held: Held) {
    super();
    this.#held = held;
  }

  add({ time, line }: LogEvent): boolean {
    this.clear();
    this.#time = time;
    this.#line = keptLine(line);
    this.#held.bytes += this.#line.length;
    return true;
  }

  get firstSeen(): UnixMs {
    return this.#time;
  }
  get lastSeen(): UnixMs {
    return this.#time;
  }
  get count(): number {
    return this.#time === NO_TIME ? 0 : 1;
  }
  evidence(): readonly string[] {
    return this.#time === NO_TIME ? [] : [this.#line];
  }
  clear(): void {
    this.#held.bytes -= this.#line.length;
    this.#time = NO_TIME;
    this.#line = "";
  }
}

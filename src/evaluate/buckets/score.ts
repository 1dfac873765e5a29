import type { LogEvent } from "../../model/event.ts";
import type { DurationMs, UnixMs } from "../../model/time.ts";
import { Bucket, NO_TIME, type Scored } from "./bucket.ts";
import { type Held, holdMore, someOf, takeLine } from "./evidence.ts";

export interface Score {
  /** So many points fire. */
  readonly count: number;
  /** Of hits of so many different rules at least. */
  readonly rules: number;
  /** Of one rule so many hits count, the newest. */
  readonly perRule: number;
  readonly window: DurationMs;
}

interface Hit extends Scored {
  readonly time: UnixMs;
  readonly line: string;
}

/** What a hit takes beside its line. */
const BYTES_OF_HIT = 100;

/** Points of hits of other rules within a sliding window. */
export class ScoreBucket extends Bucket {
  readonly #score: Score;
  /** Oldest first. */
  readonly #hits: Hit[] = [];
  readonly #held: Held;

  constructor(score: Score, held: Held) {
    super();
    this.#score = score;
    this.#held = held;
  }

  add({ time, line }: LogEvent, scored?: Scored): boolean {
    if (scored === undefined || time <= this.lastSeen - this.#score.window) return false;
    const kept = takeLine(line, this.#held);
    this.#held.bytes += BYTES_OF_HIT;
    const after = this.#hits.findLastIndex((each) => each.time <= time) + 1;
    this.#hits.splice(after, 0, { ...scored, time, line: kept });
    const windowStart = this.lastSeen - this.#score.window;
    while (this.#hits[0]!.time <= windowStart) this.#drop(0);
    const ofRule = this.#hits.filter(({ rule }) => rule === scored.rule);
    if (ofRule.length > this.#score.perRule) this.#drop(this.#hits.indexOf(ofRule[0]!));
    return this.count >= this.#score.count && this.#points().size >= this.#score.rules;
  }

  /** Takes back the hits of a rule: it has fired itself. */
  withdraw(rule: string): void {
    for (let at = this.#hits.length - 1; at >= 0; at--) if (this.#hits[at]!.rule === rule) this.#drop(at);
  }

  #drop(at: number): void {
    for (const { line } of this.#hits.splice(at, 1)) {
      holdMore(-line.length, this.#held);
      this.#held.bytes -= BYTES_OF_HIT;
    }
  }

  #points(): Map<string, number> {
    const points = new Map<string, number>();
    for (const hit of this.#hits) points.set(hit.rule, (points.get(hit.rule) ?? 0) + hit.points);
    return points;
  }

  get firstSeen(): UnixMs {
    return this.#hits[0]?.time ?? NO_TIME;
  }
  get lastSeen(): UnixMs {
    return this.#hits[this.#hits.length - 1]?.time ?? NO_TIME;
  }
  /** Points. */
  get count(): number {
    return this.#hits.reduce((sum, { points }) => sum + points, 0);
  }
  /** Who gave the points, most first. */
  override get made(): string {
    const points = [...this.#points()].sort(([, a], [, b]) => b - a);
    return points.map(([rule, each]) => `${rule} ${each}`).join(", ");
  }
  evidence(): readonly string[] {
    return someOf(this.#hits.map(({ line }) => line).filter((line) => line !== ""));
  }
  clear(): void {
    while (this.#hits.length > 0) this.#drop(this.#hits.length - 1);
  }
}

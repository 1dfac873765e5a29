import { type Target, TargetSet, targetOfSubject } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import { type SubjectKey, subjectOfKey } from "../model/subject-key.ts";
import type { Held } from "./buckets/evidence.ts";

/**
 * What subjects and their buckets may hold, as it is told: some buckets take a third more. `npm run bench -- subjects` measures
 * that a million subjects stay below 300 MB in all.
 */
const MOST_BYTES = 176 * 2 ** 20;
/** Of the whole, so much room is made at once, so that it is seldom asked for. */
const ROOM_MADE = 1 / 16;
/** What a subject takes beside its key's characters and its buckets. */
const BYTES_OF_SUBJECT = 48;
/** Who is no hotter than this is let go of first; then the next. */
const HEATS = [1, 4, 16, Number.POSITIVE_INFINITY];

/** Names are as long as whoever sends them likes. */
const bytesOf = (key: SubjectKey): number => BYTES_OF_SUBJECT + (typeof key === "string" ? key.length : 0);

/**
 * What is known of each subject, in bounded memory. New and returning subjects live in the young generation; when it is full
 * they join the old one, so that both are in the order in which they were last young. Where there is no more room the calmest
 * give way, and of those who are as calm the longest unseen.
 */
export class Subjects<State> {
  readonly #most: number;
  #young = new Map<SubjectKey, State>();
  #old = new Map<SubjectKey, State>();
  /** The generation that is swept, and how far. */
  #swept = this.#young;
  #sweep = this.#young.entries();
  /** What the keys and the buckets of all subjects hold. */
  readonly held: Held = { bytes: 0, lines: 0 };
  /** Subjects that gave way to others. */
  givenUp = 0;
  readonly #release: (state: State) => void;
  readonly #heatOf: (state: State) => number;

  /** `release` gives back what a state holds. `heatOf`: how much there is to lose with it. */
  constructor(most: number, release: (state: State) => void, heatOf: (state: State) => number = () => 0) {
    this.#most = most;
    this.#release = release;
    this.#heatOf = heatOf;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: SubjectKey): State | undefined {
    if (this.held.bytes >= MOST_BYTES) this.#makeRoom();
    const state = this.#young.get(key);
    if (state !== undefined || this.#old.size === 0) return state;
    const old = this.#old.get(key);
    if (old !== undefined) this.#add(key, old);
    return old;
  }

  set(key: SubjectKey, state: State): void {
    if (this.#young.has(key)) this.#young.set(key, state);
    else this.#add(key, state);
  }

  #add(key: SubjectKey, state: State): void {
    if (!this.#old.delete(key)) {
      if (this.size >= this.#most) this.#makeRoom();
      this.held.bytes += bytesOf(key);
    }
    if (this.#young.size * 2 >= this.#most) this.#age();
    this.#young.set(typeof key === "string" ? detached(key) : key, state);
  }

  #age(): void {
    if (this.#old.size === 0) this.#old = this.#young;
    else for (const [key, state] of this.#young) this.#old.set(key, state);
    this.#young = new Map();
    this.#startSweep(this.#old);
  }

  #startSweep(generation: Map<SubjectKey, State>): void {
    this.#swept = generation;
    this.#sweep = generation.entries();
  }

  /**
   * Looks at the next subjects in turn, at most `count`, and keeps of each what `kept` says; null: nothing. What it does not
   * keep it gives back itself.
   */
  sweep(count: number, kept: (state: State) => State | null): void {
    for (let looks = Math.min(count, this.size); looks > 0; looks--) {
      let next = this.#sweep.next();
      for (let ends = 0; next.done === true; ends++) {
        if (ends === 2) return;
        this.#startSweep(this.#swept === this.#young ? this.#old : this.#young);
        next = this.#sweep.next();
      }
      const [key, state] = next.value;
      const left = kept(state);
      if (left === null) this.#delete(this.#swept, key);
      else if (left !== state) this.#swept.set(key, left);
    }
  }

  #makeRoom(): void {
    this.#dropCalmest();
    // An iterator keeps the table alive that the map had when it stood there, with all that was dropped from it since.
    this.#startSweep(this.#swept);
  }

  #dropCalmest(): void {
    const bytes = MOST_BYTES * (1 - ROOM_MADE);
    const size = Math.floor(this.#most * (1 - ROOM_MADE));
    for (const heat of HEATS) {
      for (const generation of [this.#old, this.#young]) {
        for (const [key, state] of generation) {
          if (this.held.bytes <= bytes && this.size <= size) return;
          if (this.#heatOf(state) > heat) continue;
          this.#drop(generation, key, state);
          this.givenUp++;
        }
      }
    }
  }

  #drop(generation: Map<SubjectKey, State>, key: SubjectKey, state: State): void {
    this.#release(state);
    this.#delete(generation, key);
  }

  #delete(generation: Map<SubjectKey, State>, key: SubjectKey): void {
    this.held.bytes -= bytesOf(key);
    generation.delete(key);
  }

  /** Forgets whoever the target covers. */
  forget(target: Target | TargetSet): void {
    const forgotten = target instanceof TargetSet ? target : new TargetSet([target]);
    for (const generation of [this.#young, this.#old]) {
      for (const [key, state] of generation) {
        const target = targetOfSubject(subjectOfKey(key));
        if (target !== null && forgotten.covering(target) !== null) this.#drop(generation, key, state);
      }
    }
  }
}

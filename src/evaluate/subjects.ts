import { type Ip, type Subject, subjectOf, type Target, TargetSet, targetOfSubject } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import type { Held } from "./buckets/evidence.ts";

/**
 * Characters that lines, values and names may hold, one byte or two each. Lines are kept up to less than that, so what
 * comes here is a great many long values.
 */
const MOST_CHARACTERS = 96 * 2 ** 20;
/** Made at once, so that it is seldom asked for. */
const ROOM_MADE = 2 ** 20;

/**
 * A subject in memory. An IPv4 address is a number, which is found faster than a text and has nothing to keep; a /64 is
 * its groups without the zeros behind them (`2001:db8:1:2`, or `2001:db8` for 2001:db8::/64). Any other is its text, which
 * has a slash or an equals sign in it.
 */
export type SubjectKey = number | string;

const DOT = 46;
const COLON = 58;
const IPV6_ENDING = "::/64";

export function keyOf(client: Ip): SubjectKey {
  let value = 0;
  let part = 0;
  for (let at = 0; at < client.length; at++) {
    const code = client.charCodeAt(at);
    if (code >= COLON) return ipv6Key(client);
    if (code !== DOT) {
      part = part * 10 + code - 48;
      continue;
    }
    value = (value << 8) | part;
    part = 0;
  }
  return (value << 8) | part;
}

/** Where four groups are written out and the fourth is not zero they are the key; else there are several spellings. */
function ipv6Key(client: Ip): string {
  let end = -1;
  let start = 0;
  for (let group = 0; group < 4; group++) {
    start = end + 1;
    end = client.indexOf(":", start);
    if (end === start) return keyOfPrefix(subjectOf(client));
  }
  return end - start === 1 && client[start] === "0" ? keyOfPrefix(subjectOf(client)) : client.slice(0, end);
}

const keyOfPrefix = (subject: Subject): string => subject.slice(0, -IPV6_ENDING.length);

export function keyOfSubject(subject: Subject): SubjectKey {
  if (subject.includes("=")) return subject;
  if (subject.endsWith(IPV6_ENDING)) return keyOfPrefix(subject);
  return subject.includes("/") ? subject : keyOf(subject as string as Ip);
}

export function subjectOfKey(key: SubjectKey): Subject {
  if (typeof key === "string") return (isItsText(key) ? key : `${key}${IPV6_ENDING}`) as Subject;
  return [key >>> 24, (key >>> 16) & 255, (key >>> 8) & 255, key & 255].join(".") as Subject;
}

const isItsText = (key: string): boolean => key.includes("=") || key.includes("/");

/** Names are as long as whoever sends them likes. */
const lengthOf = (key: SubjectKey): number => (typeof key === "string" ? key.length : 0);

/**
 * What is known of each subject, in bounded memory: two generations. New and returning subjects live in the young one; when
 * it is full the old one is dropped and the young one becomes old. What is forgotten is whoever has been quiet for longest,
 * also where few hold much: then those that have been known for longest make room.
 */
export class Subjects<State> {
  readonly #generationSize: number;
  #young = new Map<SubjectKey, State>();
  #old = new Map<SubjectKey, State>();
  /** Where the sweep through the young generation stands. */
  #sweep = this.#young.entries();
  /** What the keys and the buckets of all subjects hold. */
  readonly held: Held = { characters: 0 };
  readonly #release: (state: State) => void;

  /** `release` gives back what a state holds. */
  constructor(maxSubjects: number, release: (state: State) => void) {
    this.#generationSize = Math.ceil(maxSubjects / 2);
    this.#release = release;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: SubjectKey): State | undefined {
    if (this.held.characters >= MOST_CHARACTERS) this.#makeRoom();
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
    if (!this.#old.delete(key)) this.held.characters += lengthOf(key);
    if (this.#young.size >= this.#generationSize) {
      for (const [dropped, its] of this.#old) this.#drop(this.#old, dropped, its);
      this.#old = this.#young;
      this.#young = new Map();
      this.#sweep = this.#young.entries();
    }
    this.#young.set(typeof key === "string" ? detached(key) : key, state);
  }

  /** Looks at the next subjects in turn, at most `count`, and keeps of each what `kept` says; null: nothing. */
  sweep(count: number, kept: (state: State) => State | null): void {
    for (let looks = Math.min(count, this.#young.size); looks > 0; looks--) {
      let next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = this.#young.entries();
        next = this.#sweep.next();
        if (next.done === true) return;
      }
      const [key, state] = next.value;
      const left = kept(state);
      if (left === null) this.#drop(this.#young, key, state);
      else if (left !== state) this.#young.set(key, left);
    }
  }

  #makeRoom(): void {
    for (const generation of [this.#old, this.#young]) {
      for (const [key, state] of generation) {
        if (this.held.characters < MOST_CHARACTERS - ROOM_MADE) return;
        this.#drop(generation, key, state);
      }
    }
  }

  #drop(generation: Map<SubjectKey, State>, key: SubjectKey, state: State): void {
    this.#release(state);
    this.held.characters -= lengthOf(key);
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

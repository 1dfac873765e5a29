import { type Ip, type Subject, subjectOf, type Target, TargetSet, targetOfSubject } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import type { Held } from "./buckets/evidence.ts";

/** Evidence that one generation may hold, one byte a character. Lines of 8 KB from half an IPv6 /48 must not fill memory. */
const GENERATION_CHARACTERS = 48 * 2 ** 20;

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
 * it is full the old one is dropped and the young one becomes old. What is forgotten is whoever has been quiet for longest.
 */
export class Subjects<State> {
  readonly #generationSize: number;
  #young = new Map<SubjectKey, State>();
  #old = new Map<SubjectKey, State>();
  /** Where the sweep through the young generation stands. */
  #sweep = this.#young.entries();
  /** What the young generation's buckets hold. */
  held: Held = { characters: 0 };

  constructor(maxSubjects: number) {
    this.#generationSize = Math.ceil(maxSubjects / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: SubjectKey): State | undefined {
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
    this.#old.delete(key);
    if (this.#young.size >= this.#generationSize || this.held.characters >= GENERATION_CHARACTERS) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#sweep = this.#young.entries();
      this.held = { characters: 0 };
    }
    this.held.characters += lengthOf(key);
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
      if (left === null) {
        this.held.characters -= lengthOf(key);
        this.#young.delete(key);
      } else if (left !== state) this.#young.set(key, left);
    }
  }

  /** Forgets whoever the target covers. */
  forget(target: Target): void {
    const forgotten = new TargetSet([target]);
    for (const generation of [this.#young, this.#old]) {
      for (const key of generation.keys()) {
        const target = targetOfSubject(subjectOfKey(key));
        if (target !== null && forgotten.covering(target) !== null) generation.delete(key);
      }
    }
  }
}

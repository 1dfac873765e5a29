import type { Subject } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import { type SubjectKey, subjectOfKey } from "../model/subject-key.ts";
import type { DurationMs, UnixMs } from "../model/time.ts";

/** A subject that came near a rule's threshold and of which the rule has made no finding. */
export interface NearMiss {
  readonly subject: Subject;
  /** The most hits that were counted together. */
  readonly count: number;
  /** Hits that make a finding. */
  readonly of: number;
  /** When there were so many. */
  readonly at: UnixMs;
}

/** What is asked of a rule. `needed`: hits that make a finding; infinite where hits do not tell how near one is. */
interface CountingRule {
  readonly id: string;
  readonly needed: number;
}

interface Miss {
  count: number;
  at: UnixMs;
}

interface Near {
  readonly needed: number;
  readonly missed: Map<SubjectKey, Miss>;
  /** Subjects of which there was a finding, and when; those that fired last stand last. */
  readonly fired: Map<SubjectKey, UnixMs>;
}

/** Of each rule so many are shown. More are kept, since some of them fire and go. */
const SHOWN = 20;
const KEPT = 40;
/** Of each rule, subjects that are known to have fired. */
const MOST_FIRED = 256;
const DAY = 86_400_000 as DurationMs;

/** From how many hits on a subject is near, where so many are needed: half of them, and one hit is nothing yet. */
export const nearAt = (needed: number): number => Math.max(2, Math.ceil(needed / 2));

/**
 * Who came nearest to each rule, so that a threshold can be chosen from what really happens. Bounded, and the same events
 * give the same: where there is no room who is farther gives way, and of those who are as near who was so first.
 */
export class NearMisses {
  readonly #memory: DurationMs;
  readonly #byRule = new Map<string, Near>();

  /** `memory`: how long one is of interest. */
  constructor(memory = DAY) {
    this.#memory = memory;
  }

  /** So many hits of a subject, without a finding. */
  note(rule: CountingRule, key: SubjectKey, count: number, at: UnixMs): void {
    const { missed, fired } = this.#near(rule);
    if (this.#isRecent(fired.get(key), at)) return;
    const known = missed.get(key);
    if (known !== undefined) {
      if (count <= known.count && this.#isRecent(known.at, at)) return;
      known.count = count;
      known.at = at;
    } else if (missed.size < KEPT || this.#makeRoom(missed, count, at))
      missed.set(typeof key === "string" ? detached(key) : key, { count, at });
  }

  /** The rule has made a finding of a subject, which is no near miss of it any more. */
  fired(rule: CountingRule, key: SubjectKey, at: UnixMs): void {
    if (rule.needed === Number.POSITIVE_INFINITY) return;
    const { missed, fired } = this.#near(rule);
    missed.delete(key);
    fired.delete(key);
    fired.set(typeof key === "string" ? detached(key) : key, at);
    if (fired.size > MOST_FIRED) fired.delete(fired.keys().next().value!);
  }

  /** By the ids of the rules that have any, the nearest first. */
  all(now: UnixMs): Map<string, readonly NearMiss[]> {
    const all = new Map<string, readonly NearMiss[]>();
    for (const [id, { needed, missed }] of this.#byRule) {
      const recent = [...missed]
        .filter(([, { at }]) => this.#isRecent(at, now))
        .map(([key, { count, at }]) => ({ subject: subjectOfKey(key), count, of: needed, at }))
        .sort((a, b) => b.count - a.count || b.at - a.at || (a.subject < b.subject ? -1 : 1));
      if (recent.length > 0) all.set(id, recent.slice(0, SHOWN));
    }
    return all;
  }

  /** Other rules run: one that is gone, or whose threshold was changed, begins anew. */
  keepOnly(rules: readonly CountingRule[]): void {
    for (const [id, { needed }] of this.#byRule) {
      if (!rules.some((rule) => rule.id === id && rule.needed === needed)) this.#byRule.delete(id);
    }
  }

  #isRecent(at: UnixMs | undefined, now: UnixMs): boolean {
    return at !== undefined && (this.#memory === Number.POSITIVE_INFINITY || at > now - this.#memory);
  }

  #near({ id, needed }: CountingRule): Near {
    let near = this.#byRule.get(id);
    if (near === undefined) {
      near = { needed, missed: new Map(), fired: new Map() };
      this.#byRule.set(id, near);
    }
    return near;
  }

  /** Lets go of who is over, else of the farthest, unless the new one is farther. */
  #makeRoom(missed: Near["missed"], count: number, at: UnixMs): boolean {
    let farthest: SubjectKey | null = null;
    let least: Miss = { count: count + 1, at };
    for (const [key, miss] of missed) {
      if (!this.#isRecent(miss.at, at)) return missed.delete(key);
      if (miss.count > least.count || (miss.count === least.count && miss.at >= least.at)) continue;
      farthest = key;
      least = miss;
    }
    return farthest !== null && missed.delete(farthest);
  }
}

import type { Severity } from "../model/finding.ts";
import type { Target, TargetSet } from "../model/ip.ts";
import type { SubjectKey } from "../model/subject-key.ts";
import type { UnixMs } from "../model/time.ts";
import type { Bucket, Lane } from "./buckets/bucket.ts";
import type { Held } from "./buckets/evidence.ts";
import type { CompiledRule } from "./compile-rule.ts";
import type { Placed } from "./rule-choice.ts";
import { Subjects } from "./subjects.ts";

/** What a bucket takes before it holds anything. */
const BYTES_OF_BUCKET = 160;
/** A subject on which a rule has fired is as worth keeping as one with so many hits. */
const COOLING_HITS = 16;
/** Of a rule that many innocent people have hits of, a hit is worth less than of one that few have. */
const WORTH: Readonly<Record<Severity, number>> = { info: 1, low: 1, medium: 1, high: 8, critical: 16 };

/** Empties a bucket whose newest hit is ahead of the clock, and ends a cooldown that began there. */
export function dropAhead(bucket: Bucket, horizon: number): void {
  if (bucket.lastSeen > horizon) bucket.clear();
  if (bucket.firedAt !== null && bucket.firedAt > horizon) bucket.firedAt = null;
}

/** All buckets, by subject, rule and lane. */
export class SubjectBuckets {
  readonly #rules: readonly CompiledRule[];
  /** Of each the first bucket. */
  readonly #subjects: Subjects<Bucket>;
  /** Most rules that look at an event count it for the same subject: it is looked up once. */
  #lookedUp: SubjectKey | null = null;
  #first: Bucket | null = null;

  constructor(rules: readonly CompiledRule[], maxSubjects: number) {
    this.#rules = rules;
    this.#subjects = new Subjects(
      maxSubjects,
      (first) => giveBack(first, this.#subjects.held),
      (first) => heatOf(first, rules),
    );
  }

  /** Subjects, and how many gave way to others since there was no more room. */
  get counting(): { readonly subjects: number; readonly givenUp: number } {
    return { subjects: this.#subjects.size, givenUp: this.#subjects.givenUp };
  }

  /** Before an event: between events subjects come and go. */
  nextEvent(): void {
    this.#lookedUp = null;
  }

  find(key: SubjectKey, position: number, lane: Lane): Bucket | null {
    if (key !== this.#lookedUp) {
      this.#first = this.#subjects.get(key) ?? null;
      this.#lookedUp = key;
    }
    for (let each = this.#first; each !== null; each = each.next)
      if (each.position === position && each.lane === lane) return each;
    return null;
  }

  findOrMake(key: SubjectKey, { rule, position }: Placed, lane: Lane): Bucket {
    const found = this.find(key, position, lane);
    if (found !== null) return found;
    const bucket = rule.newBucket(this.#subjects.held);
    bucket.position = position;
    bucket.lane = lane;
    bucket.next = this.#first;
    this.#subjects.held.bytes += BYTES_OF_BUCKET;
    this.#subjects.set(key, bucket);
    this.#first = bucket;
    return bucket;
  }

  /** Drops all that is counted against whoever the target covers. */
  forget(target: Target | TargetSet): void {
    this.#subjects.forget(target);
  }

  /** Of the next `count` subjects, drops what no event from `time` on can add to. */
  forgetOver(time: UnixMs, count: number): void {
    this.#subjects.sweep(count, (first) => this.#withoutOver(first, time));
  }

  #withoutOver(bucket: Bucket | null, time: UnixMs): Bucket | null {
    if (bucket === null) return null;
    bucket.next = this.#withoutOver(bucket.next, time);
    const { window, cooldown } = this.#rules[bucket.position]!;
    const isCounting = bucket.lastSeen > time - window;
    const isCooling = bucket.firedAt !== null && bucket.firedAt > time - cooldown;
    if (isCounting || isCooling) return bucket;
    const { next } = bucket;
    bucket.next = null;
    giveBack(bucket, this.#subjects.held);
    return next;
  }
}

/** Empties all buckets of a subject, which are used no more. */
function giveBack(first: Bucket, held: Held): void {
  for (let each: Bucket | null = first; each !== null; each = each.next) {
    each.clear();
    held.bytes -= BYTES_OF_BUCKET;
  }
}

/** Hits of the fullest of a subject's buckets: the more, the sooner it leads to a finding. */
function heatOf(first: Bucket, rules: readonly CompiledRule[]): number {
  let most = 0;
  for (let each: Bucket | null = first; each !== null; each = each.next) {
    const hits = each.count * WORTH[rules[each.position]!.severity];
    most = Math.max(most, each.firedAt === null ? hits : COOLING_HITS);
  }
  return most;
}

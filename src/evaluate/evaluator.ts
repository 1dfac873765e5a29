import { type AuditReport, mayBanFor, type TrustOf, unlimited } from "../model/audit.ts";
import type { LogEvent, SourceKind } from "../model/event.ts";
import type { Finding } from "../model/finding.ts";
import { type Ip, type Subject, type Target, TargetSet, targetOfSubject } from "../model/ip.ts";
import { keyOf, keyOfSubject, type SubjectKey, subjectOfKey } from "../model/subject-key.ts";
import { NEVER, type UnixMs } from "../model/time.ts";
import { AccessRules } from "./access-rules.ts";
import { APACHE, type Bucket, type Lane, type Scored } from "./buckets/bucket.ts";
import { ScoreBucket } from "./buckets/score.ts";
import type { CompiledRule } from "./compile-rule.ts";
import { type Deed, findingOf, isDeed } from "./finding-of.ts";
import { Gates } from "./gates.ts";
import { NOTHING_KNOWN } from "./known.ts";
import { NearMisses } from "./near-misses.ts";
import { type Placed, RuleChoice } from "./rule-choice.ts";
import { gravest, type RuleHit, Scores } from "./scores.ts";
import { dropAhead, SubjectBuckets } from "./subject-buckets.ts";

/** Clocks of hosts that write one log may differ by this much. What is further ahead of ours was written by a wrong clock. */
const CLOCK_SLACK_MS = 60_000;
/** Apache writes a line when a request ends, with the time when it began. */
const LATE_MS = 60_000;

/** What an event adds to a score; nothing where the rule of its gravest hit has fired. */
interface ScoredEvent {
  readonly rule: CompiledRule;
  readonly bucket: Bucket;
  readonly key: SubjectKey;
  readonly hit: Scored | null;
}

/** Hits up to and including an event that led to a finding, which a restart must not count again. */
export interface Consumed {
  readonly subject: Subject;
  readonly rule: string;
  readonly throughEvent: number;
  /** The audit event that made it fire; null when Apache's own logs did. */
  readonly report: AuditReport | null;
  /** When the rule fired. */
  readonly at: UnixMs;
}

/** Hits of everybody whom a target covers, up to and including an event: a person lifted the ban. */
export interface Forgiven {
  readonly target: Target;
  readonly throughEvent: number;
}

/**
 * Turns events into findings. It reads no clock and does no input or output: the same events give the same findings.
 */
export class Evaluator {
  /** The longest time that any rule looks back, in milliseconds. */
  readonly memory: number;
  readonly #rules: readonly CompiledRule[];
  readonly #trustOf: TrustOf;
  readonly #access: AccessRules;
  readonly #otherKinds: Readonly<Record<"opening" | "error" | "audit", RuleChoice>>;
  readonly #gates: Gates;
  readonly #scores: Scores;
  /** Who came near a threshold. Nothing that is found depends on it. */
  nearMisses = new NearMisses();
  readonly #buckets: SubjectBuckets;
  /** The client of the event at hand. */
  #ownKey: SubjectKey = 0;
  /** The latest time that any event had. */
  #latest = 0;
  /** What is later was written by a wrong clock. */
  #horizon = Number.POSITIVE_INFINITY;

  constructor(rules: readonly CompiledRule[], trustOf: TrustOf = unlimited, maxSubjects = 1_000_000) {
    this.#rules = rules;
    this.memory = Math.max(0, ...rules.map(({ window, cooldown }) => Math.max(window, cooldown)));
    this.#trustOf = trustOf;
    this.#gates = new Gates(rules);
    const ofKind = (kind: SourceKind) =>
      this.#gates.first(
        rules
          .map((rule, position) => ({ rule, position }))
          .filter(({ rule }) => rule.events === kind && rule.spec.bucket.kind !== "score"),
      );
    this.#scores = new Scores(rules);
    const access = ofKind("access");
    this.#access = new AccessRules(access);
    const atOpening = access.filter(({ rule }) => rule.atOpening);
    this.#otherKinds = {
      opening: new RuleChoice(atOpening, NOTHING_KNOWN),
      error: new RuleChoice(ofKind("error"), NOTHING_KNOWN),
      audit: new RuleChoice(ofKind("audit"), NOTHING_KNOWN),
    };
    this.#buckets = new SubjectBuckets(rules, maxSubjects);
  }

  /** Subjects that are counted, and how many gave way to others since there was no more room. */
  get counting(): { readonly subjects: number; readonly givenUp: number } {
    return this.#buckets.counting;
  }

  /**
   * Windows run on the time of the lines, whatever the clock says. `now` is only for a clock that was set back: what was
   * counted at times that have not come yet is dropped, or it would outlast every later hit of its subject.
   */
  evaluate(events: readonly LogEvent[], now: UnixMs = NEVER): Finding[] {
    const findings: Finding[] = [];
    this.#horizon = now + CLOCK_SLACK_MS;
    this.#access.look(events);
    this.#gates.close();
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      if (!isDeed(event) || event.client === null) continue;
      this.#turnTo(event.client);
      const hits = this.#count(event, event.client, index, findings);
      this.#addGood(event, event.client);
      if (hits !== null) this.#sum(event, hits, index, findings);
    }
    return findings;
  }

  /** Has every rule that looks at the event count it. The hits that scores sum; null when there are none. */
  #count(event: Deed, client: Ip, index: number, findings: Finding[]): RuleHit[] | null {
    let summed: RuleHit[] | null = null;
    for (const placed of this.#rulesFor(event, index)) {
      const { rule, position } = placed;
      if (!this.#gates.isOpen(position, index) || !rule.looksAt(event)) continue;
      const subject = this.#subjectFor(rule, event, client);
      if (subject === null) continue;
      if (event.time > this.#latest) this.#latest = event.time;
      const bucket = this.#buckets.findOrMake(subject, placed, this.#laneOf(event));
      const finding = this.#add(event, rule, bucket, subject, index);
      this.#gates.note(position, index, bucket);
      if (finding !== null) findings.push(finding);
      if (this.#scores.sums(position)) {
        summed ??= [];
        summed.push({ position, fired: finding !== null });
      }
    }
    return summed;
  }

  /** Gives a hit to a bucket. What it leads to, or how near it has come. */
  #add(event: Deed, rule: CompiledRule, bucket: Bucket, subject: SubjectKey, index: number): Finding | null {
    this.#dropAhead(bucket, event);
    const finding = bucket.add(event) ? findingOf(rule, bucket, event, subjectOfKey(subject), index) : null;
    if (finding !== null) this.nearMisses.fired(rule, subject, this.#timeOf(event));
    else if (bucket.firedAt === null && bucket.count >= rule.nearAt)
      this.nearMisses.note(rule, subject, bucket.count, this.#timeOf(event));
    return finding;
  }

  /** Gives the hits of one event to the scores that sum them. */
  #sum(event: Deed, hits: readonly RuleHit[], index: number, findings: Finding[]): void {
    for (const { rule, bucket, key, hit } of this.#scored(event, hits)) {
      this.#dropAhead(bucket, event);
      if (hit === null || !bucket.add(event, hit)) continue;
      const finding = findingOf(rule, bucket, event, subjectOfKey(key), index);
      if (finding !== null) findings.push(finding);
    }
  }

  /** The clock was set back: what was counted at times that have not come yet is dropped. */
  #dropAhead(bucket: Bucket, { time }: Deed): void {
    if (this.#latest > this.#horizon && time <= this.#horizon) dropAhead(bucket, this.#horizon);
  }

  /** When it was, at the latest now. */
  #timeOf({ time }: Deed): UnixMs {
    return Math.min(time, this.#horizon) as UnixMs;
  }

  /** `index`: of the event in the batch at hand; -1 when it is in none. */
  #rulesFor(event: Exclude<LogEvent, { kind: "unparsed" }>, index = -1): readonly Placed[] {
    if (event.kind === "access") return this.#access.rulesFor(event, index);
    if (event.kind === "opening" && event.second) return [];
    return this.#otherKinds[event.kind].rulesFor(event);
  }

  /** What is good of a subject, for rules that count it only after a hit: who has none costs nothing. */
  #addGood(event: Deed, client: Ip): void {
    const good = event.kind === "access" ? this.#access.good : this.#otherKinds[event.kind].good;
    if (good.length === 0) return;
    for (const { rule, position } of good) {
      const subject = this.#subjectFor(rule, event, client);
      if (subject === null) continue;
      const bucket = this.#buckets.find(subject, position, this.#laneOf(event));
      if (bucket !== null && rule.goodAfterHit?.(event) === true) bucket.add(event);
    }
  }

  /** The scores that an event's hits concern, with what is to be added; hits of rules that fired are taken back. */
  *#scored(event: Deed, hits: readonly RuleHit[]): Generator<ScoredEvent> {
    for (const score of this.#scores.of(event, hits)) {
      const { rule, worth } = score;
      if (event.client === null) continue;
      const key = this.#subjectFor(rule, event, event.client);
      if (key === null) continue;
      const bucket = this.#buckets.findOrMake(key, score, this.#laneOf(event));
      for (const { position, fired } of hits) {
        const its = worth.get(position);
        if (fired && its !== undefined && bucket instanceof ScoreBucket) bucket.withdraw(its.rule);
      }
      yield { rule, bucket, key, hit: gravest(score, hits) };
    }
  }

  #turnTo(client: Ip): void {
    this.#ownKey = keyOf(client);
    this.#buckets.nextEvent();
  }

  /** Whom the event at hand counts for; null when its line does not say so. */
  #subjectFor({ keyOf: read }: CompiledRule, event: Deed, client: Ip): SubjectKey | null {
    return read === null ? this.#ownKey : read(event, client);
  }

  #laneOf(event: LogEvent): Lane {
    return event.kind === "audit" ? this.#laneOfReport(event) : APACHE;
  }

  #laneOfReport({ source, name }: AuditReport): Lane {
    const trust = this.#trustOf(source);
    return 1 + source * 2 + (trust === null || mayBanFor(trust, name) ? 1 : 0);
  }

  /** Every rule whose matcher accepts the event, whatever its threshold. */
  matching(event: LogEvent): string[] {
    if (event.kind === "unparsed") return [];
    return this.#rulesFor(event)
      .filter(({ rule }) => rule.matches(event))
      .map(({ rule }) => rule.id);
  }

  /** Drops all that is counted against whoever the target covers: a person has looked and lifted the ban. */
  forget(target: Target | TargetSet): void {
    this.#buckets.forget(target);
  }

  /**
   * Forgets what later events cannot add to, when all up to `through` have come: a window that has passed, a cooldown
   * that is over. At most so many subjects are looked at, the next ones in turn. No finding depends on it.
   */
  forgetOver(through: UnixMs, subjects: number): void {
    this.#buckets.forgetOver((through - LATE_MS) as UnixMs, subjects);
  }

  /**
   * Counts stored events again after a restart, without findings. `consumed` and `forgiven` tell which hits do not count
   * any more, so that nothing is forgotten and nothing counted twice.
   */
  restore(
    batches: Iterable<{ readonly firstEvent: number; readonly events: readonly LogEvent[] }>,
    consumed: readonly Consumed[],
    forgiven: readonly Forgiven[],
  ): void {
    const through = new Map<string, number>();
    const note = (key: string, event: number) => through.set(key, Math.max(through.get(key) ?? 0, event));
    for (const { target, throughEvent } of forgiven) note(target, throughEvent);
    for (const { subject, rule, throughEvent, report, at } of consumed) {
      const lane = report === null ? APACHE : this.#laneOfReport(report);
      note(`${rule} ${lane} ${subject}`, throughEvent);
      const position = this.#rules.findIndex(({ id }) => id === rule);
      if (position === -1) continue;
      this.#buckets.nextEvent();
      const bucket = this.#buckets.findOrMake(
        keyOfSubject(subject),
        { rule: this.#rules[position]!, position },
        lane,
      );
      bucket.firedAt = Math.max(bucket.firedAt ?? 0, at) as UnixMs;
    }
    const targets = new TargetSet(forgiven.map(({ target }) => target));
    const counts = (id: number, rule: string, lane: Lane, subject: Subject): boolean => {
      if (id <= (through.get(`${rule} ${lane} ${subject}`) ?? 0)) return false;
      const whole = targetOfSubject(subject);
      if (whole === null) return true;
      for (const target of targets.allCovering(whole)) if (id <= through.get(target)!) return false;
      return true;
    };
    for (const { firstEvent, events } of batches) {
      for (let index = 0; index < events.length; index++)
        this.#recount(events[index]!, (...what) => counts(firstEvent + index, ...what));
    }
  }

  #recount(event: LogEvent, counts: (rule: string, lane: Lane, subject: Subject) => boolean): void {
    if (!isDeed(event) || event.client === null) return;
    this.#turnTo(event.client);
    const scored: RuleHit[] = [];
    this.#gates.close();
    for (const placed of this.#rulesFor(event)) {
      if (!this.#gates.isOpen(placed.position, 0) || !placed.rule.looksAt(event)) continue;
      if (event.time > this.#latest) this.#latest = event.time;
      const key = this.#subjectFor(placed.rule, event, event.client);
      if (key === null) continue;
      const lane = this.#laneOf(event);
      const isCounted = counts(placed.rule.id, lane, subjectOfKey(key));
      if (isCounted) {
        const bucket = this.#buckets.findOrMake(key, placed, lane);
        bucket.add(event);
        this.#gates.note(placed.position, 0, bucket);
      }
      if (this.#scores.sums(placed.position)) scored.push({ position: placed.position, fired: !isCounted });
    }
    this.#addGood(event, event.client);
    for (const { rule, bucket, key, hit } of this.#scored(event, scored))
      if (hit !== null && counts(rule.id, bucket.lane, subjectOfKey(key))) bucket.add(event, hit);
  }
}

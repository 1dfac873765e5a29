import { type AuditReport, mayBanFor, type TrustOf, unlimited } from "../model/audit.ts";
import type { LogEvent, SourceKind } from "../model/event.ts";
import type { Finding } from "../model/finding.ts";
import { type Subject, subjectOf, type Target, TargetSet, targetOfSubject } from "../model/ip.ts";
import { NEVER, type UnixMs } from "../model/time.ts";
import type { Bucket } from "./buckets.ts";
import type { CompiledRule } from "./compile-rule.ts";
import { isHandshake } from "./matcher.ts";
import { Subjects } from "./subjects.ts";

/** Clocks of hosts that write one log may differ by this much. What is further ahead of ours was written by a wrong clock. */
const CLOCK_SLACK_MS = 60_000;
/** Apache writes a line when a request ends, with the time when it began. */
const LATE_MS = 60_000;

/**
 * Hits of one lane are never counted together with another's. Apache's own logs are lane 0. Each audit source has two: one
 * for events that it may ban for, one for the rest. So an app can neither complete a ban with events that it may not ban
 * for, nor lend its hits to another source and hide whose ban it is, nor spoil the count of honest reports by mixing in
 * hits that make the finding one to be spared.
 */
type Lane = number;
const APACHE: Lane = 0;

/** What one subject has done. Most do what one or two rules look at, so a list is shorter than a place for each rule. */
interface SubjectState {
  counted: Counted | null;
}

interface Counted {
  /** The rule's position. */
  readonly position: number;
  /** Whose hits these are. */
  readonly lane: Lane;
  readonly bucket: Bucket;
  /** When the rule fired last for the subject; its cooldown runs from there. */
  firedAt: UnixMs | null;
  next: Counted | null;
}

/** A rule and its position, which names its bucket in a subject's state. */
interface Placed {
  readonly rule: CompiledRule;
  readonly position: number;
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
  readonly #rules: readonly CompiledRule[];
  readonly #trustOf: TrustOf;
  readonly #byKind: Readonly<Record<SourceKind | "opening", readonly Placed[]>>;
  /** Rules that an access event can concern, by four times its status, plus one for a handshake and two for a second line. */
  readonly #concerned: (readonly Placed[] | undefined)[] = [];
  readonly #subjects: Subjects<SubjectState>;
  /** The latest time that any event had. */
  #latest = 0;

  constructor(rules: readonly CompiledRule[], trustOf: TrustOf = unlimited, maxSubjects = 1_000_000) {
    this.#rules = rules;
    this.#trustOf = trustOf;
    const ofKind = (kind: SourceKind) =>
      rules.map((rule, position) => ({ rule, position })).filter(({ rule }) => rule.events === kind);
    const access = ofKind("access");
    const opening = access.filter(({ rule }) => rule.atOpening);
    this.#byKind = { access, opening, error: ofKind("error"), audit: ofKind("audit") };
    this.#subjects = new Subjects(maxSubjects, () => ({ counted: null }));
  }

  /** The longest time that any rule looks back. */
  get memory(): number {
    return Math.max(0, ...this.#rules.map((rule) => Math.max(rule.window, rule.cooldown)));
  }

  get subjects(): number {
    return this.#subjects.size;
  }

  /**
   * Windows run on the time of the lines, whatever the clock says. `now` is only for a clock that was set back: what was
   * counted at times that have not come yet is dropped, or it would outlast every later hit of its subject.
   */
  evaluate(events: readonly LogEvent[], now: UnixMs = NEVER): Finding[] {
    const findings: Finding[] = [];
    const horizon = now + CLOCK_SLACK_MS;
    for (let index = 0; index < events.length; index++) {
      const event = events[index]!;
      if (event.kind === "unparsed" || event.client === null) continue;
      // What an active ban refused must not keep the ban alive for ever.
      if ((event.kind === "access" || event.kind === "error") && event.refused) continue;
      let state: SubjectState | undefined;
      for (const placed of this.#rulesFor(event)) {
        if (!placed.rule.matches(event)) continue;
        state ??= this.#subjects.of(event.client);
        if (event.time > this.#latest) this.#latest = event.time;
        if (this.#latest > horizon && event.time <= horizon) dropAhead(state, horizon);
        const counted = this.#counted(state, placed, this.#laneOf(event));
        if (!counted.bucket.add(event)) continue;
        const finding = findingOf(placed.rule, counted, event, subjectOf(event.client), index);
        if (finding !== null) findings.push(finding);
      }
    }
    return findings;
  }

  #rulesFor(event: Exclude<LogEvent, { kind: "unparsed" }>): readonly Placed[] {
    if (event.kind === "opening") return event.second ? [] : this.#byKind.opening;
    if (event.kind !== "access") return this.#byKind[event.kind];
    const { status, second } = event;
    const handshake = isHandshake(event);
    const key = status * 4 + (handshake ? 1 : 0) + (second ? 2 : 0);
    this.#concerned[key] ??= this.#byKind.access.filter(
      ({ rule }) => rule.concerns(status, handshake) && !(second && rule.atOpening),
    );
    return this.#concerned[key];
  }

  #counted(state: SubjectState, { rule, position }: Placed, lane: Lane): Counted {
    for (let each = state.counted; each !== null; each = each.next)
      if (each.position === position && each.lane === lane) return each;
    const bucket = rule.newBucket(this.#subjects.held);
    state.counted = { position, lane, bucket, firedAt: null, next: state.counted };
    return state.counted;
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
  forget(target: Target): void {
    this.#subjects.forget(target);
  }

  /**
   * Forgets what later events cannot add to, when all up to `through` have come: a window that has passed, a cooldown
   * that is over. At most so many subjects are looked at, the next ones in turn. No finding depends on it.
   */
  forgetOver(through: UnixMs, subjects: number): void {
    const time = (through - LATE_MS) as UnixMs;
    this.#subjects.sweep(subjects, (state) => {
      state.counted = this.#withoutOver(state.counted, time);
      return state.counted === null;
    });
  }

  #withoutOver(counted: Counted | null, time: UnixMs): Counted | null {
    if (counted === null) return null;
    counted.next = this.#withoutOver(counted.next, time);
    const { window, cooldown } = this.#rules[counted.position]!;
    const { bucket, firedAt } = counted;
    const isCounting = bucket.count > 0 && bucket.lastSeen > time - window;
    const isCooling = firedAt !== null && firedAt > time - cooldown;
    if (isCounting || isCooling) return counted;
    bucket.clear();
    return counted.next;
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
      const state = this.#subjects.ofSubject(subject);
      const counted = this.#counted(state, { rule: this.#rules[position]!, position }, lane);
      counted.firedAt = Math.max(counted.firedAt ?? 0, at) as UnixMs;
    }
    const targets = new TargetSet(forgiven.map(({ target }) => target));
    const counts = (id: number, rule: string, lane: Lane, subject: Subject): boolean => {
      if (id <= (through.get(`${rule} ${lane} ${subject}`) ?? 0)) return false;
      for (const target of targets.allCovering(targetOfSubject(subject)))
        if (id <= through.get(target)!) return false;
      return true;
    };
    for (const { firstEvent, events } of batches) {
      for (let index = 0; index < events.length; index++)
        this.#recount(events[index]!, (...what) => counts(firstEvent + index, ...what));
    }
  }

  #recount(event: LogEvent, counts: (rule: string, lane: Lane, subject: Subject) => boolean): void {
    if (event.kind === "unparsed" || event.client === null) return;
    if ((event.kind === "access" || event.kind === "error") && event.refused) return;
    for (const placed of this.#rulesFor(event)) {
      if (!placed.rule.matches(event)) continue;
      const state = this.#subjects.of(event.client);
      if (event.time > this.#latest) this.#latest = event.time;
      const lane = this.#laneOf(event);
      if (counts(placed.rule.id, lane, subjectOf(event.client)))
        this.#counted(state, placed, lane).bucket.add(event);
    }
  }
}

/** The finding of a bucket that is full, which begins anew; null while the rule is in its cooldown for the subject. */
function findingOf(
  rule: CompiledRule,
  counted: Counted,
  event: Exclude<LogEvent, { kind: "unparsed" }>,
  subject: Subject,
  eventIndex: number,
): Finding | null {
  const { bucket, firedAt } = counted;
  if (firedAt !== null && event.time < firedAt + rule.cooldown) return null;
  const finding: Finding = {
    rule: rule.id,
    title: rule.title,
    severity: rule.severity,
    subject,
    firstSeen: bucket.firstSeen,
    lastSeen: bucket.lastSeen,
    count: bucket.count,
    evidence: bucket.evidence(),
    ban: rule.ban,
    eventIndex,
    report: event.kind === "audit" ? { source: event.source, name: event.name } : null,
  };
  counted.firedAt = event.time;
  bucket.clear();
  return finding;
}

/** Empties the buckets whose newest hit is ahead of the clock, and ends cooldowns that began there. */
function dropAhead(state: SubjectState, horizon: number): void {
  for (let each = state.counted; each !== null; each = each.next) {
    if (each.bucket.count > 0 && each.bucket.lastSeen > horizon) each.bucket.clear();
    if (each.firedAt !== null && each.firedAt > horizon) each.firedAt = null;
  }
}

import type { Decision, StoredDecision } from "../model/decision.ts";
import type { AccessEvent, ErrorEvent, LogEvent } from "../model/event.ts";
import { type Ip, singleOf, type Target, TargetSet, targetOf } from "../model/ip.ts";
import { NO_TARGETS, type PackedTargets } from "../model/packed-targets.ts";
import type { Passed } from "../model/passed.ts";
import { type DurationMs, NEVER, type UnixMs } from "../model/time.ts";
import { Passing } from "./passing.ts";
import { PrefixBans } from "./prefix-bans.ts";

interface Term {
  readonly at: UnixMs;
  /** When it ended or will end; a person can have ended it before its time. */
  readonly until: UnixMs;
  /** Taken back by a person: it refused requests while it ran, but is no reason for a longer one. */
  readonly revoked: boolean;
  /** It had not passed when it was decided, so it is a reason for a longer one. */
  readonly counts: boolean;
}

/**
 * Whether a ban that is decided at `now` has not passed yet. Of one that has, nobody took notice; and an app that writes
 * audit events writes their times itself, so seven old ones would make three weeks of its ban. `now` is `NEVER` in
 * replay, which takes each line as read when it was written.
 */
const willRun = (until: UnixMs, now: UnixMs): boolean => now === NEVER || now < until;

const SECOND_MS = 1_000;
/** Most formats write whole seconds, so a line can bear a time from before the ban that refused it. */
const wholeSecond = (time: UnixMs): UnixMs => (time - (time % SECOND_MS)) as UnixMs;
/** Lifting a block takes a moment after its ban has ended. */
const LIFTED_WITHIN_MS = 5 * SECOND_MS;

/** An access line's status, or an error line's code, that a ban's refusal has. */
const REFUSED_STATUS = 403;
const REFUSED_CODE = "AH01630";

/**
 * Which bans run, and how often a target was banned before: what decisions depend on, kept in memory.
 * The store holds the same in `decisions`; the ledger is filled from there at start. Bans that have ended are kept too,
 * since lines from their time may still be to come: what is read lags behind what happens.
 */
export class Ledger {
  readonly #terms = new Map<Target, Term[]>();
  /** The targets of all terms. */
  readonly #banned = new TargetSet();
  /** Targets whose ban has ended and which an enforcer still refuses. */
  #lingering = new TargetSet();
  /** Targets of imported lists, which enforcers refuse too. */
  #listed = NO_TARGETS;
  /** When bans of these were taken back. */
  readonly #forgiven = new Map<Target, UnixMs>();
  #forgivenTargets = new TargetSet();
  readonly #passing = new Passing(
    (target, time) => this.bannedBy(target, time),
    (target) => this.#banned.covering(target) !== null,
  );
  readonly prefixes = new PrefixBans();
  readonly #memory: DurationMs;
  readonly #grace: DurationMs;
  readonly #enforcing: () => boolean;

  /**
   * `memory`: how long an earlier ban counts. `enforcing`: whether bans block at present. `grace`: how long rules leave
   * those alone whose ban a person took back.
   */
  constructor(memory: DurationMs, enforcing: () => boolean, grace = 0 as DurationMs) {
    this.#memory = memory;
    this.#enforcing = enforcing;
    this.#grace = grace;
  }

  load(decisions: Iterable<StoredDecision>): void {
    for (const decision of decisions) {
      if (decision.kind !== "ban") continue;
      this.record(decision, decision.decidedAt ?? decision.at);
      if (decision.revokedAt !== null) this.revoke(decision.target, decision.revokedAt);
    }
  }

  /** Notes a ban that is decided at `now`. */
  record(
    ban: Pick<Decision, "target" | "at" | "until"> & Partial<Pick<Decision, "by" | "reportedBy">>,
    now: UnixMs,
  ): void {
    if (willRun(ban.until, now)) this.prefixes.note(ban);
    const terms = (this.#terms.get(ban.target) ?? []).filter((term) => term.until > ban.at - this.#memory);
    const { until } = ban;
    terms.push({ at: wholeSecond(ban.at), until, revoked: false, counts: willRun(until, now) });
    this.#terms.set(ban.target, terms);
    this.#banned.add(ban.target);
    this.#passing.forget();
    // Who bans after an unban means it.
    this.#endGrace(ban.target);
  }

  /** Ends the bans of exactly this target that run. */
  revoke(target: Target, now: UnixMs): void {
    const terms = this.#terms.get(target);
    if (terms === undefined) return;
    this.prefixes.forget(target);
    this.#forgiven.set(target, now);
    this.#forgivenTargets.add(target);
    this.#terms.set(
      target,
      terms.map((term) => (now < term.until ? { ...term, until: now, revoked: true } : term)),
    );
  }

  /** A person's ban takes the place of what runs on its target. */
  replace(ban: Decision): void {
    this.revoke(ban.target, ban.at);
    this.record(ban, ban.at);
  }

  /** When the ban of exactly this target that runs would end; null when none runs. */
  runsUntil(target: Target, now: UnixMs): UnixMs | null {
    const running = (this.#terms.get(target) ?? []).filter((term) => now < term.until);
    return running.reduce<UnixMs | null>(
      (latest, { until }) => (latest === null || until > latest ? until : latest),
      null,
    );
  }

  /** The banned target that covers `target` at that time, or null. */
  bannedBy(target: Target, time: UnixMs): Target | null {
    return this.#bannedWithin(target, time, 0);
  }

  #bannedWithin(target: Target, time: UnixMs, grace: number): Target | null {
    for (const covering of this.#banned.allCovering(target)) {
      const terms = this.#terms.get(covering)!;
      if (terms.some(({ at, until }) => at <= time && time < until + grace)) return covering;
    }
    return null;
  }

  /** Whose ban, on this target or part of it or all around it, was taken back within the grace before `time`. */
  inGrace(target: Target, time: UnixMs): Target | null {
    for (;;) {
      const forgiven = this.#forgivenTargets.overlapping(target);
      if (forgiven === null || time < this.#forgiven.get(forgiven)! + this.#grace) return forgiven;
      this.#endGrace(forgiven);
    }
  }

  #endGrace(target: Target): void {
    this.#forgiven.delete(target);
    this.#forgivenTargets.delete(target);
  }

  /** Takes note of who is still refused though no ban runs: their refusals are no deeds either. */
  setLingering(targets: Iterable<Target>): void {
    this.#lingering = new TargetSet(targets);
  }

  /** Takes note of whom enforcers refuse for an imported list: their refusals are no deeds either. */
  setListed(targets: PackedTargets): void {
    this.#listed = targets;
  }

  isListed(target: Target): boolean {
    return this.#listed.covers(target);
  }

  /** Lets go of bans that ended so long before `time` that escalation does not remember them. */
  purge(time: UnixMs): void {
    this.prefixes.purge(time - this.#memory);
    // Either way: by a clock that was a year ahead nobody is left alone for a year.
    for (const [target, at] of this.#forgiven) if (Math.abs(time - at) >= this.#grace) this.#endGrace(target);
    for (const [target, terms] of this.#terms) {
      if (!terms.every((term) => term.until <= time - this.#memory)) continue;
      this.#terms.delete(target);
      this.#banned.delete(target);
      this.#passing.forget();
    }
  }

  /** Bans of exactly this target that ran, and ended by themselves within the memory before `time`. */
  earlierBans(target: Target, time: UnixMs): number {
    const terms = this.#terms.get(target) ?? [];
    return terms.filter(
      ({ until, revoked, counts }) => counts && !revoked && until <= time && until > time - this.#memory,
    ).length;
  }

  /** Who gets through though a ban runs that should block them. */
  passing(events: readonly LogEvent[], now: UnixMs): Passed[] {
    return this.#enforcing() && this.#banned.size > 0 ? this.#passing.of(events, now) : [];
  }

  /**
   * Marks what an active ban refused, so that it is counted as such and never held against a subject: a banned client
   * that keeps on trying would otherwise never be let out. A line with a time in the future was refused now.
   */
  markRefusals(events: readonly LogEvent[], now: UnixMs): void {
    const refusing = this.#banned.size + this.#lingering.size + this.#listed.size;
    if (refusing === 0 || !this.#enforcing()) return;
    for (const event of events) {
      if (!looksRefused(event)) continue;
      const target = targetOf(event.client);
      event.refused =
        this.#bannedWithin(target, Math.min(event.time, now) as UnixMs, LIFTED_WITHIN_MS) !== null ||
        this.#lingering.covering(target) !== null ||
        // A list may have one address of somebody's /64.
        this.#listed.covers(singleOf(event.client));
    }
  }
}

function looksRefused(event: LogEvent): event is (AccessEvent | ErrorEvent) & { readonly client: Ip } {
  if (event.kind === "access") return event.status === REFUSED_STATUS;
  return event.kind === "error" && event.code === REFUSED_CODE && event.client !== null;
}

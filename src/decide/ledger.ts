import type { Decision, StoredDecision } from "../model/decision.ts";
import type { AccessEvent, ErrorEvent, LogEvent } from "../model/event.ts";
import { type Ip, type Target, TargetSet, targetOf } from "../model/ip.ts";
import type { DurationMs, UnixMs } from "../model/time.ts";

interface Term {
  readonly at: UnixMs;
  readonly until: UnixMs;
}

/** An access line's status, or an error line's code, that a ban's refusal has. */
const REFUSED_STATUS = 403;
const REFUSED_CODE = "AH01630";

/**
 * Which bans run, and how often a target was banned before: what decisions depend on, kept in memory.
 * The store holds the same in `decisions`; the ledger is filled from there at start.
 */
export class Ledger {
  readonly #terms = new Map<Target, Term[]>();
  readonly #running = new TargetSet();
  readonly #memory: DurationMs;
  readonly #enforcing: () => boolean;

  /** `memory`: how long an earlier ban counts. `enforcing`: whether bans block at present. */
  constructor(memory: DurationMs, enforcing: () => boolean) {
    this.#memory = memory;
    this.#enforcing = enforcing;
  }

  load(decisions: Iterable<StoredDecision>): void {
    for (const decision of decisions) {
      const { at } = decision;
      // A ban that a person took back was a mistake: it does not make the next one longer.
      if (decision.kind === "ban" && decision.revokedAt === null) this.record({ ...decision, at });
    }
  }

  record(ban: Pick<Decision, "target" | "at" | "until">): void {
    const terms = (this.#terms.get(ban.target) ?? []).filter((term) => term.until > ban.at - this.#memory);
    terms.push({ at: ban.at, until: ban.until });
    this.#terms.set(ban.target, terms);
    this.#running.add(ban.target);
  }

  revoke(target: Target): void {
    this.#terms.delete(target);
    this.#running.delete(target);
  }

  /** The banned target that covers `target` at that time, or null. */
  bannedBy(target: Target, time: UnixMs): Target | null {
    for (const covering of this.#running.allCovering(target)) {
      if (this.#terms.get(covering)!.some((term) => term.at <= time && time < term.until)) return covering;
    }
    return null;
  }

  /** Lets go of bans that ended before `time`, but for what escalation remembers. */
  purge(time: UnixMs): void {
    for (const [target, terms] of this.#terms) {
      if (terms.every((term) => term.until <= time)) this.#running.delete(target);
      if (terms.every((term) => term.until <= time - this.#memory)) this.#terms.delete(target);
    }
  }

  /** Bans of exactly this target that ended within the memory before `time`. */
  earlierBans(target: Target, time: UnixMs): number {
    const terms = this.#terms.get(target) ?? [];
    return terms.filter((term) => term.until <= time && term.until > time - this.#memory).length;
  }

  /**
   * Marks what an active ban refused, so that it is counted as such and never held against a subject: a banned client
   * that keeps on trying would otherwise never be let out.
   */
  markRefusals(events: readonly LogEvent[]): void {
    if (!this.#enforcing() || this.#running.size === 0) return;
    for (const event of events) {
      if (looksRefused(event) && this.bannedBy(targetOf(event.client), event.time) !== null)
        event.refused = true;
    }
  }
}

function looksRefused(event: LogEvent): event is (AccessEvent | ErrorEvent) & { readonly client: Ip } {
  if (event.kind === "access") return event.status === REFUSED_STATUS;
  return event.kind === "error" && event.code === REFUSED_CODE && event.client !== null;
}

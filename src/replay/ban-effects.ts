import type { Decision } from "../model/decision.ts";
import type { LogEvent } from "../model/event.ts";
import { type Subject, type Target, TargetSet, targetOf } from "../model/ip.ts";
import { keyOf, keyOfSubject, type SubjectKey } from "../model/subject-key.ts";

/** What a ban would have stopped, had it been in force: what came from there while it ran. */
export interface BanEffect {
  /** Requests. */
  stopped: number;
  /** Those of them that were answered with success, or by sending the client on. */
  served: number;
  /** Those of them of somebody who had signed in, and successful sign-ins that an app reports. */
  signedIn: number;
}

interface Running extends BanEffect {
  readonly decision: Decision;
}

/** A ban that would have stopped fewer requests tells nothing of whom it would have hit. */
const ENOUGH = 20;
const MOSTLY = 0.9;

/** Counts what bans would have stopped. Found by client as buckets are; ranges, which are few, by what covers the client. */
export class BanEffects {
  /** By subject, and by range. */
  readonly #running = new Map<SubjectKey, Running[]>();
  readonly #ranges = new TargetSet();
  readonly #all = new Map<Decision, Running>();

  note(decision: Decision): void {
    const running = { decision, stopped: 0, served: 0, signedIn: 0 };
    this.#all.set(decision, running);
    const subject = subjectOf(decision.target);
    if (subject === null) this.#ranges.add(decision.target);
    const key = subject === null ? decision.target : keyOfSubject(subject);
    const earlier = this.#running.get(key);
    if (earlier === undefined) this.#running.set(key, [running]);
    else earlier.push(running);
  }

  count(events: readonly LogEvent[]): void {
    if (this.#all.size === 0) return;
    for (const event of events) {
      if ((event.kind !== "access" && event.kind !== "audit") || event.client === null) continue;
      const its = this.#running.get(keyOf(event.client));
      if (its !== undefined) add(its, event);
      if (this.#ranges.size === 0) continue;
      for (const range of this.#ranges.allCovering(targetOf(event.client)))
        add(this.#running.get(range)!, event);
    }
  }

  of(decision: Decision): BanEffect {
    return this.#all.get(decision)!;
  }
}

/** The subject that a target is the whole of; null for a range of several. */
function subjectOf(target: Target): Subject | null {
  const [address, bits] = target.split("/") as [string, string];
  if (bits === "32" && !address.includes(":")) return address as Subject;
  return bits === "64" ? (target as string as Subject) : null;
}

/** To the last ban that ran: an earlier one has ended, or the later would not have been decided. */
function add(bans: readonly Running[], event: Extract<LogEvent, { kind: "access" | "audit" }>): void {
  const ban = bans.findLast(({ decision: { at, until } }) => at < event.time && event.time < until);
  if (ban === undefined) return;
  if (event.kind === "audit") {
    if (event.name === "auth.succeeded") ban.signedIn++;
    return;
  }
  const isServed = event.status < 400;
  ban.stopped++;
  if (isServed) ban.served++;
  if (isServed && event.user !== null && event.user !== undefined) ban.signedIn++;
}

/** Why a ban may have hit somebody innocent; null where nothing says so. */
export function looksInnocent({ stopped, served, signedIn }: BanEffect): string | null {
  if (signedIn > 0) return `signed in ${signedIn === 1 ? "once" : `${signedIn} times`} while it ran`;
  if (stopped < ENOUGH || served < MOSTLY * stopped) return null;
  return `${Math.floor((100 * served) / stopped)} % of ${stopped} requests while it ran were answered`;
}

import { SekishoError } from "../model/errors.ts";
import type { Halt, HaltName } from "../model/halt.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import { type DurationMs, NEVER, type UnixMs } from "../model/time.ts";
import type { Lifted } from "../store/halts.ts";
import type { StoreWriter } from "../store/writer.ts";
import type { Ingestion } from "./ingestion.ts";
import type { Answers } from "./messages.ts";
import { notBanned } from "./not-banned.ts";
import type { WhatChanged } from "./telling.ts";

/**
 * Carries out what people decide, between two batches: it is stored first, and then known to all that judges. `changed` is
 * told whenever enforcers should hold others than before.
 */
export class DecisionsByPeople {
  readonly #store: StoreWriter;
  /** The present one: a reload puts another in its place. */
  readonly #ingestion: () => Ingestion;
  readonly #changed: (what?: WhatChanged) => void;

  constructor(store: StoreWriter, ingestion: () => Ingestion, changed: (what?: WhatChanged) => void) {
    this.#store = store;
    this.#ingestion = ingestion;
    this.#changed = changed;
  }

  /** Throws TARGET_PROTECTED. */
  ban(target: Target, length: DurationMs | null, reason: string, now: UnixMs): Answers["ban"] {
    const { policy, ledger } = this.#ingestion();
    const decision = policy.banByPerson(target, length, reason, now);
    const { id } = this.#store.decide(decision);
    const replacedUntil = ledger.runsUntil(decision.target, now);
    ledger.replace(decision);
    this.#changed({ decided: [decision] });
    return { id, replacedUntil };
  }

  /** Throws TARGET_NOT_BANNED, or why the store has no ban to lift. */
  unban(target: Target, now: UnixMs): void {
    if (this.#lift(target, now) === 0) throw notBanned(this.#ingestion(), target, now);
    this.#changed({ lifted: [target] });
  }

  /** Somebody who must never be banned must not be banned now either: every ban that touches the target ends. */
  allow(target: Target, reason: string, now: UnixMs): Target[] {
    const allowed = { kind: "allow", target, rule: null, by: "person", reason, at: now } as const;
    this.#store.decide({ ...allowed, until: NEVER, reportedBy: null });
    const ingestion = this.#ingestion();
    ingestion.refreshProtected();
    const lifted = new Set<Target>();
    for (const ban of this.#store.bansSince(now)) {
      if (ban.revokedAt !== null) continue;
      if (ingestion.policy.protectedTargets.reason(ban.target) === null) continue;
      if (this.#lift(ban.target, now) > 0) lifted.add(ban.target);
    }
    this.#changed({ lifted: [...lifted] });
    return [...lifted];
  }

  /** Throws TARGET_NOT_ALLOWLISTED. */
  disallow(target: Target): void {
    if (this.#store.revoke("allow", target) === 0) throw notAllowlisted(target);
    this.#ingestion().refreshProtected();
    this.#changed();
  }

  /** Lifts all bans, and lets rules ban nobody more; how many were lifted. */
  panic(now: UnixMs): number {
    const halt: Halt = { name: "panic", since: now, reason: "sekisho panic", from: now };
    this.#store.halts.begin(halt);
    this.#ingestion().policy.breaker.begin(halt);
    return this.#liftMany("all", now);
  }

  /** Lets rules ban again; how many bans that led to the halt were lifted. Throws NOT_HALTED. */
  endHalt(name: HaltName, lift: boolean, now: UnixMs): number {
    const { policy, storeProblem } = this.#ingestion();
    const halt = policy.breaker.halts.find((each) => each.name === name);
    if (halt === undefined) throw notHalted(name);
    // Lifting first: where it cannot be stored, all of it can be asked for again.
    const lifted = lift ? this.#liftMany({ decidedFrom: halt.from }, now) : 0;
    // The batch that began it may still wait for room on the disk.
    if (!this.#store.halts.end(name)) throw storeProblem ?? notHalted(name);
    policy.breaker.end(name);
    return lifted;
  }

  /** Ends the running bans of exactly this target; how many. */
  #lift(target: Target, now: UnixMs): number {
    const lifted = this.#store.revoke("ban", target);
    // A batch that waits for room on the disk may hold a ban of it: that one is not taken back, but will come.
    if (lifted === 0) return 0;
    this.#ingestion().ledger.revoke(target, now);
    this.#ingestion().evaluator.forget(target);
    return lifted;
  }

  /** Ends the bans of many; how many. */
  #liftMany(which: Lifted, now: UnixMs): number {
    const lifted = this.#store.liftBans(which);
    for (const target of lifted) this.#ingestion().ledger.revoke(target, now);
    this.#ingestion().evaluator.forget(new TargetSet(lifted));
    this.#changed({ lifted });
    return lifted.length;
  }
}

const notAllowlisted = (target: Target): SekishoError =>
  new SekishoError(
    "TARGET_NOT_ALLOWLISTED",
    `${target} is not on the allowlist that people keep`,
    "sekisho allow lists it; what the configuration allows is changed there: allowlist in sekisho.yaml",
  );

const notHalted = (name: HaltName): SekishoError =>
  new SekishoError(
    "NOT_HALTED",
    name === "panic" ? "there is no panic to end" : "the circuit breaker is not open",
    "sekisho status shows what keeps rules from banning, if anything does",
  );

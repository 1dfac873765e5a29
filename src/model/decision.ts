import type { SourceId } from "./event.ts";
import type { Target } from "./ip.ts";
import { NEVER, type UnixMs } from "./time.ts";

export type DecisionKind = "ban" | "allow";

/** Recorded intent. `by` tells who: a rule or a person. */
export interface Decision {
  readonly kind: DecisionKind;
  readonly target: Target;
  /** The rule's id; null when a person decided. */
  readonly rule: string | null;
  readonly by: "rule" | "person";
  readonly reason: string;
  readonly at: UnixMs;
  /** `NEVER` when it is permanent. */
  readonly until: UnixMs;
  /** The audit source that caused it; null when Apache's own logs or a person did. */
  readonly reportedBy: SourceId | null;
}

export interface StoredDecision extends Decision {
  readonly id: number;
  /** By the clock; `at` may be long before it, where lines were read late. Null: it was not kept. */
  readonly decidedAt: UnixMs | null;
  /** When a person took it back; null while it stands. */
  readonly revokedAt: UnixMs | null;
  /** The incident that led to it. */
  readonly incident: number | null;
}

/** What policy makes of one finding. */
export type Judgement =
  | { readonly kind: "ban"; readonly decision: Decision }
  /** The rule only reports, or a ban runs already. */
  | { readonly kind: "none" }
  /** The subject is one that is never banned, or who reported it may not cause the ban. */
  | { readonly kind: "spared"; readonly why: string };

export const BAN_STATES = ["active", "expired", "revoked"] as const;
export type BanState = (typeof BAN_STATES)[number];

/** Which bans are asked for. */
export interface BanFilter {
  /** Null: in any. */
  readonly state: BanState | null;
  /** Those of targets that share addresses with this one; null or absent: of all. */
  readonly touching?: Target | null;
}

export function stateOf(decision: StoredDecision, now: UnixMs): BanState {
  if (decision.revokedAt !== null) return "revoked";
  return decision.until === NEVER || now < decision.until ? "active" : "expired";
}

/** What enforcers are given: a target, and when it lifts by itself. */
export interface Block {
  readonly target: Target;
  readonly until: UnixMs;
  /** The imported list that asks for it; absent: a ban does. Where there is not room for all, bans go first. */
  readonly list?: string;
}

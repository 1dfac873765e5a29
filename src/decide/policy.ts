import { type AuditReport, mayBanFor, type TrustOf, unlimited } from "../model/audit.ts";
import type { Decision, Judgement } from "../model/decision.ts";
import { SekishoError } from "../model/errors.ts";
import type { Finding } from "../model/finding.ts";
import { prefixOf, type Target, targetOfSubject } from "../model/ip.ts";
import { type DurationMs, formatDuration, later, PERMANENT, type UnixMs } from "../model/time.ts";
import { BanShares } from "./ban-shares.ts";
import { Breaker, type BreakerSettings } from "./breaker.ts";
import type { Ledger } from "./ledger.ts";
import type { PrefixLimits, Widened } from "./prefix-bans.ts";
import type { Protected, Protection } from "./protected.ts";

/** Lengths of bans. `factor`: each repeat within `memory` is this much longer, up to `max`. */
export interface BanLengths {
  readonly ban: DurationMs;
  readonly factor: number;
  readonly max: DurationMs;
  readonly memory: DurationMs;
}

/** What the configuration says of banning. */
export interface PolicySettings extends BanLengths {
  /** So long after an unban rules do not ban the target again; absent: not at all. */
  readonly grace?: DurationMs;
  /** Absent: a prefix is not banned for what its clients do. */
  readonly prefixes?: PrefixLimits;
  /** Absent: however many bans there are, rules go on. */
  readonly breaker?: BreakerSettings;
}

/** Turns findings into decisions. `protectedTargets` is replaced as addresses and allowlist change. */
export class Policy {
  readonly #settings: PolicySettings;
  readonly #ledger: Ledger;
  readonly #trustOf: TrustOf;
  readonly #shares: BanShares;
  readonly breaker: Breaker;
  protectedTargets: Protected;

  constructor(
    settings: PolicySettings,
    ledger: Ledger,
    protectedTargets: Protected,
    trustOf: TrustOf = unlimited,
    shares: BanShares = new BanShares(trustOf),
    breaker: Breaker = new Breaker(null),
  ) {
    this.#settings = settings;
    this.#ledger = ledger;
    this.protectedTargets = protectedTargets;
    this.#trustOf = trustOf;
    this.#shares = shares;
    this.breaker = breaker;
  }

  /** Bans run from the event that led to them; a line with a time in the future counts as now. */
  decide(findings: readonly Finding[], now: UnixMs): Judgement[] {
    return findings.map((finding) => this.#judge(finding, now));
  }

  #judge(finding: Finding, now: UnixMs): Judgement {
    if (finding.ban === null) return { kind: "none" };
    const target = targetOfSubject(finding.subject);
    if (target === null) return { kind: "none" };
    const at = Math.min(finding.lastSeen, now) as UnixMs;
    // Also one that began after these lines, which are read late: it is not to be made longer by them.
    if (this.#ledger.bannedBy(target, at) !== null || this.#ledger.bannedBy(target, now) !== null) {
      return { kind: "none" };
    }
    if (finding.ban === "observe") return { kind: "spared", why: "rule is in observe mode" };
    const why =
      this.protectedTargets.reason(target) ??
      this.#distrust(finding.report, at, now) ??
      this.#forgiveness(target, at);
    if (why !== null) return { kind: "spared", why };
    const wider = finding.report === null ? this.#widened(target, at) : null;
    const earlier = this.#ledger.earlierBans(wider?.target ?? target, at);
    const length = this.#escalated(finding.ban === "default" ? this.#settings.ban : finding.ban, earlier);
    const decision: Decision = {
      kind: "ban",
      target: wider?.target ?? target,
      rule: finding.rule,
      by: "rule",
      reason: reasonOf(finding, earlier) + (wider === null ? "" : `; ${wider.why}`),
      at,
      until: later(at, length),
      reportedBy: finding.report?.source ?? null,
    };
    const objection = this.breaker.objection(decision.target, at, decision.until, now);
    if (objection !== null) return { kind: "spared", why: objection };
    this.#ledger.record(decision, now);
    this.#shares.record(decision.reportedBy, at, now);
    return { kind: "ban", decision };
  }

  /** The widest prefix around a client of which enough others are banned; none in which somebody is to be spared. */
  #widened(target: Target, at: UnixMs): Widened | null {
    const { prefixes } = this.#settings;
    if (prefixes === undefined) return null;
    const reached = this.#ledger.prefixes.reached(target, at, prefixes);
    const isFree = ({ target: prefix }: Widened): boolean =>
      this.protectedTargets.reason(prefix) === null && this.#forgiveness(prefix, at) === null;
    return reached.find(isFree) ?? null;
  }

  /** Why the audit source that reported it may not cause the ban; null when it may. */
  #distrust(report: AuditReport | null, at: UnixMs, now: UnixMs): string | null {
    const trust = report === null ? null : this.#trustOf(report.source);
    if (report === null || trust === null) return null;
    if (!mayBanFor(trust, report.name)) return `source ${trust.name} may not ban for ${report.name}`;
    const { bans, limit } = this.#shares.usage(trust, at, now);
    return bans < limit
      ? null
      : `source ${trust.name} has caused ${bans} ban${bans === 1 ? "" : "s"} in a day, as many as it may`;
  }

  #forgiveness(target: Target, at: UnixMs): string | null {
    const forgiven = this.#ledger.inGrace(target, at);
    return forgiven === null ? null : `a person lifted the ban of ${forgiven} a short while ago`;
  }

  #escalated(length: DurationMs, earlier: number): DurationMs {
    const longest = Math.max(length, this.#settings.max);
    return Math.min(
      length * this.#settings.factor ** earlier,
      length === PERMANENT ? PERMANENT : longest,
    ) as DurationMs;
  }

  /** A person's ban, for the ledger once it is stored. Throws TARGET_PROTECTED when it would hit somebody who is never banned. */
  banByPerson(target: Target, length: DurationMs | null, reason: string, now: UnixMs): Decision {
    const hit = this.protectedTargets.hit(target);
    if (hit !== null) throw protectedError(target, hit.target, hit.why);
    const until = later(
      now,
      length ?? this.#escalated(this.#settings.ban, this.#ledger.earlierBans(target, now)),
    );
    return { kind: "ban", target, rule: null, by: "person", reason, at: now, until, reportedBy: null };
  }
}

function protectedError(target: Target, hit: Target, why: Protection): SekishoError {
  const [asked, spared] = [prefixOf(target).bits, prefixOf(hit).bits];
  const relation = asked === spared ? "is" : asked > spared ? "is part of" : "covers";
  const narrower = asked < spared ? `; ban narrower ranges that leave out ${hit}` : "";
  return new SekishoError(
    "TARGET_PROTECTED",
    `${target} is not banned: it ${relation} ${relation === "is" ? why : `${hit}, which is ${why}`}`,
    why === "allowlisted"
      ? `take ${hit} off the allowlist first (sekisho allow --remove ${hit}, allowlist in the configuration, or the list that \`sekisho explain ${hit}\` names)`
      : `banning it would lock somebody out who must get in${narrower}`,
  );
}

function reasonOf(finding: Finding, earlier: number): string {
  const repeat = earlier === 0 ? "" : `, banned ${earlier === 1 ? "once" : `${earlier} times`} before`;
  if (finding.count === 1) return `${finding.title}${repeat}`;
  const seconds = Math.max(1, Math.round((finding.lastSeen - finding.firstSeen) / 1_000));
  const span = formatDuration((seconds * 1_000) as DurationMs);
  return `${finding.title}: ${finding.count} in ${span}${repeat}`;
}

import { Breaker } from "../decide/breaker.ts";
import { Ledger } from "../decide/ledger.ts";
import { Policy, type PolicySettings } from "../decide/policy.ts";
import type { Protected } from "../decide/protected.ts";
import { compileRules } from "../evaluate/compile-rule.ts";
import { type CrawlerRanges, CrawlerStates } from "../evaluate/crawler-states.ts";
import { Evaluator } from "../evaluate/evaluator.ts";
import { type NearMiss, NearMisses } from "../evaluate/near-misses.ts";
import type { NamedRule } from "../evaluate/rule-schema.ts";
import { Sockets } from "../evaluate/sockets.ts";
import type { AuditSources } from "../ingest/audit-sources.ts";
import type { Decision } from "../model/decision.ts";
import type { LogEvent } from "../model/event.ts";
import type { Finding } from "../model/finding.ts";
import type { Halt } from "../model/halt.ts";
import { NEVER, PERMANENT, type UnixMs } from "../model/time.ts";
import { judge, type Stages } from "../pipeline.ts";
import { BanEffects } from "./ban-effects.ts";

/**
 * Subjects that are looked at for each line, whether what is counted of them is over. Most lines bring a subject; with as many
 * looks only those are held who still count, which is faster than to look seldom and to hold all.
 */
const LOOKS_A_LINE = 1;

export interface VerdictOptions {
  readonly origins: readonly string[];
  readonly policy: PolicySettings;
  /** Ranges of crawlers as they were fetched last; nobody is asked. */
  readonly crawlers?: CrawlerRanges;
  /** Who is spared. */
  readonly protectedTargets: Protected;
}

/** What one set of rules says of old logs. */
export class Verdict {
  readonly findings: Finding[] = [];
  /** For each finding why policy spared its subject; null when it did not. */
  readonly spared: (string | null)[] = [];
  readonly decisions: Decision[] = [];
  readonly effects = new BanEffects();
  /** When the circuit breaker would have stopped rules for the first time. */
  halt: Halt | null = null;
  readonly #stages: Stages;

  constructor(
    rules: readonly NamedRule[],
    { origins, policy, protectedTargets, crawlers }: VerdictOptions,
    { trustOf, shares }: AuditSources,
  ) {
    const ledger = new Ledger(policy.memory, () => false);
    const breaker = new Breaker(policy.breaker ?? null, [], false);
    const site = { origins: new Set(origins), crawlers: new CrawlerStates(crawlers) };
    const evaluator = new Evaluator(compileRules(rules, site), trustOf);
    evaluator.nearMisses = new NearMisses(PERMANENT);
    this.#stages = {
      ledger,
      sockets: new Sockets(),
      evaluator,
      policy: new Policy(policy, ledger, protectedTargets, trustOf, shares, breaker),
    };
  }

  /** `latest`: the newest time of any line so far. */
  judge(batch: readonly LogEvent[], latest: UnixMs): void {
    const outcome = judge(batch, this.#stages, NEVER);
    this.#stages.evaluator.forgetOver(latest, batch.length * LOOKS_A_LINE);
    this.halt ??= outcome.halt;
    this.findings.push(...outcome.findings);
    for (const judgement of outcome.judgements) {
      this.spared.push(judgement.kind === "spared" ? judgement.why : null);
      if (judgement.kind !== "ban") continue;
      this.decisions.push(judgement.decision);
      this.effects.note(judgement.decision);
    }
    this.effects.count(batch);
  }

  /** By rule, of all the lines. */
  nearMisses(): ReadonlyMap<string, readonly NearMiss[]> {
    return this.#stages.evaluator.nearMisses.all(NEVER);
  }
}

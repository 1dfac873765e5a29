import type { PolicySettings } from "../decide/policy.ts";
import type { CrawlerRanges } from "../evaluate/crawler-states.ts";
import type { NearMiss } from "../evaluate/near-misses.ts";
import type { NamedRule } from "../evaluate/rule-schema.ts";
import type { ListedTargets } from "../lists/lists.ts";
import type { CountingStatus, Mode } from "../model/api.ts";
import type { AuditTrust } from "../model/audit.ts";
import type { CrawlerClaim, CrawlerVerdict } from "../model/crawler.ts";
import type { Decision } from "../model/decision.ts";
import type { SourceKind } from "../model/event.ts";
import type { HaltName } from "../model/halt.ts";
import type { Target } from "../model/ip.ts";
import type { Passed } from "../model/passed.ts";
import type { DurationMs, UnixMs } from "../model/time.ts";
import type { RetentionLimits } from "../store/retention.ts";

/** What the ingestion thread works by. It is sent at start, and again when the configuration was reloaded. */
export interface IngestSettings {
  readonly mode: Mode;
  readonly logs: readonly IngestedLog[];
  readonly rules: readonly NamedRule[];
  readonly origins: readonly string[];
  readonly allowlist: readonly Target[];
  readonly trustedProxies: readonly Target[];
  readonly policy: PolicySettings;
  /** What imported lists have; absent: there are none. */
  readonly lists?: ListedTargets;
  /** How crawlers are told; absent: by nothing. */
  readonly crawlers?: { readonly ranges: CrawlerRanges; readonly dns: boolean };
}

export interface IngestedLog {
  readonly path: string;
  readonly kind: SourceKind;
  readonly format: string;
  readonly timezone: string | null;
  readonly fields: Readonly<Record<string, string>> | null;
  readonly rotatedTo?: string | null;
  /** What an audit source may cause. */
  readonly trust?: AuditTrust | null;
}

export interface WorkerData {
  readonly databaseFile: string;
  /** Bytes of unparsed lines that are kept. */
  readonly unparsedBudget: number;
  readonly settings: IngestSettings;
}

/** What is asked of the thread, as it is the only writer to the store. */
export type Command =
  | { readonly kind: "configure"; readonly settings: IngestSettings }
  | {
      readonly kind: "ban";
      readonly target: Target;
      readonly length: DurationMs | null;
      readonly reason: string;
    }
  | { readonly kind: "unban"; readonly target: Target }
  | { readonly kind: "allow"; readonly target: Target; readonly reason: string }
  | { readonly kind: "disallow"; readonly target: Target }
  /** Lifts all bans, and enforces and bans nothing more until it ends. */
  | { readonly kind: "panic" }
  /** Lets rules ban again. `lift`: also lifts the bans that led to the halt. */
  | { readonly kind: "end-halt"; readonly name: HaltName; readonly lift: boolean }
  | { readonly kind: "set-incident"; readonly id: number; readonly state: "open" | "closed" }
  | { readonly kind: "close-quiet-incidents"; readonly lastSeenBefore: UnixMs }
  | { readonly kind: "refresh-addresses" }
  /** Where those come from who are signed in: not to be locked out. */
  | { readonly kind: "protect-present"; readonly targets: readonly Target[] }
  /** What DNS said of clients that call themselves search engines. */
  | { readonly kind: "note-crawlers"; readonly verdicts: readonly CrawlerVerdict[] }
  | { readonly kind: "set-crawler-ranges"; readonly ranges: CrawlerRanges }
  /** Targets that an enforcer still refuses though no ban runs. */
  | { readonly kind: "note-lingering"; readonly targets: readonly Target[] }
  | { readonly kind: "near-misses" }
  | { readonly kind: "use-lists"; readonly lists: ListedTargets }
  | { readonly kind: "delete-old-events"; readonly limits: RetentionLimits }
  | { readonly kind: "stop" };

/** What the thread takes note of; nobody waits for an answer. */
export type Note = Extract<
  Command,
  { kind: "note-crawlers" | "note-lingering" | "protect-present" | "use-lists" }
>;

/** What each command answers. */
export interface Answers {
  configure: null;
  /** The decision's number, and until when the ban would have run that it replaced. */
  ban: { readonly id: number; readonly replacedUntil: UnixMs | null };
  unban: null;
  /** Whose bans it lifted. */
  allow: readonly Target[];
  disallow: null;
  /** How many bans were lifted. */
  panic: number;
  "end-halt": number;
  /** False: there is no such incident. */
  "set-incident": boolean;
  /** How many were closed. */
  "close-quiet-incidents": number;
  "refresh-addresses": null;
  "protect-present": null;
  "note-crawlers": null;
  "set-crawler-ranges": null;
  "note-lingering": null;
  "use-lists": null;
  /** By rule, of the last day. */
  "near-misses": ReadonlyMap<string, readonly NearMiss[]>;
  /** Whether there may be more to delete. */
  "delete-old-events": boolean;
  stop: null;
}

export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface IngestedSource {
  readonly path: string;
  readonly kind: SourceKind;
  /** The format that is read, once it is known; before that what the configuration says. */
  readonly format: string;
  readonly lagBytes: number;
  readonly problem: Complaint | null;
  /** Bans that an audit source caused within a day, and how many it may; null for Apache's own logs. */
  readonly causes: {
    readonly bans: number;
    readonly limit: number;
    readonly mayBan: readonly string[];
  } | null;
}

export type FromWorker =
  /** The store can be read. */
  | { readonly kind: "opened" }
  | { readonly kind: "reading" }
  | { readonly kind: "failed"; readonly error: Complaint }
  /** A transaction was committed. `bans` tells whether what is to be enforced changed, `decided` and `lifted` the first of why. */
  | {
      readonly kind: "committed";
      readonly bans: boolean;
      readonly incidents: boolean;
      readonly sockets: boolean;
      readonly lines: number;
      /** Who got through though banned. */
      readonly passed: readonly Passed[];
      readonly decided: readonly Pick<Decision, "target" | "reason" | "by" | "rule">[];
      readonly lifted: readonly Target[];
    }
  | {
      readonly kind: "state";
      readonly counting: CountingStatus;
      /** Who calls himself a search engine and is to be looked up. */
      readonly claims: readonly CrawlerClaim[];
      readonly sources: readonly IngestedSource[];
      readonly problems: readonly Complaint[];
    }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly error: Complaint };

/** What the thread tells unasked. */
export type Told = Committed | State;
export type Committed = Extract<FromWorker, { kind: "committed" }>;
export type State = Extract<FromWorker, { kind: "state" }>;

export interface ToWorker {
  readonly id: number;
  readonly command: Command;
}

import type {
  AllowItem,
  BanAnswer,
  BanItem,
  BanReach,
  CountingStatus,
  EventItem,
  IncidentDetail,
  IncidentItem,
  ListStatus,
  LiveMessage,
  Page,
  PageQuery,
  PanicAnswer,
  SocketHolder,
  SocketItem,
  Status,
  TrafficPoint,
} from "../model/api.ts";
import type { BanFilter } from "../model/decision.ts";
import type { LogEvent } from "../model/event.ts";
import type { Exported, ExportFormat } from "../model/export.ts";
import type { History } from "../model/generation.ts";
import type { Ip, Target } from "../model/ip.ts";
import type { RuleFinding, RuleStatus } from "../model/rule-status.ts";
import type { SocketState } from "../model/socket.ts";
import type { DurationMs } from "../model/time.ts";

/** What the server needs of the daemon: it reads through this and changes nothing by itself. */
export interface Backend {
  status(): Status;
  counting(): CountingStatus;
  bans(query: PageQuery & BanFilter): Page<BanItem>;
  /** How much a ban would cover, and how many of those who were there lately. */
  banReach(target: Target): BanReach;
  /** The active bans, each target once, for another program. */
  export(format: ExportFormat): Exported;
  /** The imported lists, in the order of the configuration. */
  lists(): readonly ListStatus[];
  /** Fetches a list now, and answers how it is then. Null when there is no such list. */
  fetchList(name: string): Promise<ListStatus | null>;
  incidents(query: PageQuery & { readonly state: "open" | "closed" | null }): Page<IncidentItem>;
  incident(id: number): IncidentDetail | null;
  events(
    query: PageQuery & { readonly client: Ip | null; readonly kind: LogEvent["kind"] | null },
  ): Page<EventItem>;
  sockets(
    query: PageQuery & { readonly state: SocketState | null; readonly client: Ip | null },
  ): Page<SocketItem>;
  /** Who holds WebSockets open, the most first, then the latest; up to `limit`. */
  socketHolders(limit: number): readonly SocketHolder[];
  /** One point a minute, oldest first, gaps filled with zeros. */
  traffic(minutes: number): readonly TrafficPoint[];
  /** Throws TARGET_PROTECTED for a target that policy never bans. `length` null is the policy's default. */
  ban(request: {
    readonly target: Target;
    readonly length: DurationMs | null;
    readonly reason: string;
  }): Promise<BanAnswer>;
  /** Throws TARGET_NOT_BANNED. */
  unban(target: Target): Promise<void>;
  /** All of it: the configuration's, then what people added, newest first. */
  allowlist(): readonly AllowItem[];
  /** Never ban this target again, and lift the bans that it is under: their targets. */
  allow(target: Target, reason: string): Promise<readonly Target[]>;
  disallow(target: Target): Promise<void>;
  /** All rules, also those that are off, in the order of their ids. */
  rules(): Promise<readonly RuleStatus[]>;
  /** The newest findings of a rule within a day; empty where there is no such rule. */
  ruleFindings(id: string): readonly RuleFinding[];
  setIncidentState(id: number, state: "open" | "closed"): Promise<boolean>;
  /** Has an enforcer bring into force what waits for its schedule. False when there is no such enforcer. */
  applyNow(enforcer: string): Promise<boolean>;
  /** The generations of what an enforcer writes; null when there is no such enforcer, or it writes none. */
  history(enforcer: string): History | null;
  /** Lifts every ban, and bans and enforces nothing until `endPanic`. Throws PANIC_INCOMPLETE. */
  panic(): Promise<PanicAnswer>;
  /** Throws NOT_HALTED. */
  endPanic(): Promise<void>;
  /**
   * Lets rules ban again, with `lift` without the bans that opened the circuit breaker: how many were lifted. Throws
   * NOT_HALTED.
   */
  resetBreaker(lift: boolean): Promise<number>;
  /** Those who are signed in come from these addresses now, so they must not be locked out. */
  protectPresent(targets: readonly Target[]): void;
  /** Listens to live messages; the returned function ends it. */
  subscribe(listener: (message: LiveMessage) => void): () => void;
}

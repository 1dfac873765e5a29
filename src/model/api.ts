/**
 * The shapes of the HTTP interface, shared by the server, the command line and the page.
 * Fields are added freely; none is renamed or dropped. Times are RFC 3339, targets canonical CIDR.
 */
import type { BanState } from "./decision.ts";
import type { EventCounts, LogEvent, SourceKind, UnparsedReason } from "./event.ts";
import type { Severity } from "./finding.ts";
import type { HaltName } from "./halt.ts";
import type { SocketState } from "./socket.ts";

export type Mode = "observe" | "enforce";

export const ENFORCER_STATES = ["in-sync", "pending", "drifted", "failed", "off"] as const;
/** `pending`: not all in force yet: under way, written and waiting for its scheduled reload, or for an app. `off`: observe mode, nothing is asked of it. */
export type EnforcerState = (typeof ENFORCER_STATES)[number];

export interface SourceStatus {
  readonly path: string;
  readonly kind: SourceKind;
  readonly format: string;
  readonly lines: number;
  readonly unparsed: number;
  readonly lagBytes: number;
  readonly lastEventAt: string | null;
  readonly error: string | null;
  readonly hint: string | null;
  /** Null for Apache's own logs. */
  readonly audit: AuditSourceStatus | null;
}

/** What an audit source may cause, and has. */
export interface AuditSourceStatus {
  /** Names of events that may cause bans; `app.*` stands for all of a site's own. */
  readonly mayBan: readonly string[];
  /** Bans that it caused within a day. */
  readonly bans: number;
  /** How many it may cause in a day, as things are. */
  readonly limit: number;
  /** Null for a file. `dropped`: lines that were too long, or whose end never came, since the socket is open. */
  readonly socket: { readonly connections: number; readonly dropped: number } | null;
}

export interface EnforcerStatus {
  readonly name: string;
  readonly state: EnforcerState;
  /** Blocks it held when it last looked. */
  readonly blocks: number;
  /** Targets that it cannot carry, or that do not fit its limit. */
  readonly unenforced: readonly string[];
  readonly lastReconciledAt: string | null;
  /** When it applies what waits; null when it applies at once. */
  readonly nextApplyAt: string | null;
  readonly error: string | null;
  readonly hint: string | null;
  /** What else a person should know: how many apps are connected to the guard. */
  readonly note: string | null;
  /** When a real request was last seen to be refused; absent or null: not since the start, or nobody asks this enforcer. */
  readonly provenAt?: string | null;
  /** Blocks that somebody else changed and that were put right since the start; absent: none. */
  readonly repaired?: number;
}

/** Of what closes open connections of banned clients. */
export interface CutStatus {
  /** `off`: observe mode, or switched off. */
  readonly state: "on" | "failed" | "off";
  /** Connections that were closed since the start. */
  readonly closed: number;
  readonly error: string | null;
  readonly hint: string | null;
  /** Whose connections it cannot close. */
  readonly note: string | null;
}

export interface JobStatus {
  readonly name: string;
  readonly schedule: string;
  readonly nextRunAt: string | null;
  readonly lastRunAt: string | null;
  readonly error: string | null;
}

/** An imported list. */
export interface ListStatus {
  readonly name: string;
  readonly kind: "block" | "allow";
  /** What is done where it covers own or private ranges; null: it is an allowlist. */
  readonly ownAndPrivate: "refuse" | "leave-out" | null;
  /** An address without what stands behind its path, or a file. */
  readonly from: string;
  readonly entries: number;
  /** Lines of the last good copy that are no address, and those that are refused. */
  readonly wrong: number;
  readonly refused: number;
  /** The first of both, each with its line number. */
  readonly examples: readonly string[];
  /** Entries that would hit somebody who is never banned, and do not. */
  readonly spared: number;
  /** When its source was last found to be as the entries are; null: never. */
  readonly fetchedAt: string | null;
  /** When its entries end unless it is fetched again; null: they do not. */
  readonly until: string | null;
  /** When its source was last asked since the start. */
  readonly triedAt: string | null;
  readonly nextFetchAt: string | null;
  readonly error: string | null;
  readonly hint: string | null;
}

export interface DatabaseStatus {
  /** On disk, with its write-ahead log. */
  readonly bytes: number;
  /** While its content needs more, the oldest events are deleted. */
  readonly budget: number;
  /** Time of the oldest event; null when there is none. */
  readonly eventsSince: string | null;
}

/** What rules count in memory. */
export interface CountingStatus {
  /** Addresses and other subjects that something is counted of. */
  readonly subjects: number;
  /** Those that gave way to others since the rules were read, as there was no more room. */
  readonly givenUp: number;
  /** When that was seen last; null: never. */
  readonly givenUpAt: string | null;
}

/** What keeps rules from banning until a person lets them go on. */
export interface HaltStatus {
  readonly name: HaltName;
  readonly since: string;
  readonly reason: string;
}

/** What `sekisho panic` led to. */
export interface PanicAnswer {
  /** How many bans were lifted. */
  readonly lifted: number;
  /** One that failed still blocks; it is tried again. */
  readonly enforcers: readonly EnforcerStatus[];
}

export interface Status {
  readonly mode: Mode;
  readonly version: string;
  readonly demo: boolean;
  readonly uptimeSeconds: number;
  readonly sources: readonly SourceStatus[];
  readonly enforcers: readonly EnforcerStatus[];
  readonly cut: CutStatus;
  readonly jobs: readonly JobStatus[];
  /** `ineffective`: bans whose clients come through all the same; a problem says why. */
  readonly bans: { readonly active: number; readonly ineffective: number };
  readonly incidents: { readonly open: number };
  /** WebSockets whose opening was told and whose end was not. */
  readonly sockets: { readonly open: number };
  readonly events: EventCounts;
  readonly database: DatabaseStatus;
  readonly counting: CountingStatus;
  readonly halts: readonly HaltStatus[];
  readonly lists: readonly ListStatus[];
  readonly rules: number;
  /** What the whole daemon complains about: a full disk, a configuration that did not reload. */
  readonly problems: readonly { readonly message: string; readonly hint: string }[];
}

export interface BanItem {
  readonly id: number;
  readonly target: string;
  readonly kind: "ban";
  readonly rule: string | null;
  readonly reason: string;
  readonly by: "rule" | "person";
  readonly at: string;
  readonly until: string | null;
  readonly state: BanState;
  readonly enforcedBy: readonly string[];
  readonly incident: number | null;
  /** Requests that came through after enforcers said that they refuse the client; absent: none. */
  readonly passed?: number;
}

/** How much a ban would cover. */
export interface BanReach {
  readonly target: string;
  /** Wider than a /24 or a /48: more than one site has. */
  readonly isWide: boolean;
  /** Of IPv4; null for IPv6. */
  readonly addresses: number | null;
  /** Of 64 bits of IPv6, what is narrower as one; null for IPv4. */
  readonly networks: number | null;
  /** Of the clients that asked for something since then, those in it, and all. A day, or less on a busy site. */
  readonly clients: number;
  readonly allClients: number;
  readonly since: string;
}

/** What a person is answered who made a ban. */
export interface BanAnswer extends BanItem {
  /** Enforcers that have it and bring it into force later, and when: null while they do not know. */
  readonly waiting: readonly { readonly enforcer: string; readonly at: string | null }[];
  /** The ban of the same target that it took the place of. */
  readonly replaced: { readonly until: string | null } | null;
}

export interface FindingItem {
  readonly id: number;
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
  readonly evidence: readonly string[];
  /** Why policy did not ban the subject for it (allowlisted, own address, …); null when it did not spare it. */
  readonly spared: string | null;
}

export interface IncidentItem {
  readonly id: number;
  readonly subject: string;
  /** Canonical CIDR; the subject again where that is only a name (`vhost=NAME`). */
  readonly target: string;
  readonly severity: Severity;
  readonly state: "open" | "closed";
  readonly openedAt: string;
  readonly lastSeen: string;
  readonly findingCount: number;
  /** Ids of the rules that fired, most recent last. */
  readonly rules: readonly string[];
  readonly ban: BanItem | null;
}

export interface IncidentDetail extends IncidentItem {
  readonly findings: readonly FindingItem[];
  readonly bans: readonly BanItem[];
}

export interface EventItem {
  readonly id: number;
  readonly time: string;
  readonly kind: LogEvent["kind"];
  readonly source: string;
  readonly client: string | null;
  readonly method: string | null;
  readonly path: string | null;
  readonly query: string | null;
  readonly status: number | null;
  readonly origin: string | null;
  readonly userAgent: string | null;
  readonly vhost: string | null;
  /** The error log's code or the audit event's name. */
  readonly code: string | null;
  /** The error log's message, the audit event's detail, or what was kept of an unparsed line. */
  readonly message: string | null;
  readonly reason: UnparsedReason | null;
  readonly refused: boolean;
}

/** A WebSocket that the error log told of when it opened. What only its end tells is null until then. */
export interface SocketItem {
  readonly id: number;
  readonly state: SocketState;
  readonly client: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
  readonly lifetimeMs: number | null;
  readonly path: string;
  readonly query: string | null;
  /** Null: the client sent none. */
  readonly origin: string | null;
  readonly host: string | null;
  readonly vhost: string;
  readonly userAgent: string | null;
  readonly user: string | null;
  /** 101; any other: the app behind Apache refused the handshake. */
  readonly status: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
}

/** The WebSockets that one client holds open to one place from pages of one origin. */
export interface SocketHolder {
  readonly client: string;
  readonly origin: string | null;
  readonly host: string;
  readonly path: string;
  readonly open: number;
  readonly firstOpenedAt: string;
  readonly lastOpenedAt: string;
  /** Whether the origin is another site's, as rules see it. */
  readonly foreign: boolean;
  readonly banned: boolean;
  /** The newest open incident on the client. */
  readonly incident: number | null;
}

/** Somebody who is never banned, and why. `by` configuration: changed there, not here. */
export interface AllowItem {
  readonly target: string;
  readonly by: "person" | "configuration";
  readonly reason: string;
  /** When a person said so; null for the configuration's. */
  readonly at: string | null;
}

/** Requests a minute by status class; `other` are lines without a sensible status. */
export interface TrafficPoint {
  readonly time: string;
  readonly s1xx: number;
  readonly s2xx: number;
  readonly s3xx: number;
  readonly s4xx: number;
  readonly s5xx: number;
  readonly refused: number;
}

/** Which page of a collection is asked for. */
export interface PageQuery {
  /** 1 to 500. */
  readonly limit: number;
  /** The `next` of the page before; null for the first. */
  readonly cursor: string | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** One message of `GET /api/live` (its `event:` name is `kind`). */
export type LiveMessage =
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "changed"; readonly what: readonly ("bans" | "incidents" | "sockets" | "traffic")[] };

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

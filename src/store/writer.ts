import { statSync } from "node:fs";
import type { Decision, Judgement, StoredDecision } from "../model/decision.ts";
import type { SekishoError } from "../model/errors.ts";
import type { LogEvent } from "../model/event.ts";
import { type Finding, SEVERITIES, type Severity } from "../model/finding.ts";
import type { Halt } from "../model/halt.ts";
import { type Target, targetOfSubject } from "../model/ip.ts";
import type { Checkpoint, Source, StoredCheckpoint } from "../model/line.ts";
import type { SocketChange } from "../model/socket.ts";
import { type Clock, DAY_MS, NEVER, type UnixMs } from "../model/time.ts";
import { bansByRules, type CausedBan, type Consumed, consumedHits } from "./caused.ts";
import { checkpointsOf, deleteOldCheckpoints, storeCheckpoint } from "./checkpoint-rows.ts";
import { ClientBlocks } from "./client-blocks.ts";
import {
  type Connection,
  closeDatabase,
  explained,
  openForWriting,
  replaced,
  shortenLog,
} from "./database.ts";
import { allowedIn, type DecisionRow, decisionOf } from "./decision-rows.ts";
import { Dictionary } from "./dictionary.ts";
import { EventRows } from "./event-rows.ts";
import { keptEvidence } from "./evidence.ts";
import { Halts, type Lifted, liftBans } from "./halts.ts";
import { recentEvents, type StoredBatch } from "./recent-events.ts";
import { Retention, type RetentionLimits } from "./retention.ts";
import { NEXT_REVOCATION } from "./running-bans.ts";
import { SocketRows } from "./socket-rows.ts";
import { SourceRows, type StoredSource } from "./source-rows.ts";
import { Spans } from "./spans.ts";
import { Statements } from "./statements.ts";
import { Traffic } from "./traffic.ts";
import { UnparsedBytes } from "./unparsed-bytes.ts";

/** Findings on one subject that are this close belong to one incident. */
const INCIDENT_GAP_MS = DAY_MS;

export interface Batch {
  readonly events: readonly LogEvent[];
  readonly sockets: readonly SocketChange[];
  readonly findings: readonly Finding[];
  /** One for each finding. */
  readonly judgements: readonly Judgement[];
  readonly checkpoint: Checkpoint;
  /** What began with it. */
  readonly halt?: Halt | null;
}

/** The store's one writer. Every public method is one transaction; what it throws says what to do. */
export class StoreWriter implements Disposable {
  readonly #connection: Connection;
  readonly #file: string;
  readonly #inode: number;
  readonly #clock: Clock;
  readonly #texts: Dictionary;
  readonly #blocks: ClientBlocks;
  readonly #events: EventRows;
  readonly #traffic: Traffic;
  readonly #spans: Spans;
  readonly #unparsed: UnparsedBytes;
  readonly #retention: Retention;
  readonly #sources: SourceRows;
  readonly sockets: SocketRows;
  readonly halts: Halts;
  readonly #statements: Statements;
  #nextEvent: number;

  /** `unparsedBudget`: bytes of unparsed lines that are kept. */
  constructor(file: string, unparsedBudget: number, clock: Clock) {
    const connection = openForWriting(file);
    this.#connection = connection;
    this.#file = file;
    this.#inode = statSync(file).ino;
    this.#clock = clock;
    this.#statements = new Statements(connection, file);
    this.#texts = new Dictionary(connection);
    this.#blocks = new ClientBlocks(connection);
    this.#events = new EventRows(connection, this.#texts, this.#blocks);
    this.#traffic = new Traffic(connection);
    this.#unparsed = new UnparsedBytes(this.#statements, unparsedBudget);
    this.#spans = new Spans(this.#statements);
    const kept = { spans: this.#spans, traffic: this.#traffic, unparsed: this.#unparsed };
    this.#retention = new Retention(connection, this.#statements, kept);
    this.#sources = new SourceRows(this.#statements);
    this.sockets = new SocketRows(this.#statements);
    this.halts = new Halts(this.#statements);
    this.#nextEvent = this.#statements.number("SELECT coalesce(max(id), 0) FROM events") + 1;
  }

  [Symbol.dispose](): void {
    closeDatabase(this.#connection);
  }

  /** DATABASE_REPLACED, with which the daemon must end; null as long as all is well. */
  replaced = (): SekishoError | null => replaced(this.#file, this.#inode);

  register<Log extends Pick<Source, "path" | "kind">>(log: Log): Log & Pick<Source, "id"> {
    return this.#transaction(() => ({ ...log, id: this.#sources.register(log) }));
  }

  /** The newest time of a source's events; null when there is none. */
  newestTime = (source: number): UnixMs | null => this.#sources.newestTime(source);

  checkpoints(source: Pick<Source, "id">): StoredCheckpoint[] {
    return checkpointsOf(this.#statements, source.id);
  }

  /** Stores a batch: all of it or nothing. Throws DISK_FULL, DATABASE_LOCKED, …; the same batch may be tried again. */
  commit(batch: Batch): void {
    const { events, checkpoint } = batch;
    const firstEvent = this.#nextEvent;
    const now = this.#clock.now();
    const parts = this.#transaction(() => {
      this.#texts.begin(firstEvent);
      this.#events.insert(events, firstEvent);
      this.#texts.flush();
      this.#blocks.flush();
      this.#traffic.add(events, now);
      this.sockets.apply(batch.sockets);
      batch.findings.forEach((finding, index) => {
        this.#storeFinding(finding, batch.judgements[index]!, firstEvent + finding.eventIndex);
      });
      if (batch.halt) this.halts.begin(batch.halt);
      this.#sources.count(checkpoint.source, events, firstEvent);
      storeCheckpoint(this.#statements, checkpoint, now);
      return [this.#unparsed.keep(events, firstEvent), this.#spans.add(events, firstEvent, now)];
    });
    this.#texts.committed();
    this.#blocks.committed();
    for (const part of parts) part.committed();
    this.#nextEvent = firstEvent + events.length;
  }

  #storeFinding(finding: Finding, judgement: Judgement, event: number): void {
    const incident = this.#incidentFor(finding);
    this.#statements.insert(
      "INSERT INTO findings VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      incident,
      finding.rule,
      finding.title,
      finding.severity,
      finding.subject,
      finding.firstSeen,
      finding.lastSeen,
      finding.count,
      keptEvidence(finding.evidence),
      judgement.kind === "spared" ? judgement.why : null,
      event,
    );
    if (judgement.kind === "ban") this.#storeDecision(judgement.decision, incident);
  }

  #incidentFor(finding: Finding): number {
    const open = this.#statements.get<{ id: number; severity: Severity }>(
      "SELECT id, severity FROM incidents WHERE subject = ? AND state = 'open' AND last_seen >= ? ORDER BY id DESC",
      finding.subject,
      finding.firstSeen - INCIDENT_GAP_MS,
    );
    if (open === undefined) {
      return this.#statements.insert(
        "INSERT INTO incidents VALUES (NULL, ?, ?, ?, 'open', ?, ?)",
        finding.subject,
        targetOfSubject(finding.subject) ?? "",
        finding.severity,
        finding.firstSeen,
        finding.lastSeen,
      );
    }
    this.#statements.change(
      "UPDATE incidents SET last_seen = max(last_seen, ?), severity = ? WHERE id = ?",
      finding.lastSeen,
      worse(open.severity, finding.severity),
      open.id,
    );
    return open.id;
  }

  #storeDecision(decision: Decision, incident: number | null): number {
    return this.#statements.insert(
      "INSERT INTO decisions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, NULL)",
      decision.kind,
      decision.target,
      decision.rule,
      decision.by,
      decision.reason,
      decision.at,
      decision.until === NEVER ? null : decision.until,
      incident,
      decision.reportedBy,
      this.#clock.now(),
    );
  }

  /** Records what a person decided. It replaces the decision of its kind that runs on the same target. */
  decide(decision: Decision): StoredDecision {
    return this.#transaction(() => {
      this.#revokeRunning(decision.kind, decision.target, null);
      const id = this.#storeDecision(decision, null);
      return decisionOf(this.#statements.get<DecisionRow>("SELECT * FROM decisions WHERE id = ?", id)!);
    });
  }

  /**
   * Ends the running decisions on exactly this target; how many there were. Hits up to now are forgiven: they must not
   * bring the ban back with the next line.
   */
  revoke(kind: Decision["kind"], target: Target): number {
    return this.#transaction(() => this.#revokeRunning(kind, target, this.#nextEvent - 1));
  }

  /** Ends the running bans of many; their targets. */
  liftBans(which: Lifted): Target[] {
    return this.#transaction(() => liftBans(this.#statements, which, this.#nextEvent - 1, this.#clock.now()));
  }

  #revokeRunning(kind: Decision["kind"], target: Target, forgivenThrough: number | null): number {
    const now = this.#clock.now();
    return this.#statements.change(
      `UPDATE decisions INDEXED BY decisions_target SET revoked_at = ?, revoked_event = ?,
           revocation = ${NEXT_REVOCATION}
         WHERE kind = ? AND target = ? AND revoked_at IS NULL AND (until IS NULL OR until > ?)`,
      now,
      forgivenThrough,
      kind,
      target,
      now,
    );
  }

  /** False when there is no such incident. */
  setIncidentState(id: number, state: "open" | "closed"): boolean {
    const sql = "UPDATE incidents SET state = ? WHERE id = ?";
    return this.#transaction(() => this.#statements.change(sql, state, id) > 0);
  }

  /** Closes open incidents that were last seen before that time; how many. */
  closeQuietIncidents(lastSeenBefore: UnixMs): number {
    const sql = "UPDATE incidents SET state = 'closed' WHERE state = 'open' AND last_seen < ?";
    return this.#transaction(() => this.#statements.change(sql, lastSeenBefore));
  }

  /** Bans that would still run at `time` or have ended after it. */
  bansSince(time: UnixMs): StoredDecision[] {
    return this.#statements
      .all<DecisionRow>(
        "SELECT * FROM decisions WHERE kind = 'ban' AND (until IS NULL OR until > ?) ORDER BY id",
        time,
      )
      .map(decisionOf);
  }

  /** What people have put on the allowlist. */
  allowed = (): Target[] => allowedIn(this.#statements, this.#clock.now());

  /** Bans that rules decided after that time. */
  bansByRules = (time: UnixMs): CausedBan[] => bansByRules(this.#statements, time);
  /** Every log that was ever read. */
  sources = (): StoredSource[] => this.#sources.all();

  /** Stored events from the first that is younger than `memory` before the newest, in batches, for a restart. */
  recentEvents(memory: number): Generator<StoredBatch> {
    return recentEvents(this.#connection, this.#recent(memory).first, this.#nextEvent);
  }

  /** Hits that led to a finding since `memory` before the newest event. */
  consumed(memory: number): Consumed[] {
    const { first, since } = this.#recent(memory);
    return consumedHits(this.#statements, first, since);
  }

  /** Whose hits were forgiven, as a person lifted their ban, since `memory` before the newest event. */
  forgiven(memory: number): { readonly target: Target; readonly throughEvent: number }[] {
    return this.#statements.all(
      "SELECT target, revoked_event AS throughEvent FROM decisions WHERE revoked_event IS NOT NULL AND revoked_at >= ?",
      this.#recent(memory).since,
    );
  }

  /** What lies less than `memory` before the newest event: since when, and from which event on. */
  #recent(memory: number): { readonly since: number; readonly first: number } {
    const now = this.#clock.now();
    const since = this.#spans.newest(now) - memory;
    return { since, first: this.#spans.firstBetween(since, now) ?? this.#nextEvent };
  }

  /** One short step of deleting what is older or more than the limits; false when there was nothing left to do. */
  retain(limits: RetentionLimits): boolean {
    try {
      const more = this.#transaction(() => this.#retainSome(limits));
      if (!more) shortenLog(this.#connection);
      return more;
    } catch (error) {
      this.#unparsed.recount();
      throw error;
    }
  }

  #retainSome(limits: RetentionLimits): boolean {
    if (this.#retention.step(limits, this.#nextEvent, this.#clock.now())) return true;
    if (limits.before === null) return false;
    this.sockets.deleteOld(limits.before);
    deleteOldCheckpoints(this.#statements, limits.before);
    this.#sources.deleteOld(
      this.#statements.number("SELECT coalesce(min(id), ?) FROM events", this.#nextEvent),
    );
    return false;
  }

  #transaction<T>(body: () => T): T {
    return explained(this.#file, () => this.#connection.transaction(body).immediate());
  }
}

const worse = (a: Severity, b: Severity): Severity =>
  SEVERITIES.indexOf(a) >= SEVERITIES.indexOf(b) ? a : b;

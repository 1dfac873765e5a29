import { statSync } from "node:fs";
import type {
  AllowItem,
  BanItem,
  BanReach,
  DatabaseStatus,
  EventItem,
  IncidentDetail,
  IncidentItem,
  Page,
  SocketHolder,
  SocketItem,
  TrafficPoint,
} from "../model/api.ts";
import {
  type BanFilter,
  type BanState,
  type Block,
  type StoredDecision,
  stateOf,
} from "../model/decision.ts";
import { type EventCounts, type LogEvent, noEvents, type SourceKind } from "../model/event.ts";
import type { Severity } from "../model/finding.ts";
import type { Halt } from "../model/halt.ts";
import { allThatCover, type Ip, isSingle, type Target, TargetSet } from "../model/ip.ts";
import type { RuleCounts, RuleFinding } from "../model/rule-status.ts";
import { type Clock, toIso, toIsoOrNull, type UnixMs } from "../model/time.ts";
import { banReach } from "./ban-reach.ts";
import { type CommittedFile, committedFiles } from "./committed.ts";
import { type Connection, openForReading } from "./database.ts";
import { allowedIn, type DecisionRow, decisionOf, LET_IN } from "./decision-rows.ts";
import { newestEvents } from "./event-pages.ts";
import { haltsIn } from "./halts.ts";
import { ruleCounts, ruleFindings } from "./rule-counts.ts";
import { BanRows, RUNNING } from "./running-bans.ts";
import { eventItem, type FindingRow, findingItem } from "./shown-rows.ts";
import { newestSockets, type SocketFilter, socketHolders, socketItem } from "./socket-pages.ts";
import { Statements } from "./statements.ts";
import { trafficPoints } from "./traffic.ts";

interface PageQuery {
  readonly limit: number;
  readonly cursor: string | null;
}

interface IncidentRow {
  readonly id: number;
  readonly subject: string;
  readonly target: Target;
  readonly severity: Severity;
  readonly state: "open" | "closed";
  readonly opened_at: UnixMs;
  readonly last_seen: UnixMs;
}

/** Everything that is shown, read from the store by a connection that cannot write. */
export class StoreReader implements Disposable {
  readonly #connection: Connection;
  readonly #clock: Clock;
  /** Names of the enforcers that hold a target at present. */
  readonly #enforcedBy: (target: Target) => readonly string[];
  /** Requests that came through though banned. */
  readonly #passed: (target: Target) => number;
  readonly #statements: Statements;

  constructor(
    file: string,
    clock: Clock,
    enforcedBy: (target: Target) => readonly string[] = () => [],
    passed: (target: Target) => number = () => 0,
  ) {
    this.#passed = passed;
    this.#connection = openForReading(file);
    this.#statements = new Statements(this.#connection, file);
    this.#clock = clock;
    this.#enforcedBy = enforcedBy;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  /** What enforcers should hold now: the longest running ban of each target. */
  activeBlocks(): Block[] {
    return [...this.bansRunning().all()].map(([target, until]) => ({ target, until }));
  }

  bansRunning(): BanRows {
    return new BanRows(this.#statements, this.#clock);
  }

  /** Whose ban a person lifted that would still run, and no other does. */
  letIn(): Target[] {
    return this.#statements.all<DecisionRow>(LET_IN, { now: this.#clock.now() }).map(({ target }) => target);
  }

  /** What people have put on the allowlist. */
  allowed(): Target[] {
    return allowedIn(this.#statements, this.#clock.now());
  }

  /** The same with who said so and why, newest first. */
  allowItems(): AllowItem[] {
    return this.#statements
      .all<DecisionRow>(
        "SELECT * FROM decisions WHERE kind = 'allow' AND revoked_at IS NULL ORDER BY id DESC",
      )
      .map(({ target, reason, at }) => ({ target, by: "person", reason, at: toIso(at) }));
  }

  counts(): { readonly activeBans: number; readonly openIncidents: number; readonly openSockets: number } {
    const [endless, ending] = RUNNING.map((condition) => `SELECT count(*) FROM decisions WHERE ${condition}`);
    return {
      activeBans: this.#statements.number(`SELECT (${endless}) + (${ending})`, {
        kind: "ban",
        now: this.#clock.now(),
      }),
      openIncidents: this.#statements.number("SELECT count(*) FROM incidents WHERE state = 'open'"),
      openSockets: this.#statements.number("SELECT count(*) FROM sockets WHERE state = 'open'"),
    };
  }

  banReach = (target: Target): BanReach => banReach(this.#statements, target, this.#clock.now());

  bans({ limit, cursor, state, touching = null }: PageQuery & BanFilter): Page<BanItem> {
    const condition = state === null ? "1" : BAN_CONDITIONS[state];
    const which =
      touching === null
        ? "decisions NOT INDEXED WHERE 1"
        : "decisions INDEXED BY decisions_target WHERE target IN (SELECT value FROM json_each(@targets))";
    const rows = this.#statements.all<DecisionRow>(
      `SELECT * FROM ${which} AND kind = 'ban' AND id < @before AND ${condition} ORDER BY id DESC LIMIT @limit`,
      {
        before: before(cursor),
        limit: limit + 1,
        now: this.#clock.now(),
        targets: touching === null ? null : this.#touching("decisions", touching),
      },
    );
    return page(rows, limit, (row) => this.#banItem(decisionOf(row)));
  }

  /** The ban of that number, whatever its state. */
  ban(id: number): BanItem | null {
    const row = this.#statements.get<DecisionRow>("SELECT * FROM decisions WHERE id = ?", id);
    return row === undefined ? null : this.#banItem(decisionOf(row));
  }

  #banItem(decision: StoredDecision): BanItem {
    const { id, target, rule, reason, by, incident } = decision;
    const state = stateOf(decision, this.#clock.now());
    const passed = state === "active" ? this.#passed(target) : 0;
    return {
      id,
      kind: "ban",
      target,
      rule,
      reason,
      by,
      at: toIso(decision.at),
      until: toIsoOrNull(decision.until),
      state,
      enforcedBy: state === "active" ? this.#enforcedBy(target) : [],
      incident,
      ...(passed === 0 ? {} : { passed }),
    };
  }

  incidents({
    limit,
    cursor,
    state,
  }: PageQuery & { readonly state: "open" | "closed" | null }): Page<IncidentItem> {
    const rows = this.#statements.all<IncidentRow>(
      `SELECT * FROM incidents WHERE id < @before ${state === null ? "" : "AND state = @state"} ORDER BY id DESC LIMIT @limit`,
      { before: before(cursor), limit: limit + 1, state },
    );
    return page(rows, limit, (row) => this.#incidentItem(row));
  }

  incident(id: number): IncidentDetail | null {
    const row = this.#statements.get<IncidentRow>("SELECT * FROM incidents WHERE id = ?", id);
    if (row === undefined) return null;
    const findings = this.#statements.all<FindingRow>(
      "SELECT * FROM findings WHERE incident = ? ORDER BY id DESC LIMIT 200",
      id,
    );
    const bans = this.#statements.all<DecisionRow>(
      "SELECT * FROM decisions WHERE kind = 'ban' AND target = ? ORDER BY id DESC LIMIT 50",
      row.target,
    );
    return {
      ...this.#incidentItem(row),
      findings: findings.map(findingItem),
      bans: bans.map((ban) => this.#banItem(decisionOf(ban))),
    };
  }

  #incidentItem(row: IncidentRow): IncidentItem {
    const rules = this.#statements.all<{ rule: string; count: number }>(
      "SELECT rule, count(*) AS count FROM findings WHERE incident = ? GROUP BY rule ORDER BY max(id)",
      row.id,
    );
    const ban = this.#statements.get<DecisionRow>(
      "SELECT * FROM decisions WHERE kind = 'ban' AND target = ? ORDER BY id DESC LIMIT 1",
      row.target,
    );
    return {
      id: row.id,
      subject: row.subject,
      // Of a subject without an address the row has none.
      target: row.target === "" ? row.subject : row.target,
      severity: row.severity,
      state: row.state,
      openedAt: toIso(row.opened_at),
      lastSeen: toIso(row.last_seen),
      findingCount: rules.reduce((sum, { count }) => sum + count, 0),
      rules: rules.map(({ rule }) => rule),
      ban: ban === undefined ? null : this.#banItem(decisionOf(ban)),
    };
  }

  /** Incidents on targets that share addresses with this one, newest first. */
  incidentsTouching(target: Target): IncidentDetail[] {
    return this.#statements
      .all<{ id: number }>(
        "SELECT id FROM incidents WHERE target IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT 50",
        this.#touching("incidents", target),
      )
      .map(({ id }) => this.incident(id))
      .filter((incident) => incident !== null);
  }

  /** Those of a table's targets that cover the target or lie within it, as a JSON list. */
  #touching(table: "incidents" | "decisions", target: Target): string {
    // Nothing lies within one address, and what covers it is few: no need to look at all.
    if (isSingle(target)) return JSON.stringify(allThatCover(target));
    const asked = new TargetSet([target]);
    const targets = this.#statements.all<{ target: Target | "" }>(`SELECT DISTINCT target FROM ${table}`);
    return JSON.stringify(
      targets
        .filter((each) => each.target !== "" && asked.overlapping(each.target) !== null)
        .map((each) => each.target),
    );
  }

  events({
    limit,
    cursor,
    client,
    kind,
  }: PageQuery & { readonly client: Ip | null; readonly kind: LogEvent["kind"] | null }): Page<EventItem> {
    const query = { before: before(cursor), limit: limit + 1, client, kind };
    const rows = newestEvents(this.#statements, query);
    return page(rows, limit, eventItem);
  }

  sockets({ limit, cursor, ...which }: PageQuery & SocketFilter): Page<SocketItem> {
    const rows = newestSockets(this.#statements, { ...which, before: before(cursor), limit: limit + 1 });
    return page(rows, limit, socketItem);
  }

  /** Who holds WebSockets open, the most first. */
  socketHolders(limit: number): Omit<SocketHolder, "foreign">[] {
    return socketHolders(this.#statements, limit, this.#clock.now());
  }

  traffic(minutes: number): TrafficPoint[] {
    return trafficPoints(this.#statements, minutes, this.#clock.now());
  }

  /** Findings and bans of each rule within a day. */
  ruleCounts = (): Map<string, RuleCounts> => ruleCounts(this.#statements, this.#clock.now());
  ruleFindings = (rule: string): RuleFinding[] => ruleFindings(this.#statements, rule, this.#clock.now());
  /** What keeps rules from banning. */
  halts = (): Halt[] => haltsIn(this.#statements);
  /** How far the files that a log has been are in the store. */
  committedFiles = (path: string): CommittedFile[] => committedFiles(this.#statements, path);

  /** Bytes on disk, and how far back events go. */
  size(): Omit<DatabaseStatus, "budget"> {
    const files = ["", "-wal"].map((ending) =>
      statSync(`${this.#connection.name}${ending}`, { throwIfNoEntry: false }),
    );
    const oldest = this.#statements.get<{ time: UnixMs }>("SELECT time FROM events ORDER BY id LIMIT 1");
    return {
      bytes: files.reduce((sum, file) => sum + (file?.size ?? 0), 0),
      eventsSince: oldest === undefined ? null : toIso(oldest.time),
    };
  }

  /** Lines of each source, by path. */
  sourceCounts(): Map<
    string,
    { readonly lines: number; readonly unparsed: number; readonly lastEventAt: string | null }
  > {
    return new Map(
      this.#statements
        .all<{ path: string; lines: number; unparsed: number; last_event_at: UnixMs | null }>(
          "SELECT * FROM sources",
        )
        .map((row) => [
          row.path,
          {
            lines: row.lines,
            unparsed: row.unparsed,
            lastEventAt: row.last_event_at === null ? null : toIso(row.last_event_at),
          },
        ]),
    );
  }

  /** Lines ever read, by what became of them. */
  eventCounts(): EventCounts {
    const rows = this.#statements.all<Omit<EventCounts, SourceKind> & { kind: SourceKind; parsed: number }>(
      `SELECT kind, sum(lines - unparsed - openings) AS parsed, sum(unparsed) AS unparsed, sum(openings) AS opening
         FROM sources GROUP BY kind`,
    );
    const counts = noEvents();
    for (const { kind, parsed, unparsed, opening } of rows) {
      counts[kind] += parsed;
      counts.unparsed += unparsed;
      counts.opening += opening;
    }
    return counts;
  }
}

const BAN_CONDITIONS: Readonly<Record<BanState, string>> = {
  active: "revoked_at IS NULL AND (until IS NULL OR until > @now)",
  expired: "revoked_at IS NULL AND until <= @now",
  revoked: "revoked_at IS NOT NULL",
};

const before = (cursor: string | null): number =>
  cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);

/** The first `limit` of at most one more row, and where the next page begins. */
function page<Row extends { readonly id: number }, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
): Page<Item> {
  const shown = rows.slice(0, limit);
  return { items: shown.map(item), next: rows.length > limit ? String(shown[shown.length - 1]!.id) : null };
}

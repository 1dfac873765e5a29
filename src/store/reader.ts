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
  PageQuery,
  SocketHolder,
  SocketItem,
  TrafficPoint,
} from "../model/api.ts";
import type { BanFilter } from "../model/decision.ts";
import type { EventCounts, LogEvent } from "../model/event.ts";
import type { Halt } from "../model/halt.ts";
import type { Ip, Target } from "../model/ip.ts";
import type { RuleCounts, RuleFinding } from "../model/rule-status.ts";
import { type Clock, toIso, type UnixMs } from "../model/time.ts";
import { banReach } from "./ban-reach.ts";
import { type CommittedFile, committedFiles } from "./committed.ts";
import { type Connection, openForReading } from "./database.ts";
import { allowedIn, type DecisionRow, LET_IN } from "./decision-rows.ts";
import { newestEvents } from "./event-pages.ts";
import { haltsIn } from "./halts.ts";
import { before, pageOf } from "./page.ts";
import { ruleCounts, ruleFindings } from "./rule-counts.ts";
import { BanRows, RUNNING } from "./running-bans.ts";
import { ShownBans } from "./shown-bans.ts";
import { type IncidentFilter, ShownIncidents } from "./shown-incidents.ts";
import { eventItem } from "./shown-rows.ts";
import { newestSockets, type SocketFilter, socketHolders, socketItem } from "./socket-pages.ts";
import { eventCounts, type SourceCounts, sourceCounts } from "./source-counts.ts";
import { Statements } from "./statements.ts";
import { trafficPoints } from "./traffic.ts";

/** Everything that is shown, read from the store by a connection that cannot write. */
export class StoreReader implements Disposable {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #statements: Statements;
  readonly #bans: ShownBans;
  readonly #incidents: ShownIncidents;

  constructor(
    file: string,
    clock: Clock,
    enforcedBy: (target: Target) => readonly string[] = () => [],
    passed: (target: Target) => number = () => 0,
  ) {
    this.#connection = openForReading(file);
    this.#statements = new Statements(this.#connection, file);
    this.#clock = clock;
    this.#bans = new ShownBans(this.#statements, clock, { enforcedBy, passed });
    this.#incidents = new ShownIncidents(this.#statements, this.#bans);
  }

  [Symbol.dispose](): void {
    this.#connection.close();
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

  bans = (query: PageQuery & BanFilter): Page<BanItem> => this.#bans.page(query);
  /** The ban of that number, whatever its state. */
  ban = (id: number): BanItem | null => this.#bans.byId(id);

  incidents = (query: PageQuery & IncidentFilter): Page<IncidentItem> => this.#incidents.page(query);
  incident = (id: number): IncidentDetail | null => this.#incidents.byId(id);
  /** Incidents on targets that share addresses with this one, newest first. */
  incidentsTouching = (target: Target): IncidentDetail[] => this.#incidents.touching(target);

  events({
    limit,
    cursor,
    client,
    kind,
  }: PageQuery & { readonly client: Ip | null; readonly kind: LogEvent["kind"] | null }): Page<EventItem> {
    const query = { before: before(cursor), limit: limit + 1, client, kind };
    const rows = newestEvents(this.#statements, query);
    return pageOf(rows, limit, eventItem);
  }

  sockets({ limit, cursor, ...which }: PageQuery & SocketFilter): Page<SocketItem> {
    const rows = newestSockets(this.#statements, { ...which, before: before(cursor), limit: limit + 1 });
    return pageOf(rows, limit, socketItem);
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

  /** Lines of each source, by path. */
  sourceCounts = (): Map<string, SourceCounts> => sourceCounts(this.#statements);
  /** Lines ever read, by what became of them. */
  eventCounts = (): EventCounts => eventCounts(this.#statements);

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
}

import { FORMATS } from "../../src/export/formats.ts";
import type {
  AllowItem,
  BanAnswer,
  BanItem,
  BanReach,
  CountingStatus,
  EventItem,
  HaltStatus,
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
} from "../../src/model/api.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { noEvents } from "../../src/model/event.ts";
import type { History, HoldItem } from "../../src/model/generation.ts";
import { parseTarget, type Target, TargetSet } from "../../src/model/ip.ts";
import type { RuleFinding, RuleStatus } from "../../src/model/rule-status.ts";
import { type Clock, later, PERMANENT, parseDuration, toIso, unixMs } from "../../src/model/time.ts";
import type { Backend } from "../../src/serve/backend.ts";
import { source } from "./samples.ts";

/** A whole Backend that keeps everything in arrays. A cursor is the position at which the next page begins. */
export class MemoryBackend implements Backend {
  readonly clock: Clock;
  readonly allowed = new Map<Target, string>([[parseTarget("198.51.100.1")!, "the office"]]);
  readonly listeners = new Set<(message: LiveMessage) => void>();
  /** What a new ban is in force by, and what brings it into force later. */
  enforcedBy: readonly string[] = ["apache-directory"];
  waiting: BanAnswer["waiting"] = [];
  readonly applied: string[] = [];
  held: HoldItem | null = null;
  halts: readonly HaltStatus[] = [];
  /** Where those who are signed in come from. */
  present: readonly Target[] = [];
  readonly allBans: BanItem[] = [];
  readonly allIncidents: IncidentDetail[] = [];
  readonly allEvents: EventItem[] = [];
  readonly allSockets: SocketItem[] = [];
  readonly allLists: ListStatus[] = [];
  sources: Status["sources"] = [source("/var/log/apache2/access.log")];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  counting(): CountingStatus {
    return { subjects: 12, givenUp: 3, givenUpAt: "2026-11-20T12:00:00.000Z" };
  }

  status(): Status {
    return {
      mode: "enforce",
      version: "1.2.3",
      demo: false,
      uptimeSeconds: 12,
      sources: this.sources,
      enforcers: [
        {
          name: "apache-directory",
          state: "drifted",
          blocks: 3,
          unenforced: [],
          lastReconciledAt: null,
          nextApplyAt: null,
          error: null,
          hint: null,
          note: null,
        },
      ],
      cut: { state: "on", closed: 0, error: null, hint: null, note: null },
      jobs: [],
      bans: {
        active: this.allBans.filter(({ state }) => state === "active").length,
        ineffective: this.allBans.filter(({ passed }) => passed !== undefined).length,
      },
      incidents: { open: this.allIncidents.filter(({ state }) => state === "open").length },
      sockets: { open: this.allSockets.filter(({ state }) => state === "open").length },
      events: { ...noEvents(), access: 7, unparsed: 2 },
      counting: this.counting(),
      database: { bytes: 4_096, budget: 8_192, eventsSince: null },
      halts: this.halts,
      lists: this.allLists,
      rules: 9,
      problems: [],
    };
  }

  banReach(target: Target): BanReach {
    const count = { addresses: 65_536, networks: null, clients: 12, allClients: 340 };
    const isWide = target.endsWith("/16");
    return { target, isWide, ...count, since: toIso(unixMs(this.clock.now() - 86_400_000)) };
  }

  bans(query: Parameters<Backend["bans"]>[0]): Page<BanItem> {
    return page(
      this.allBans.filter(
        ({ state, target }) =>
          (query.state === null || state === query.state) &&
          (!query.touching || new TargetSet([query.touching]).overlapping(target as Target) !== null),
      ),
      query,
    );
  }

  export(format: Parameters<Backend["export"]>[0]): ReturnType<Backend["export"]> {
    const { write, ...how } = FORMATS[format];
    const active = this.allBans.filter(({ state }) => state === "active");
    return { ...how, chunks: write(active, { now: this.clock.now(), host: "test" }) };
  }

  lists() {
    return this.allLists;
  }

  async fetchList(name: string): Promise<ListStatus | null> {
    const at = this.allLists.findIndex((list) => list.name === name);
    if (at === -1) return null;
    const now = toIso(this.clock.now());
    this.allLists[at] = { ...this.allLists[at]!, triedAt: now, fetchedAt: now };
    return this.allLists[at]!;
  }

  incidents(query: Parameters<Backend["incidents"]>[0]): Page<IncidentItem> {
    return page(
      this.allIncidents.filter(({ state }) => query.state === null || state === query.state),
      query,
    );
  }

  incident(id: number): IncidentDetail | null {
    return this.allIncidents.find((incident) => incident.id === id) ?? null;
  }

  events(query: Parameters<Backend["events"]>[0]): Page<EventItem> {
    const wanted = this.allEvents.filter(
      ({ client, kind }) =>
        (query.client === null || client === query.client) && (query.kind === null || kind === query.kind),
    );
    return page(wanted, query);
  }

  sockets(query: Parameters<Backend["sockets"]>[0]): Page<SocketItem> {
    const wanted = this.allSockets.filter(
      ({ client, state }) =>
        (query.client === null || client === query.client) && (query.state === null || state === query.state),
    );
    return page(wanted, query);
  }

  socketHolders(limit: number): readonly SocketHolder[] {
    return this.allSockets
      .filter(({ state }) => state === "open")
      .slice(0, limit)
      .map(({ client, origin, vhost, path, openedAt }) => ({
        ...{ client, origin, host: vhost, path, open: 1 },
        ...{ firstOpenedAt: openedAt, lastOpenedAt: openedAt },
        ...{ foreign: origin === "https://evil.example", banned: false, incident: null },
      }));
  }

  traffic(minutes: number): readonly TrafficPoint[] {
    const none = { s1xx: 0, s2xx: 0, s3xx: 0, s4xx: 0, s5xx: 0, refused: 0 };
    const first = this.clock.now() - minutes * 60_000;
    return Array.from({ length: minutes }, (_, at) => ({
      time: toIso(unixMs(first + at * 60_000)),
      ...none,
    }));
  }

  async ban({ target, length, reason }: Parameters<Backend["ban"]>[0]): Promise<BanAnswer> {
    if (this.allowed.has(target)) {
      throw new SekishoError("TARGET_PROTECTED", `${target} is on the allowlist`, "take it off first");
    }
    const now = this.clock.now();
    const lasts = length ?? parseDuration("4h")!;
    const ban: BanItem = {
      id: this.allBans.length + 1,
      target,
      kind: "ban",
      rule: null,
      reason,
      by: "person",
      at: toIso(now),
      until: lasts === PERMANENT ? null : toIso(later(now, lasts)),
      state: "active",
      enforcedBy: [...this.enforcedBy],
      incident: null,
    };
    const running = this.allBans.findIndex((each) => each.target === target && each.state === "active");
    const replaced = this.allBans[running] ?? null;
    if (replaced !== null) this.allBans[running] = { ...replaced, state: "revoked" };
    this.allBans.push(ban);
    this.tell({ kind: "changed", what: ["bans"] });
    return { ...ban, waiting: this.waiting, replaced };
  }

  async unban(target: Target): Promise<void> {
    const at = this.allBans.findIndex((ban) => ban.target === target && ban.state === "active");
    if (at === -1)
      throw new SekishoError("TARGET_NOT_BANNED", `${target} is not banned`, "see GET /api/bans");
    this.allBans[at] = { ...this.allBans[at]!, state: "revoked" };
  }

  allowlist(): readonly AllowItem[] {
    return [...this.allowed].map(([target, reason]) => ({ target, by: "person", reason, at: null }));
  }

  async rules(): Promise<readonly RuleStatus[]> {
    return [
      {
        id: "repeated-403",
        title: { en: "Repeated 403", ja: "403 の繰り返し" },
        mode: "observe",
        severity: "high",
        events: "access",
        subject: "address",
        firesAt: "10 in 5m",
        needed: 10,
        cooldown: "5m",
        ban: "default",
        detects: "A client that is refused again and again.",
        why: "Visitors stop.",
        falsePositives: ["A broken link."],
        references: ["CWE-284"],
        tags: ["access"],
        change: {
          file: "/usr/share/sekisho/rules/repeated-403.yaml",
          changes: ["mode observe"],
          changedBy: "/etc/sekisho/rules.d/repeated-403.yaml",
          example: ["bucket: { count: 20 } # 10 now"],
        },
        lastDay: { findings: 3, bans: 2 },
        nearMisses: [{ subject: "192.0.2.9 user=\x1b[2J", count: 9, of: 10, at: "2026-11-20T11:00:00.000Z" }],
      },
    ];
  }

  ruleFindings(id: string): readonly RuleFinding[] {
    return this.allIncidents.flatMap(({ id: incident, findings }) =>
      findings.filter(({ rule }) => rule === id).map((finding) => ({ ...finding, incident })),
    );
  }

  /** Lifts the bans of exactly this target. */
  async allow(target: Target, reason: string): Promise<readonly Target[]> {
    this.allowed.set(target, reason);
    const isBanned = this.allBans.some((ban) => ban.target === target && ban.state === "active");
    if (isBanned) await this.unban(target);
    return isBanned ? [target] : [];
  }

  async disallow(target: Target): Promise<void> {
    this.allowed.delete(target);
  }

  async setIncidentState(id: number, state: "open" | "closed"): Promise<boolean> {
    const at = this.allIncidents.findIndex((incident) => incident.id === id);
    if (at === -1) return false;
    this.allIncidents[at] = { ...this.allIncidents[at]!, state };
    return true;
  }

  async applyNow(enforcer: string): Promise<boolean> {
    if (enforcer !== "apache-include") return false;
    this.applied.push(enforcer);
    return true;
  }

  /** Two generations, of which the first can be gone back to. */
  history(enforcer: string): History | null {
    if (enforcer !== "apache-include") return null;
    const known = [
      { number: 4, at: null, state: "in-force", targets: 2, added: 1, removed: 0 },
      { number: 3, at: null, state: "former", targets: 1, added: 1, removed: 0 },
    ] as const;
    const of = (generation: number) => {
      const item = known.find(({ number }) => number === generation);
      if (item !== undefined) return item;
      throw new SekishoError("NOT_FOUND", `no generation ${generation} is kept`, "there are 3 and 4");
    };
    return {
      list: async () => ({ items: known, held: this.held }),
      changes: async (generation) => ({
        ...of(generation),
        addedTargets: ["198.51.100.7/32"],
        removedTargets: [],
      }),
      goTo: async (generation) => {
        if (generation !== null) of(generation);
        const since = toIso(this.clock.now());
        this.held = generation === null ? null : { generation, since, cause: null, heldBack: 1 };
        return this.status().enforcers[0]!;
      },
    };
  }

  async panic(): Promise<PanicAnswer> {
    const active = this.allBans.filter(({ state }) => state === "active");
    this.halts = [{ name: "panic", since: toIso(this.clock.now()), reason: "sekisho panic" }];
    for (const { target } of active) await this.unban(parseTarget(target)!);
    return { lifted: active.length, enforcers: this.status().enforcers };
  }

  async endPanic(): Promise<void> {
    this.#end("panic");
  }

  async resetBreaker(lift: boolean): Promise<number> {
    this.#end("breaker");
    return lift ? 3 : 0;
  }

  #end(name: HaltStatus["name"]): void {
    if (!this.halts.some((halt) => halt.name === name))
      throw new SekishoError("NOT_HALTED", `no ${name}`, "nothing is to be done");
    this.halts = this.halts.filter((halt) => halt.name !== name);
  }

  protectPresent(targets: readonly Target[]): void {
    this.present = targets;
  }

  subscribe(listener: (message: LiveMessage) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(message: LiveMessage): void {
    for (const listener of this.listeners) listener(message);
  }
}

function page<Item>(all: readonly Item[], { limit, cursor }: PageQuery): Page<Item> {
  const from = cursor === null ? 0 : Number(cursor);
  return {
    items: all.slice(from, from + limit),
    next: from + limit < all.length ? String(from + limit) : null,
  };
}

import { ENFORCER_PATIENCE_MS } from "./enforce/enforcement.ts";
import type { Ineffective } from "./enforce/ineffective-bans.ts";
import { ineffectiveProblem } from "./enforce/ineffective-problem.ts";
import { isForeignOrigin } from "./evaluate/read-field.ts";
import type { Complaint, IngestedSource, Told } from "./ingest/messages.ts";
import type { IngestThread } from "./ingest/thread.ts";
import type {
  AllowItem,
  BanAnswer,
  CountingStatus,
  ListStatus,
  Mode,
  PanicAnswer,
  SourceStatus,
  Status,
} from "./model/api.ts";
import type { Block } from "./model/decision.ts";
import { messageOf, SekishoError } from "./model/errors.ts";
import type { Target } from "./model/ip.ts";
import type { RuleStatus } from "./model/rule-status.ts";
import { toIso, toIsoOrNull, unixMs } from "./model/time.ts";
import { unsent } from "./notices.ts";
import type { Notifier } from "./notify/notifier.ts";
import type { Receivers } from "./receive/receivers.ts";
import { ruleStatuses } from "./rule-items.ts";
import type { Parts } from "./running-parts.ts";
import { listJobName } from "./schedule/fetch-list.ts";
import type { Backend } from "./serve/backend.ts";
import { type Changed, LivePages } from "./serve/live-pages.ts";
import { allowlistOf, presentMode } from "./setup.ts";
import type { StoreReader } from "./store/reader.ts";
import { Wanted } from "./wanted.ts";

interface About {
  readonly version: string;
  readonly demo: boolean;
  readonly startedAt: number;
  readonly reader: StoreReader;
  readonly thread: IngestThread;
  readonly receivers: Receivers;
}

/** Answers the dashboard and the command line: reads the store, asks the ingestion thread for changes. */
export class DaemonBackend implements Backend, Disposable {
  readonly #about: About;
  #parts: Parts | null = null;
  #sources: readonly IngestedSource[] = [];
  #ingestProblems: readonly Complaint[] = [];
  /** What went wrong outside ingestion: a configuration that did not reload. */
  reloadProblem: Complaint | null = null;
  notifier: Notifier | null = null;
  readonly #wanted: Wanted;
  #counting: CountingStatus = { subjects: 0, givenUp: 0, givenUpAt: null };
  readonly #pages = new LivePages(() => this.status());

  constructor(about: About) {
    this.#about = about;
    this.#wanted = new Wanted(about.reader);
  }

  use(parts: Parts): void {
    this.#parts = parts;
    this.#wanted.lists = parts.lists;
  }

  [Symbol.dispose](): void {
    this.#pages[Symbol.dispose]();
  }

  /** Takes note of what the ingestion thread told. */
  heard(message: Told): void {
    if (message.kind === "state") {
      this.#sources = message.sources;
      this.#ingestProblems = message.problems;
      this.#counting = message.counting;
      this.changed();
      return;
    }
    const isNew = message.passed.length > 0 && (this.#parts?.ineffective.note(message.passed) ?? false);
    this.changed(
      "traffic",
      ...(message.bans || isNew ? (["bans"] as const) : []),
      ...(message.incidents ? (["incidents"] as const) : []),
      ...(message.sockets ? (["sockets"] as const) : []),
    );
  }

  /** Tells the pages, some changes at a time. */
  changed(...what: Changed[]): void {
    this.#pages.changed(what);
  }

  subscribe: Backend["subscribe"] = (listener) => this.#pages.subscribe(listener);

  /** What enforcers should hold: active bans without anybody who is protected by now. `isAnew`: all read, not only what changed. */
  wantedBlocks(isAnew = false): readonly Block[] {
    return this.#wanted.blocks(this.#running.config, this.mode, isAnew);
  }

  /** True when nobody in the range is to be spared, as things were when blocks were asked for last. */
  mayCover(range: Target): boolean {
    return this.#wanted.mayCover(range);
  }

  get mode(): Mode {
    return presentMode(this.#running, this.#about.reader);
  }

  counting = (): CountingStatus => this.#counting;

  status(): Status {
    const { config, rules, enforcement, former, ineffective: bans, scheduler, lists } = this.#running;
    const { version, demo, startedAt, reader } = this.#about;
    const { activeBans, openIncidents, openSockets } = reader.counts();
    const ineffective = bans.list();
    const own = [this.reloadProblem, this.whyIneffective(ineffective)].filter((problem) => problem !== null);
    const told = [this.#ingestProblems, own, former.problems(), unsent(this.notifier), lists.problems()];
    return {
      mode: this.mode,
      version,
      demo,
      uptimeSeconds: Math.floor((performance.now() - startedAt) / 1_000),
      sources: this.#sourceStatuses(),
      enforcers: enforcement.statuses(),
      cut: enforcement.cutStatus(),
      jobs: scheduler.statuses(),
      bans: { active: activeBans, ineffective: ineffective.length },
      incidents: { open: openIncidents },
      sockets: { open: openSockets },
      events: reader.eventCounts(),
      database: { ...reader.size(), budget: config.store.disk },
      counting: this.#counting,
      halts: reader.halts().map(({ name, since, reason }) => ({ name, since: toIso(since), reason })),
      lists: this.lists(),
      rules: rules.length,
      problems: told.flat().map(({ message, hint }) => ({ message, hint })),
    };
  }

  /** Why the ban that lets most through probably does. */
  whyIneffective(bans: readonly Ineffective[] = this.#running.ineffective.list()): Complaint | null {
    const { enforcement, config } = this.#running;
    return ineffectiveProblem(bans, {
      enforcers: enforcement.statuses(),
      levelOf: (name) => enforcement.levelOf(name),
      hasProxies: config.trustedProxies.length > 0,
    });
  }

  #sourceStatuses(): SourceStatus[] {
    const counts = this.#about.reader.sourceCounts();
    return this.#sources.map(({ path, kind, format, lagBytes, problem, causes }) => {
      const receiver = this.#about.receivers.of(path);
      const wrong = receiver?.problem ?? problem;
      return {
        path: receiver?.settings.path ?? path,
        kind,
        format,
        lagBytes,
        ...(counts.get(path) ?? { lines: 0, unparsed: 0, lastEventAt: null }),
        error: wrong?.message ?? null,
        hint: wrong?.hint ?? null,
        audit: causes === null ? null : { ...causes, socket: receiver?.counts ?? null },
      };
    });
  }

  lists: Backend["lists"] = () => {
    const { lists, scheduler } = this.#running;
    return lists.statuses(this.#wanted.sparedByList, (name) => scheduler.nextRuns(listJobName(name))[0]);
  };
  async fetchList(name: string): Promise<ListStatus | null> {
    await this.#running.lists.refresh(name);
    return this.lists().find((list) => list.name === name) ?? null;
  }

  bans: Backend["bans"] = (query) => this.#about.reader.bans(query);
  banReach: Backend["banReach"] = (target) => this.#about.reader.banReach(target);
  incidents: Backend["incidents"] = (query) => this.#about.reader.incidents(query);
  incident: Backend["incident"] = (id) => this.#about.reader.incident(id);
  sockets: Backend["sockets"] = (query) => this.#about.reader.sockets(query);
  socketHolders: Backend["socketHolders"] = (limit) => {
    const site = { origins: new Set(this.#running.config.origins) };
    const holders = this.#about.reader.socketHolders(limit);
    return holders.map((holder) => ({
      ...holder,
      foreign: isForeignOrigin({ ...holder, vhost: holder.host }, site) === true,
    }));
  };
  /** What came over a socket is told by the socket's path. */
  events: Backend["events"] = (query) => {
    const page = this.#about.reader.events(query);
    const pathOf = (file: string): string => this.#about.receivers.of(file)?.settings.path ?? file;
    return { ...page, items: page.items.map((item) => ({ ...item, source: pathOf(item.source) })) };
  };
  traffic: Backend["traffic"] = (minutes) => this.#about.reader.traffic(minutes);

  export: Backend["export"] = (format) =>
    this.#wanted.export(format, this.#running.config, unixMs(Date.now()));

  allowlist(): readonly AllowItem[] {
    return [...allowlistOf(this.#running.config), ...this.#about.reader.allowItems()];
  }

  /** Those that are off, too. */
  async rules(): Promise<readonly RuleStatus[]> {
    const nearMisses = await this.#about.thread.request<"near-misses">({ kind: "near-misses" });
    return ruleStatuses(this.#running, this.#about.reader.ruleCounts(), nearMisses);
  }

  ruleFindings: Backend["ruleFindings"] = (id) => this.#about.reader.ruleFindings(id);

  async ban(request: Parameters<Backend["ban"]>[0]): Promise<BanAnswer> {
    const { id, replacedUntil } = await this.#about.thread.request<"ban">({ kind: "ban", ...request });
    await this.#settled();
    const waiting = this.#running.enforcement.waitingFor(request.target);
    return {
      ...this.#about.reader.ban(id)!,
      waiting: waiting.map(({ enforcer, at }) => ({ enforcer, at: at === null ? null : toIso(at) })),
      replaced: replacedUntil === null ? null : { until: toIsoOrNull(replacedUntil) },
    };
  }

  async unban(target: Target): Promise<void> {
    await this.#about.thread.request<"unban">({ kind: "unban", target });
    await this.#lifted();
  }

  async allow(target: Target, reason: string): Promise<readonly Target[]> {
    const lifted = await this.#about.thread.request<"allow">({ kind: "allow", target, reason });
    await this.#lifted();
    return lifted;
  }

  async disallow(target: Target): Promise<void> {
    await this.#about.thread.request<"disallow">({ kind: "disallow", target });
  }

  /** What is enforced goes first: it must be lifted even where nothing can be stored. */
  async panic(): Promise<PanicAnswer> {
    const { enforcement, former } = this.#running;
    const statuses = () => [...this.#running.enforcement.statuses(), ...this.#running.former.failed()];
    await Promise.all([enforcement.switchTo("observe", []), former.retry()]);
    try {
      const lifted = await this.#about.thread.request<"panic">({ kind: "panic" });
      // A reload may have put other enforcers in place meanwhile.
      if (this.#running.enforcement !== enforcement) await this.#running.enforcement.switchTo("observe", []);
      this.changed("bans", "incidents");
      return { lifted, enforcers: statuses() };
    } catch (cause) {
      const failed = statuses().filter(({ state }) => state === "failed");
      const blocking = failed.map(({ name, error }) => `${name} may still block: ${error}`).join("; ");
      throw new SekishoError(
        "PANIC_INCOMPLETE",
        `${blocking || "nothing is blocked now"}, but the bans could not be lifted for good: ${messageOf(cause)}`,
        "make room or unlock the database and run sekisho panic again; until then a restart would block again",
        { cause },
      );
    }
  }

  async endPanic(): Promise<void> {
    await this.#about.thread.request<"end-halt">({ kind: "end-halt", name: "panic", lift: false });
    await this.#running.enforcement.switchTo(this.#running.mode, this.wantedBlocks());
    this.changed("bans");
  }

  async resetBreaker(lift: boolean): Promise<number> {
    const lifted = await this.#about.thread.request<"end-halt">({ kind: "end-halt", name: "breaker", lift });
    await this.#lifted();
    return lifted;
  }

  protectPresent(targets: readonly Target[]): void {
    this.#wanted.present = targets;
    this.#about.thread.post({ kind: "protect-present", targets });
    this.#running.enforcement.want(this.wantedBlocks());
  }

  async setIncidentState(id: number, state: "open" | "closed"): Promise<boolean> {
    const known = await this.#about.thread.request<"set-incident">({ kind: "set-incident", id, state });
    this.changed("incidents");
    return known;
  }

  async applyNow(enforcer: string): Promise<boolean> {
    // Whoever asks has seen bans that the store has and of which the ingestion thread may be about to tell.
    this.#running.enforcement.want(this.wantedBlocks());
    return this.#running.enforcement.apply(enforcer);
  }
  history: Backend["history"] = (enforcer) => this.#running.enforcement.history(enforcer);

  /** A person who is answered "done" finds it done: waits until every enforcer has seen the change or failed. */
  async #settled(): Promise<void> {
    this.#running.enforcement.want(this.wantedBlocks());
    await this.#running.enforcement.settled(ENFORCER_PATIENCE_MS);
    this.changed("bans", "incidents");
  }

  /** Throws what keeps an enforcer from lifting; the ban itself is lifted then, and the enforcer tries again. */
  async #lifted(): Promise<void> {
    await this.#settled();
    await this.#running.enforcement.applyLifts();
    this.changed("bans");
  }

  get #running(): Parts {
    if (this.#parts === null) throw new Error("the daemon has not started");
    return this.#parts;
  }
}

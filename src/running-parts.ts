/** What a daemon runs by its configuration: a reload puts others in the place of these, while everything else stays. */
import type { DaemonBackend } from "./backend.ts";
import { crawlerJob } from "./crawler-checks.ts";
import { changeInForce, type InForce } from "./enforce/change-in-force.ts";
import { ENFORCER_PATIENCE_MS, Enforcement } from "./enforce/enforcement.ts";
import type { Enforcer } from "./enforce/enforcer.ts";
import type { GuardChannel } from "./enforce/guard/channel.ts";
import { IneffectiveBans } from "./enforce/ineffective-bans.ts";
import { apacheAnswersEarly, cutterOf, enforcersOf } from "./enforcers.ts";
import { FormerEnforcers } from "./former-enforcers.ts";
import { follow, listJobs, loadLists } from "./imported-lists.ts";
import { socketsOf } from "./ingest/audit-sockets.ts";
import { LingeringNotes } from "./ingest/lingering-notes.ts";
import type { IngestThread } from "./ingest/thread.ts";
import type { Lists } from "./lists/lists.ts";
import type { Clock } from "./model/time.ts";
import type { Notifier } from "./notify/notifier.ts";
import type { DaemonLog } from "./observe/log.ts";
import type { Receivers } from "./receive/receivers.ts";
import { applyEnforcer } from "./schedule/apply-enforcer.ts";
import { closeQuietIncidents } from "./schedule/close-quiet-incidents.ts";
import { deleteOldEvents } from "./schedule/delete-old-events.ts";
import { refreshAddresses } from "./schedule/refresh-addresses.ts";
import { type Job, Scheduler } from "./schedule/scheduler.ts";
import { verifyEnforcers } from "./schedule/verify-enforcers.ts";
import { ingestSettings, needRestart, presentMode, type Setup } from "./setup.ts";
import type { StoreReader } from "./store/reader.ts";

/** What runs as long as the daemon does. */
export interface Core {
  readonly clock: Clock;
  readonly log: DaemonLog;
  /** The sample attack enforces nothing outside, and tells nobody. */
  readonly demo: boolean;
  /** The data folder. */
  readonly data: string;
  readonly receivers: Receivers;
  readonly thread: IngestThread;
  readonly reader: StoreReader;
  readonly backend: DaemonBackend;
  readonly notifier: Notifier;
  /** Apps stay connected to it when the configuration is read again. */
  readonly guard: GuardChannel;
}

/** What a reload replaces, and the setup that it was made from. */
export interface Parts extends Setup {
  readonly enforcement: Enforcement;
  readonly former: FormerEnforcers;
  readonly ineffective: IneffectiveBans;
  readonly lists: Lists;
  readonly scheduler: Scheduler;
}

/** The parts that run at present. Nothing is enforced and no list is fetched before `start`. */
export class RunningParts implements AsyncDisposable {
  readonly #core: Core;
  /** By which the daemon was started: some of it stays until it is started again. */
  readonly #first: Setup;
  #parts: Parts;
  #lingering: LingeringNotes;
  #isWanting = false;
  #isStopped = false;

  constructor(core: Core, setup: Setup, lists: Lists) {
    this.#core = core;
    this.#first = setup;
    this.#lingering = new LingeringNotes(core.thread);
    this.#parts = this.#takeUp(setup, lists);
    this.#parts.enforcement.lookAhead();
  }

  get present(): Parts {
    return this.#parts;
  }

  /** Resolves when enforcers have tried to make the world as it should be, or had time enough for it. Never throws. */
  async start(): Promise<void> {
    const { demo, backend } = this.#core;
    if (!demo) await this.#parts.former.start();
    await this.#parts.enforcement.start(backend.wantedBlocks(), ENFORCER_PATIENCE_MS);
  }

  /** Fetches lists from now on. `isAsked`: at once, as a person wants it. */
  followLists(isAsked: boolean): void {
    const { thread, backend } = this.#core;
    follow(this.#parts.lists, thread, isAsked, (what) => {
      if (what === "entries") this.wantSoon();
      backend.changed();
    });
  }

  /** Once for all that was decided in this turn: to read 100,000 bans for each would take longer than to decide them. */
  wantSoon(): void {
    if (this.#isWanting) return;
    this.#isWanting = true;
    setImmediate(() => {
      this.#isWanting = false;
      if (!this.#isStopped) this.#parts.enforcement.want(this.#core.backend.wantedBlocks());
    });
  }

  /** An enforcer has changed, or the apps that the guard serves have. */
  noticed(): void {
    this.#lingering.note(this.#parts.enforcement.lingering());
    this.#core.backend.changed("bans");
  }

  /** Goes on by another setup. What stays as it is until a restart is named in the answer. */
  async reload(next: Setup): Promise<readonly string[]> {
    const { clock, thread, receivers, guard, log, backend } = this.#core;
    const lists = await loadLists(next, clock);
    const settings = { ...ingestSettings(next), lists: lists.forJudges() };
    await thread.request<"configure">({ kind: "configure", settings });
    await receivers.use(socketsOf(next.config));
    const previous = this.#parts;
    const before = this.#inForce();
    this.#lingering = new LingeringNotes(thread);
    this.#parts = this.#takeUp(next, lists);
    const after = this.#inForce();
    await stop(previous);
    if (next.config.enforcers.guard === undefined) guard.use(null);
    await this.start();
    this.followLists(true);
    const change = changeInForce(before, after);
    if (change !== null) log.say("info", "enforcement.changed", change);
    backend.reloadProblem = null;
    return needRestart(this.#first, next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await stop(this.#parts);
  }

  #takeUp(setup: Setup, lists: Lists): Parts {
    const { demo, notifier, backend } = this.#core;
    notifier.use(demo ? [] : setup.config.notifications);
    const parts = assemble(this.#core, setup, lists, () => this.noticed());
    backend.use(parts);
    return parts;
  }

  #inForce(): InForce {
    const { backend } = this.#core;
    const { mode } = backend;
    const names = this.#parts.enforcement.statuses().map(({ name }) => name);
    const wanted = mode === "enforce" && names.length > 0 ? backend.wantedBlocks() : [];
    const blocks = wanted.filter(({ list }) => list === undefined);
    return { mode, enforcers: names.join(", ") || "none", bans: blocks.length };
  }
}

function assemble(core: Core, setup: Setup, lists: Lists, onChange: () => void): Parts {
  const { clock, data, reader, backend, guard } = core;
  const { config } = setup;
  const enforcers = enforcersOf(config, clock, guard);
  const enforcement = new Enforcement({
    mode: presentMode(setup, reader),
    enforcers,
    clock,
    onChange,
    nextApplies: (name) => scheduler.nextRuns(`apply-${name}`),
    trustedProxies: config.trustedProxies,
    aggregation: config.policy.aggregate,
    mayCover: (range) => backend.mayCover(range),
    cutter: cutterOf(config),
  });
  const scheduler = new Scheduler(jobsOf(core, setup, lists, enforcement, enforcers));
  const former = new FormerEnforcers({ config, clock, data, onChange });
  const ineffective = new IneffectiveBans(enforcement, clock, apacheAnswersEarly);
  return { ...setup, enforcement, former, ineffective, scheduler, lists };
}

const jobsOf = (
  { thread, backend }: Core,
  { config }: Setup,
  lists: Lists,
  enforcement: Enforcement,
  enforcers: readonly Enforcer[],
): Job[] => [
  verifyEnforcers(async () => enforcement.verify(() => backend.wantedBlocks(true))),
  refreshAddresses(() => thread.request<"refresh-addresses">({ kind: "refresh-addresses" })),
  closeQuietIncidents((lastSeenBefore) =>
    thread.request<"close-quiet-incidents">({ kind: "close-quiet-incidents", lastSeenBefore }),
  ),
  deleteOldEvents(config.store.retention, (before) =>
    thread.request<"delete-old-events">({
      kind: "delete-old-events",
      limits: { before, disk: config.store.disk },
    }),
  ),
  crawlerJob(config, thread),
  ...listJobs(lists),
  ...enforcers.flatMap(({ name, schedule }) =>
    schedule === null ? [] : [applyEnforcer(name, schedule, () => enforcement.apply(name))],
  ),
];

async function stop({ scheduler, enforcement, former, lists }: Parts): Promise<void> {
  scheduler[Symbol.dispose]();
  lists[Symbol.dispose]();
  await Promise.all([enforcement, former].map((each) => each[Symbol.asyncDispose]()));
}

/** The composition root: the only place where implementations are chosen and joined. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { DaemonBackend, type Parts } from "./backend.ts";
import { crawlerJob, crawlerVerifier } from "./crawler-checks.ts";
import { startDemo } from "./demo/sample-attack.ts";
import { changeInForce, type InForce } from "./enforce/change-in-force.ts";
import { ENFORCER_PATIENCE_MS, Enforcement } from "./enforce/enforcement.ts";
import { GuardChannel } from "./enforce/guard/channel.ts";
import { IneffectiveBans } from "./enforce/ineffective-bans.ts";
import { apacheAnswersEarly, cutterOf, enforcersOf } from "./enforcers.ts";
import { FormerEnforcers } from "./former-enforcers.ts";
import { follow, listJobs, loadLists } from "./imported-lists.ts";
import { auditReceivers, socketsOf } from "./ingest/audit-sockets.ts";
import { LingeringNotes } from "./ingest/lingering-notes.ts";
import type { FromWorker } from "./ingest/messages.ts";
import { IngestThread } from "./ingest/thread.ts";
import type { Lists } from "./lists/lists.ts";
import type { Mode } from "./model/api.ts";
import { asSekishoError, messageOf, SekishoError, systemCode } from "./model/errors.ts";
import type { Clock } from "./model/time.ts";
import { failedEnforcers, problemsNow, tellNotices, unsent } from "./notices.ts";
import { Notifier } from "./notify/notifier.ts";
import type { DaemonLog } from "./observe/log.ts";
import { ProblemLog } from "./observe/problem-log.ts";
import { applyEnforcer } from "./schedule/apply-enforcer.ts";
import { closeQuietIncidents } from "./schedule/close-quiet-incidents.ts";
import { deleteOldEvents } from "./schedule/delete-old-events.ts";
import { refreshAddresses } from "./schedule/refresh-addresses.ts";
import { Scheduler } from "./schedule/scheduler.ts";
import { verifyEnforcers } from "./schedule/verify-enforcers.ts";
import { ensureAccessToken } from "./serve/access-token.ts";
import { startServer } from "./serve/server.ts";
import { daemonFile, databaseFile, ingestSettings, needRestart, PACKAGE_ROOT, type Setup } from "./setup.ts";
import { lockData } from "./store/database.ts";
import { StoreReader } from "./store/reader.ts";

/** The ingestion thread tells its state every second; a batch that waits for a disk may take long. */
const SILENT_MS = 45_000;

export interface DaemonOptions {
  readonly setup: Setup;
  readonly version: string;
  /** Plays the sample attack, on a database of its own, which begins empty. */
  readonly demo: boolean;
  readonly log: DaemonLog;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called once when the daemon cannot go on. */
  readonly failed: (error: SekishoError) => void;
}

export interface Daemon extends AsyncDisposable {
  readonly url: string;
  /** The present one: a reload and a panic change it. */
  mode(): Mode;
  /** Whether the ingestion thread has been heard of lately. */
  isAlive(): boolean;
  /** A new one-time link that signs a browser in. */
  link(): string;
  /** Goes on with another configuration. What cannot change while running is named in the answer. */
  reload(setup: Setup): Promise<readonly string[]>;
  /** Notes that a configuration was refused; it is shown until one is accepted. */
  refused(error: SekishoError): void;
}

/**
 * Starts all parts in the order of the pipeline; they stop in reverse. When one cannot start, those before it are stopped
 * again and nothing is left half-started.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using starting = new AsyncDisposableStack();
  let lifetimes = starting;
  const { demo, version, log, clock } = options;
  const { data, dashboard } = options.setup.config;

  starting.use(lockData(data));
  const file = databaseFile(data, demo);
  const setup = demo ? await playDemo(options, file, starting) : options.setup;

  const lists = await loadLists(setup, clock);
  const stored: { reader: StoreReader | null } = { reader: null };
  const receivers = starting.use(auditReceivers(() => stored.reader));
  await receivers.use(socketsOf(setup.config));
  let parts: Parts | null = null;
  const toldEarly: Told[] = [];
  let hear = (message: Told): void => void toldEarly.push(message);
  const thread = await IngestThread.start(
    {
      databaseFile: file,
      unparsedBudget: setup.config.store.unparsed,
      settings: { ...ingestSettings(setup), lists: lists.forJudges() },
    },
    (message) => hear(message),
    options.failed,
  );
  starting.defer(() => thread.stop());
  const reader = starting.use(
    new StoreReader(
      file,
      clock,
      (target) => parts?.enforcement.enforcedBy(target) ?? [],
      (target) => parts?.ineffective.passed(target) ?? 0,
    ),
  );
  stored.reader = reader;
  starting.defer(() => {
    stored.reader = null;
  });
  const backend = starting.use(
    new DaemonBackend({ version, demo, startedAt: performance.now(), reader, thread, receivers }),
  );

  const notifier = starting.use(new Notifier(hostname(), () => backend.changed()));
  starting.use(tellNotices(log, notifier, clock, () => parts?.rules ?? []));
  backend.notifier = notifier;

  let noticed = (): void => {};
  // Apps stay connected when the configuration is read again.
  const guard = starting.use(new GuardChannel({ changed: () => noticed() }));
  const use = (next: Setup, lists: Lists): Parts => {
    const lingering = new LingeringNotes(thread);
    noticed = () => {
      lingering.note(parts?.enforcement.lingering() ?? []);
      backend.changed("bans");
    };
    notifier.use(demo ? [] : next.config.notifications);
    const mode = reader.halts().some(({ name }) => name === "panic") ? "observe" : next.mode;
    parts = assemble(next, mode, thread, clock, guard, backend, noticed, lists, data);
    backend.use(parts);
    return parts;
  };
  starting.defer(() => (parts === null ? undefined : stop(parts)));
  const { enforcement, former } = use(setup, lists);
  enforcement.lookAhead();
  const server = starting.use(
    await startServer({
      backend,
      listen: dashboard.listen,
      allowRemote: dashboard.allowRemote,
      // Somebody who was given this address types it; unlike a name it cannot be made to point here by another site.
      hosts:
        isIP(dashboard.listen.host) === 0 ? dashboard.hosts : [...dashboard.hosts, dashboard.listen.host],
      token: ensureAccessToken(data, options.env.SEKISHO_TOKEN),
      webRoot: join(PACKAGE_ROOT, "dist/web"),
      clock,
      version,
      logger: log.warnings,
    }),
  );
  let isWanting = false;
  /** Once for all that was decided in this turn: reading 100,000 bans for each would take longer than deciding them. */
  const wantSoon = (): void => {
    if (isWanting) return;
    isWanting = true;
    setImmediate(() => {
      isWanting = false;
      if (!lifetimes.disposed) parts?.enforcement.want(backend.wantedBlocks());
    });
  };
  // Last, since these are the first things that the world outside the data folder notices.
  if (!demo) await former.start();
  await Promise.all([enforcement.start(backend.wantedBlocks(), ENFORCER_PATIENCE_MS), thread.reading]);
  const verifier = starting.use(crawlerVerifier(thread));
  const problemLog = new ProblemLog(log);
  let heardAt = performance.now();
  hear = (message) => {
    heardAt = performance.now();
    backend.heard(message);
    if (message.kind === "state") {
      verifier.ask(message.claims);
      problemLog.note(
        problemsNow(message, [
          backend.whyIneffective(),
          ...failedEnforcers(parts),
          ...unsent(notifier),
          ...(parts?.lists.problems() ?? []),
        ]),
      );
      return;
    }
    for (const { target, reason, by, rule } of message.decided) {
      const fields = { target, reason, by, rule, mode: parts?.mode };
      log.say("info", "ban.decided", `ban ${target}: ${reason}`, fields);
    }
    for (const target of message.lifted)
      log.say("info", "ban.lifted", `unban ${target}`, { target, by: "person" });
    if (message.bans) wantSoon();
  };
  for (const message of toldEarly) hear(message);
  const followLists = (lists: Lists, isAsked: boolean): void =>
    follow(lists, thread, isAsked, (what) => {
      if (what === "entries") wantSoon();
      backend.changed();
    });
  followLists(lists, false);

  tellWhereabouts(daemonFile(data), {
    pid: process.pid,
    url: server.url,
    database: file,
    config: setup.file,
  });
  starting.defer(() => rmSync(daemonFile(data), { force: true }));

  lifetimes = starting.move();
  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other: a second reload, or the end, must find the parts of the first at rest. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  };
  const reload = async (next: Setup): Promise<readonly string[]> => {
    const lists = await loadLists(next, clock);
    const settings = { ...ingestSettings(next), lists: lists.forJudges() };
    await thread.request<"configure">({ kind: "configure", settings });
    await receivers.use(socketsOf(next.config));
    const previous = parts!;
    const before = inForce(previous, backend);
    const present = use(next, lists);
    const after = inForce(present, backend);
    await stop(previous);
    if (next.config.enforcers.guard === undefined) guard.use(null);
    if (!demo) await present.former.start();
    await present.enforcement.start(backend.wantedBlocks(), ENFORCER_PATIENCE_MS);
    followLists(lists, true);
    const change = changeInForce(before, after);
    if (change !== null) log.say("info", "enforcement.changed", change);
    backend.reloadProblem = null;
    return needRestart(setup, next);
  };
  return {
    url: server.url,
    mode: () => backend.mode,
    isAlive: () => performance.now() - heardAt < SILENT_MS,
    link: () => server.link(),
    reload: (next) => inTurn(() => reload(next)),
    refused: (error) => {
      backend.reloadProblem = {
        code: error.code,
        message: `the configuration was not reloaded: ${error.message}`,
        hint: error.hint,
      };
      backend.changed();
    },
    [Symbol.asyncDispose]: () => inTurn(() => lifetimes.disposeAsync()),
  };
}

function tellWhereabouts(file: string, whereabouts: object): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(whereabouts), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (cause) {
    const [code, hint] =
      systemCode(cause) === "ENOSPC"
        ? (["DISK_FULL", "free some space and start again"] as const)
        : (["DATA_DIRECTORY", "check data: in the configuration, and who may write there"] as const);
    throw new SekishoError(code, `${file} cannot be written: ${messageOf(cause)}`, hint, { cause });
  }
}

/** Starts the sample attack. Only under the lock, since another demo may be writing these files. */
async function playDemo(
  { setup, clock, failed }: DaemonOptions,
  database: string,
  starting: AsyncDisposableStack,
): Promise<Setup> {
  for (const ending of ["", "-wal", "-shm"]) rmSync(`${database}${ending}`, { force: true });
  const playing = new AbortController();
  starting.defer(() => playing.abort());
  const logs = await startDemo({
    directory: join(setup.config.data, "demo"),
    clock,
    signal: playing.signal,
    failed: (error) => failed(asSekishoError(error)),
  });
  return { ...setup, config: { ...setup.config, logs, lists: [] } };
}

type Told = Extract<FromWorker, { kind: "committed" | "state" }>;

/** The parts that a reload replaces. `enforced`: what is enforced at present, whatever mode the configuration has. */
function assemble(
  setup: Setup,
  enforced: Mode,
  thread: IngestThread,
  clock: Clock,
  guard: GuardChannel,
  backend: DaemonBackend,
  onChange: () => void,
  lists: Lists,
  data: string,
): Parts {
  const { config } = setup;
  const enforcers = enforcersOf(config, clock, guard);
  const enforcement = new Enforcement({
    mode: enforced,
    enforcers,
    clock,
    onChange,
    nextApplies: (name) => scheduler.nextRuns(`apply-${name}`),
    trustedProxies: config.trustedProxies,
    aggregation: config.policy.aggregate,
    mayCover: (range) => backend.mayCover(range),
    cutter: cutterOf(config),
  });
  const scheduler = new Scheduler([
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
  ]);
  const former = new FormerEnforcers({ config, clock, data, onChange });
  const ineffective = new IneffectiveBans(enforcement, clock, apacheAnswersEarly);
  return { ...setup, enforcement, former, ineffective, scheduler, lists };
}

function inForce({ enforcement }: Parts, backend: DaemonBackend): InForce {
  const { mode } = backend;
  const names = enforcement.statuses().map(({ name }) => name);
  const wanted = mode === "enforce" && names.length > 0 ? backend.wantedBlocks() : [];
  const blocks = wanted.filter(({ list }) => list === undefined);
  return { mode, enforcers: names.join(", ") || "none", bans: blocks.length };
}

async function stop({ scheduler, enforcement, former, lists }: Parts): Promise<void> {
  scheduler[Symbol.dispose]();
  lists[Symbol.dispose]();
  await Promise.all([enforcement, former].map((each) => each[Symbol.asyncDispose]()));
}

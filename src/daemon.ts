/** The composition root: the only place where implementations are chosen and joined. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { DaemonBackend } from "./backend.ts";
import { crawlerVerifier } from "./crawler-checks.ts";
import { startDemo } from "./demo/sample-attack.ts";
import { GuardChannel } from "./enforce/guard/channel.ts";
import { loadLists } from "./imported-lists.ts";
import { auditReceivers, socketsOf } from "./ingest/audit-sockets.ts";
import { IngestThread } from "./ingest/thread.ts";
import type { Lists } from "./lists/lists.ts";
import type { Mode } from "./model/api.ts";
import { asSekishoError, messageOf, SekishoError, systemCode } from "./model/errors.ts";
import type { Clock } from "./model/time.ts";
import { Turns } from "./model/turns.ts";
import { senderOf, tellNotices } from "./notices.ts";
import { Notifier } from "./notify/notifier.ts";
import type { DaemonLog } from "./observe/log.ts";
import { type Core, RunningParts } from "./running-parts.ts";
import { ensureAccessToken } from "./serve/access-token.ts";
import { type Server, startServer } from "./serve/server.ts";
import { daemonFile, databaseFile, ingestSettings, PACKAGE_ROOT, type Setup } from "./setup.ts";
import { lockData } from "./store/database.ts";
import { StoreReader } from "./store/reader.ts";
import { ThreadMessages } from "./thread-messages.ts";

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
  const { demo, clock } = options;
  const { data } = options.setup.config;
  starting.use(lockData(data));
  const database = databaseFile(data, demo);
  const setup = demo ? await playDemo(options, database, starting) : options.setup;
  const lists = await loadLists(setup, clock);
  let running: RunningParts | null = null;
  const core = await startCore(options, setup, database, lists, () => running, starting);
  const parts = starting.use(new RunningParts(core, setup, lists));
  running = parts;
  const server = starting.use(await serve(options, core));
  // Last, since these are the first things that the world outside the data folder notices.
  await Promise.all([parts.start(), core.thread.reading]);
  const verifier = starting.use(crawlerVerifier(core.thread));
  const messages = new ThreadMessages(core, parts, verifier);
  core.thread.hear((message) => messages.take(message));
  parts.followLists(false);
  const whereabouts = { pid: process.pid, url: server.url, database, config: setup.file };
  tellWhereabouts(daemonFile(data), whereabouts);
  starting.defer(() => rmSync(daemonFile(data), { force: true }));
  return new RunningDaemon(core, parts, server, messages, starting.move());
}

/** All that a reload leaves as it is, but for the server. `parts`: what runs by the configuration, once it does. */
async function startCore(
  { version, demo, clock, log, failed }: DaemonOptions,
  setup: Setup,
  database: string,
  lists: Lists,
  parts: () => RunningParts | null,
  starting: AsyncDisposableStack,
): Promise<Core> {
  const { config } = setup;
  const stored: { reader: StoreReader | null } = { reader: null };
  const receivers = starting.use(auditReceivers(() => stored.reader));
  await receivers.use(socketsOf(config));
  const settings = { ...ingestSettings(setup), lists: lists.forJudges() };
  const unparsedBudget = config.store.unparsed;
  const thread = await IngestThread.start({ databaseFile: database, unparsedBudget, settings }, failed);
  starting.defer(() => thread.stop());
  const reader = starting.use(
    new StoreReader(
      database,
      clock,
      (target) => parts()?.present.enforcement.enforcedBy(target) ?? [],
      (target) => parts()?.present.ineffective.passed(target) ?? 0,
    ),
  );
  stored.reader = reader;
  starting.defer(() => {
    stored.reader = null;
  });
  const startedAt = performance.now();
  const backend = starting.use(new DaemonBackend({ version, demo, startedAt, reader, thread, receivers }));
  const notifier = starting.use(new Notifier(senderOf(config), () => backend.changed()));
  starting.use(tellNotices(log, notifier, clock, () => parts()?.present.rules ?? []));
  backend.notifier = notifier;
  const guard = starting.use(new GuardChannel({ changed: () => parts()?.noticed() }));
  return { clock, log, demo, data: config.data, receivers, thread, reader, backend, notifier, guard };
}

function serve({ setup, env, log, clock }: DaemonOptions, { data, backend }: Core): Promise<Server> {
  const { listen, allowRemote, hosts } = setup.config.dashboard;
  return startServer({
    backend,
    listen,
    allowRemote,
    // Somebody who was given this address types it; unlike a name it cannot be made to point here by another site.
    hosts: isIP(listen.host) === 0 ? hosts : [...hosts, listen.host],
    token: ensureAccessToken(data, env.SEKISHO_TOKEN),
    webRoot: join(PACKAGE_ROOT, "dist/web"),
    clock,
    logger: log.warnings,
  });
}

class RunningDaemon implements Daemon {
  readonly #core: Core;
  readonly #parts: RunningParts;
  readonly #server: Server;
  readonly #messages: ThreadMessages;
  readonly #lifetimes: AsyncDisposableStack;
  /** A second reload, or the end, must find what the first does at rest. */
  readonly #turns = new Turns();

  constructor(
    core: Core,
    parts: RunningParts,
    server: Server,
    messages: ThreadMessages,
    lifetimes: AsyncDisposableStack,
  ) {
    this.#core = core;
    this.#parts = parts;
    this.#server = server;
    this.#messages = messages;
    this.#lifetimes = lifetimes;
  }

  get url(): string {
    return this.#server.url;
  }

  mode(): Mode {
    return this.#core.backend.mode;
  }

  isAlive(): boolean {
    return !this.#messages.isSilent;
  }

  link(): string {
    return this.#server.link();
  }

  reload(setup: Setup): Promise<readonly string[]> {
    return this.#turns.take(() => this.#parts.reload(setup));
  }

  refused({ code, message, hint }: SekishoError): void {
    const { backend } = this.#core;
    backend.reloadProblem = { code, message: `the configuration was not reloaded: ${message}`, hint };
    backend.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#turns.take(() => this.#lifetimes.disposeAsync());
  }
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

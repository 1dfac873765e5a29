import { existsSync } from "node:fs";
import type { Command } from "commander";
import { type LoadedConfig, loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { Enforcement } from "../enforce/enforcement.ts";
import { GuardChannel } from "../enforce/guard/channel.ts";
import { enforcersOf, liftFormer } from "../enforcers.ts";
import type { EnforcerStatus, PanicAnswer } from "../model/api.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import { databaseFile } from "../setup.ts";
import { lockData } from "../store/database.ts";
import { StoreWriter } from "../store/writer.ts";
import { connectToDaemon, type DaemonClient } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { count, printable } from "./output.ts";

interface PanicOptions {
  readonly end?: boolean;
  readonly config?: string;
}

/** A reload of a large Apache takes its time, and so do a hundred thousand bans. */
const PATIENCE_MS = 120_000;

export const panicCommand = (context: CliContext): Command =>
  subcommand("panic", {
    summary: "Lift every ban at once, and block nobody until --end.",
    description:
      "For when Sekisho locks people out and there is no time to find out why. All bans end, by whomever they were made; every " +
      "enforcer takes its blocks away, with a reload of Apache where one is needed; no rule bans any more. Logs are read and " +
      "findings recorded as before. It holds over restarts. Without a running daemon it lifts what an earlier one left.",
    examples: [
      ["sekisho panic", "let everybody in, now"],
      ["sekisho panic --end", "go back to the configured mode; what was lifted stays lifted"],
    ],
    exits: [
      [0, "nothing is blocked any more; with --end: the panic has ended"],
      [1, "with --end: there was none"],
      [2, "wrong usage or configuration"],
      [
        3,
        "an enforcer still blocks, the database could not be written, or there is none: the message says which",
      ],
    ],
  })
    .option("--end", "let rules ban and enforcers block again")
    .option(...CONFIG_OPTION)
    .action(async ({ end, config }: PanicOptions) => {
      await (end === true ? endPanic : panic)(context, config);
    });

async function panic(context: CliContext, file: string | undefined): Promise<void> {
  const daemon = runningDaemon(context, file);
  const answer =
    (await daemon?.request("POST", "/api/panic", {}, PATIENCE_MS).catch(unlessGone)) ??
    (await liftWithoutDaemon(context, file));
  const { lifted, enforcers } = answer as PanicAnswer;
  context.stdout(`lifted ${count(lifted, "ban")}; nobody is banned or blocked until: sekisho panic --end\n`);
  const failed = stillBlocking(enforcers);
  for (const { name, state } of enforcers)
    if (state !== "failed") context.stdout(`${printable(name)}: blocks nobody\n`);
  if (failed.length > 0) throw incomplete(failed);
}

async function endPanic(context: CliContext, file: string | undefined): Promise<void> {
  const daemon = runningDaemon(context, file);
  const isGone = daemon === null || (await daemon.request("DELETE", "/api/panic").catch(unlessGone)) === GONE;
  if (isGone) endWithoutDaemon(context, file);
  context.stdout("the panic has ended; what it lifted stays lifted\n");
}

const GONE = undefined;

/** Null when there is none to ask. */
function runningDaemon(context: CliContext, file: string | undefined): DaemonClient | null {
  try {
    return connectToDaemon(context, file);
  } catch (error) {
    unlessGone(error);
    return null;
  }
}

function unlessGone(error: unknown): typeof GONE {
  if (error instanceof SekishoError && error.code === "DAEMON_NOT_RUNNING") return GONE;
  throw error;
}

/** The enforcers first: they are what keeps people out, whatever is wrong with the database. */
async function liftWithoutDaemon(context: CliContext, file: string | undefined): Promise<PanicAnswer> {
  const { config, file: found } = configOf(context, file);
  if (found === null && !existsSync(databaseFile(config.data))) throw neverRan(config.data);
  using _ = lockData(config.data);
  // Apps that connect while this runs are told that nobody is banned.
  await using guard = new GuardChannel();
  await using enforcement = new Enforcement({
    mode: "observe",
    enforcers: enforcersOf(config, context.clock, guard),
    clock: context.clock,
    onChange() {},
  });
  await enforcement.start([]);
  await liftFormer(config, context.clock);
  const enforcers = enforcement.statuses();
  const since = context.clock.now();
  try {
    const lifted = inStore(config, context, (store) => {
      store.halts.begin({ name: "panic", since, reason: "sekisho panic", from: since });
      return store.liftBans("all").length;
    });
    return { lifted: lifted ?? 0, enforcers };
  } catch (error) {
    const failed = stillBlocking(enforcers);
    throw failed.length === 0 ? error : incomplete(failed, messageOf(error));
  }
}

function endWithoutDaemon(context: CliContext, file: string | undefined): void {
  const { config } = configOf(context, file);
  using _ = lockData(config.data);
  if (inStore(config, context, (store) => store.halts.end("panic")) === true) return;
  throw new SekishoError("NOT_HALTED", "there is no panic to end", "sekisho run starts the daemon");
}

/** Null when there is no database, so nobody was ever banned. */
function inStore<T>(config: Config, { clock }: CliContext, work: (store: StoreWriter) => T): T | null {
  const file = databaseFile(config.data);
  if (!existsSync(file)) return null;
  try {
    using store = new StoreWriter(file, config.store.unparsed, clock);
    return work(store);
  } catch (cause) {
    throw new SekishoError(
      "PANIC_INCOMPLETE",
      `the database could not be told: ${messageOf(cause)}`,
      "do not start the daemon in enforce mode before this command succeeds, or start it with --mode observe",
      { cause },
    );
  }
}

/** A mistake in a log format must not keep anybody from lifting bans. */
const configOf = ({ cwd }: CliContext, file: string | undefined): LoadedConfig =>
  loadConfig({ file, cwd, checkFormat: () => {} });

/** Who asks from another folder than the daemon's must not read that nobody is blocked. */
const neverRan = (data: string): SekishoError =>
  new SekishoError(
    "DAEMON_NOT_RUNNING",
    `nothing was lifted: there is no configuration here, and no daemon ever ran with ${data}`,
    "name the daemon's configuration: sekisho panic --config FILE",
  );

const stillBlocking = (enforcers: readonly EnforcerStatus[]): EnforcerStatus[] =>
  enforcers.filter(({ state }) => state === "failed");

const incomplete = (failed: readonly EnforcerStatus[], ...more: readonly string[]): SekishoError =>
  new SekishoError(
    "PANIC_INCOMPLETE",
    [...failed.map(({ name, error }) => `${name} may still block: ${error}`), ...more].join("\n"),
    failed.find(({ hint }) => hint !== null)?.hint ?? "remove what is in the way and run sekisho panic again",
  );

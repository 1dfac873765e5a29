import { type Daemon, startDaemon } from "../daemon.ts";
import { DEMO_ORIGINS } from "../demo/sample-attack.ts";
import type { Mode } from "../model/api.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { DaemonLog } from "../observe/log.ts";
import { ServiceManager } from "../observe/service-manager.ts";
import { loadSetup, type Setup } from "../setup.ts";
import { calledAs } from "./called.ts";
import type { CliContext } from "./context.ts";
import { greeting } from "./greeting.ts";

export interface RunOptions {
  readonly config?: string;
  readonly mode?: Mode;
  readonly demo?: boolean;
}

/** A second Ctrl-C within this time is the same one, passed on by npm as well as by the terminal. */
const SAME_SIGNAL_MS = 1_000;

/** Runs the daemon until a signal or a fault ends it. */
export async function run(context: CliContext, options: RunOptions): Promise<void> {
  const { clock, version, env } = context;
  const loaded = loadSetup({ file: options.config, mode: options.mode, cwd: context.cwd });
  const demo = options.demo === true || (loaded.file === null && loaded.config.logs.length === 0);
  const log = new DaemonLog(context.stderr, context.isTTY);
  const stopping = new AbortController();
  let failure: SekishoError | null = null;
  const failed = (error: SekishoError): void => {
    failure ??= error;
    stopping.abort();
  };
  const setup = demo ? demoSetup(loaded, options.mode) : loaded;
  stopOnSignals(stopping);
  using _faults = stopOnFault(failed);
  {
    await using daemon = await startDaemon({
      setup,
      version,
      demo,
      log,
      clock,
      env,
      failed,
    });
    const doing = (): string => `watching in ${daemon.mode()} mode`;
    using manager = new ServiceManager(env, () => daemon.isAlive(), doing);
    using _reload = reloadOnHangup(context, options, demo, daemon, log, () => manager.ready());
    context.stdout(greeting(setup, daemon, demo, options.demo === true, calledAs(context), env));
    log.say("info", "daemon.started", doing(), { url: daemon.url, mode: daemon.mode() });
    manager.ready();
    await new Promise<void>((resolve) => {
      if (stopping.signal.aborted) resolve();
      stopping.signal.addEventListener("abort", () => resolve());
    });
    manager.stopping();
    log.say("info", "daemon.stopping", "stopping");
  }
  if (failure !== null) throw failure;
  context.stdout("Stopped. Bans that are in force stay in force.\n");
  // At once: while Node takes itself down it hears no signals, and the one that npm passes on late would kill it.
  process.exit(0);
}

/** An enforcer that blocks nothing, so that the whole path can be seen; the daemon brings the logs. */
function demoSetup(setup: Setup, mode: Mode | undefined): Setup {
  const config = { ...setup.config, logs: [], origins: [...DEMO_ORIGINS], enforcers: { "dry-run": {} } };
  return { ...setup, config, mode: mode ?? "enforce" };
}

/** Never taken back, since the second signal may come when all has stopped. */
function stopOnSignals(stopping: AbortController): void {
  let stoppedAt: number | null = null;
  const stop = (): void => {
    const now = performance.now();
    if (stoppedAt !== null && now - stoppedAt > SAME_SIGNAL_MS) process.exit(130);
    stoppedAt ??= now;
    stopping.abort();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  // Its reload may come before there is anything to reload, or when all is being stopped: by default it would kill.
  process.on("SIGHUP", () => {});
}

/** What nobody caught ends in an orderly stop too: enforcers at rest, the data folder free, the error told. */
function stopOnFault(failed: (error: SekishoError) => void): Disposable {
  const onFault = (error: unknown): void => failed(asSekishoError(error));
  process.on("uncaughtException", onFault);
  return { [Symbol.dispose]: () => void process.off("uncaughtException", onFault) };
}

function reloadOnHangup(
  context: CliContext,
  options: RunOptions,
  demo: boolean,
  daemon: Daemon,
  log: DaemonLog,
  reloaded: () => void,
): Disposable {
  const reload = async (): Promise<void> => {
    try {
      if (demo)
        throw new SekishoError(
          "USAGE",
          "the demo has no configuration to reload",
          "stop it and start without --demo",
        );
      const needRestart = await daemon.reload(
        loadSetup({ file: options.config, mode: options.mode, cwd: context.cwd }),
      );
      const rest = needRestart.length === 0 ? "" : `; restart for ${needRestart.join(", ")}`;
      log.say("info", "configuration.reloaded", `configuration and rules reloaded${rest}`);
      reloaded();
    } catch (thrown) {
      const error = asSekishoError(thrown);
      daemon.refused(error);
      log.say("error", "configuration.refused", `not reloaded: ${error.message} (hint: ${error.hint})`);
    }
  };
  const onHangup = (): void => void reload();
  process.on("SIGHUP", onHangup);
  return { [Symbol.dispose]: () => void process.off("SIGHUP", onHangup) };
}

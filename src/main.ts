import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { CliContext } from "./cli/context.ts";
import { runCli } from "./cli/program.ts";
import { reportError } from "./cli/report-error.ts";
import { SekishoError } from "./model/errors.ts";
import { unixMs } from "./model/time.ts";

/** In the order of the help. Each is loaded when it is asked for: loading all takes longer than most of them run. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./cli/run.ts")).runCommand(context),
  check: loadCheck,
  init: async () => (await import("./cli/init.ts")).initCommand(context),
  replay: async () => (await import("./cli/replay.ts")).replayCommand(context),
  explain: async () => (await import("./cli/explain.ts")).explainCommand(context),
  rules: async () => (await import("./cli/rules.ts")).rulesCommand(context),
  status: async () => (await import("./cli/status.ts")).statusCommand(context),
  ban: async () => (await import("./cli/ban.ts")).banCommand(context),
  unban: async () => (await import("./cli/unban.ts")).unbanCommand(context),
  bans: async () => (await import("./cli/bans.ts")).bansCommand(context),
  export: async () => (await import("./cli/export.ts")).exportCommand(context),
  lists: async () => (await import("./cli/lists.ts")).listsCommand(context),
  sockets: async () => (await import("./cli/sockets.ts")).socketsCommand(context),
  allow: async () => (await import("./cli/allow.ts")).allowCommand(context),
  breaker: async () => (await import("./cli/breaker.ts")).breakerCommand(context),
  expire: async () => (await import("./cli/expire.ts")).expireCommand(context),
  panic: async () => (await import("./cli/panic.ts")).panicCommand(context),
  install: async () => (await import("./cli/install.ts")).installCommand(context),
  uninstall: async () => (await import("./cli/install.ts")).uninstallCommand(context),
  notify: async () => (await import("./cli/notify.ts")).notifyCommand(context),
  backup: async () => (await import("./cli/backup.ts")).backupCommand(context),
  apache: loadApache,
};

/** Not in the help: units of systemd call them. */
const OF_UNITS: typeof COMMANDS = {
  "as-root": async () => (await import("./cli/as-root.ts")).asRootCommand(context),
};

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
  version: string;
};

const context: CliContext = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTTY: process.stdout.isTTY === true,
  cwd: process.cwd(),
  env: process.env,
  version,
  clock: { now: () => unixMs(Date.now()) },
  exitStatus: 0,
};

const argv = process.argv.slice(2);
const [name = ""] = argv;

/** A daemon goes on where nobody can take what it says: its log is on a full disk, or who read it has gone. */
const isDaemon = name === "run";
// Nobody is left to tell.
process.stderr.on("error", () => {});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (isDaemon) return;
  // `sekisho replay … | head` closes the pipe early, which is no fault.
  if (error.code === "EPIPE") process.exit(0);
  if (error.code !== "ENOSPC") throw error;
  const hint = "make room there; what was written is not whole";
  process.exit(reportError(context, new SekishoError("DISK_FULL", "the disk of the output is full", hint)));
});

// The help, and the guess at what a mistyped command was, need all.
const called = [COMMANDS, OF_UNITS].find((commands) => Object.hasOwn(commands, name));
const loading = called === undefined ? Object.values(COMMANDS) : [called[name]!];
process.exitCode = await runCli(argv, context, await Promise.all(loading.map((load) => load())));

async function loadCheck(): Promise<Command> {
  const { checkCommand } = await import("./cli/check.ts");
  const { asSekishoError } = await import("./model/errors.ts");
  const { detectFormat } = await import("./parse/formats.ts");
  const { checkFormat, PACKAGE_ROOT, readRuleSet } = await import("./setup.ts");
  return checkCommand(context, {
    checkFormat,
    checkRules: readRuleSet,
    shippedRules: join(PACKAGE_ROOT, "rules"),
    detectFormat,
    probeEnforcers: async (config) => {
      const { enforcersOf } = await import("./enforcers.ts");
      const { behindProxy } = await import("./enforce/behind-proxy.ts");
      return Promise.all(
        enforcersOf(config, context.clock).map(async (enforcer) => ({
          name: enforcer.name,
          error:
            behindProxy(enforcer, config.trustedProxies) ??
            (await enforcer.probe(AbortSignal.timeout(30_000)).then(() => null, asSekishoError)),
        })),
      );
    },
    checkApache: async (config, main) => (await import("./cli/check-apache.ts")).checkApache(config, main),
    checkLists: async (config) =>
      config.lists.length === 0
        ? []
        : (await import("./imported-lists.ts")).checkLists(config, context.clock),
    probeCut: async (config) => {
      const { cutterOf } = await import("./enforcers.ts");
      const cutter = config.mode === "enforce" ? cutterOf(config) : null;
      return cutter?.probe(AbortSignal.timeout(30_000)).then(() => null, asSekishoError) ?? null;
    },
  });
}

async function loadApache(): Promise<Command> {
  const { apacheCommand } = await import("./cli/apache.ts");
  const { SEKISHO_LOG_FORMAT, SEKISHO_TLS_LOG_FORMAT } = await import("./parse/named-formats.ts");
  const { OPENING_MESSAGE } = await import("./parse/opening.ts");
  return apacheCommand(context, {
    logFormat: SEKISHO_LOG_FORMAT,
    tlsLogFormat: SEKISHO_TLS_LOG_FORMAT,
    openingMessage: OPENING_MESSAGE,
  });
}

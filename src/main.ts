import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allowCommand } from "./cli/allow.ts";
import { apacheCommand } from "./cli/apache.ts";
import { backupCommand } from "./cli/backup.ts";
import { banCommand } from "./cli/ban.ts";
import { bansCommand } from "./cli/bans.ts";
import { checkCommand } from "./cli/check.ts";
import type { CliContext } from "./cli/context.ts";
import { explainCommand } from "./cli/explain.ts";
import { initCommand } from "./cli/init.ts";
import { runCli } from "./cli/program.ts";
import { replayCommand } from "./cli/replay.ts";
import { runCommand } from "./cli/run.ts";
import { socketsCommand } from "./cli/sockets.ts";
import { statusCommand } from "./cli/status.ts";
import { unbanCommand } from "./cli/unban.ts";
import { asSekishoError } from "./model/errors.ts";
import { unixMs } from "./model/time.ts";
import { detectFormat } from "./parse/formats.ts";
import { SEKISHO_LOG_FORMAT } from "./parse/named-formats.ts";
import { OPENING_MESSAGE } from "./parse/opening.ts";
import { checkFormat, PACKAGE_ROOT, readRules } from "./setup.ts";

const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
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

// `sekisho replay … | head` closes the pipe early, which is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runCli(process.argv.slice(2), context, [
  runCommand(context),
  checkCommand(context, {
    checkFormat,
    checkRules: (folder, origins) => readRules(folder, origins).map(({ id }) => id),
    shippedRules: join(PACKAGE_ROOT, "rules"),
    detectFormat,
    probeEnforcers: async (config) => {
      const { enforcersOf } = await import("./daemon.ts");
      return Promise.all(
        enforcersOf(config, context.clock).map(async (enforcer) => ({
          name: enforcer.name,
          error: await enforcer.probe(AbortSignal.timeout(30_000)).then(() => null, asSekishoError),
        })),
      );
    },
  }),
  initCommand(context),
  replayCommand(context),
  explainCommand(context),
  statusCommand(context),
  banCommand(context),
  unbanCommand(context),
  bansCommand(context),
  socketsCommand(context),
  allowCommand(context),
  backupCommand(context),
  apacheCommand(context, { logFormat: SEKISHO_LOG_FORMAT, openingMessage: OPENING_MESSAGE }),
]);

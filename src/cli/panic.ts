import type { Command } from "commander";
import type { PanicAnswer } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon, type DaemonClient, LONG_PATIENCE_MS } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { count } from "./output.ts";
import { incomplete, stillBlocking } from "./still-blocking.ts";

interface PanicOptions {
  readonly end?: boolean;
  readonly config?: string;
}

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
  const daemon = await runningDaemon(context, file);
  const answer =
    (await daemon?.request("POST", "/api/panic", {}, LONG_PATIENCE_MS).catch(unlessGone)) ??
    (await (await import("./panic-without-daemon.ts")).liftWithoutDaemon(context, file));
  const { lifted, enforcers } = answer as PanicAnswer;
  context.stdout(`lifted ${count(lifted, "ban")}; nobody is banned or blocked until: sekisho panic --end\n`);
  const failed = stillBlocking(enforcers);
  for (const { name, state } of enforcers)
    if (state !== "failed") context.stdout(`${printable(name)}: blocks nobody\n`);
  if (failed.length > 0) throw incomplete(failed);
}

async function endPanic(context: CliContext, file: string | undefined): Promise<void> {
  const daemon = await runningDaemon(context, file);
  const isGone = daemon === null || (await daemon.request("DELETE", "/api/panic").catch(unlessGone)) === GONE;
  if (isGone) (await import("./panic-without-daemon.ts")).endWithoutDaemon(context, file);
  context.stdout("the panic has ended; what it lifted stays lifted\n");
}

const GONE = undefined;

/** Null when there is none to ask. */
async function runningDaemon(context: CliContext, file: string | undefined): Promise<DaemonClient | null> {
  try {
    return await connectToDaemon(context, file);
  } catch (error) {
    unlessGone(error);
    return null;
  }
}

function unlessGone(error: unknown): typeof GONE {
  if (error instanceof SekishoError && error.code === "DAEMON_NOT_RUNNING") return GONE;
  throw error;
}

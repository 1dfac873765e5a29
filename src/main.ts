import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsFor } from "./cli/commands.ts";
import type { CliContext } from "./cli/context.ts";
import { runCli } from "./cli/program.ts";
import { reportError } from "./cli/report-error.ts";
import { SekishoError } from "./model/errors.ts";
import { unixMs } from "./model/time.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8")) as {
  version: string;
};

const context: CliContext = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTTY: process.stdout.isTTY === true,
  // A terminal that does not tell, as one over a serial line, has 0.
  columns: process.stdout.columns || null,
  cwd: process.cwd(),
  env: process.env,
  version,
  clock: { now: () => unixMs(Date.now()) },
  exitStatus: 0,
};

const argv = process.argv.slice(2);

/** A daemon goes on where nobody can take what it says: its log is on a full disk, or who read it has gone. */
const isDaemon = argv[0] === "run";
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

process.exitCode = await runCli(argv, context, await commandsFor(argv, context));

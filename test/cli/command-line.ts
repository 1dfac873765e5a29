import type { Command } from "commander";
import type { CliContext } from "../../src/cli/context.ts";
import { runCli } from "../../src/cli/program.ts";
import { unixMs } from "../../src/model/time.ts";
// What most commands load when they are called: here before the time of the first test counts.
import "../../src/config/load.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly now?: string;
}

/** Runs one command line in this process, with everything that it writes kept. */
export async function commandLine(
  argv: readonly string[],
  commands: (context: CliContext) => readonly Command[] | Promise<readonly Command[]>,
  { cwd = "/", env = {}, isTTY = false, columns, now = "2026-11-20T12:00:00Z" }: World = {},
): Promise<Outcome> {
  const written = { stdout: "", stderr: "" };
  const context: CliContext = {
    stdout: (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
    },
    isTTY,
    columns: columns ?? null,
    cwd,
    env,
    version: "1.2.3",
    clock: { now: () => unixMs(Date.parse(now)) },
    exitStatus: 0,
  };
  return { status: await runCli(argv, context, await commands(context)), ...written };
}

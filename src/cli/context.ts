import { Command } from "commander";
import type { Clock } from "../model/time.ts";
import { wrapped } from "./prose.ts";

/** What a command is given of the world outside. `main.ts` passes the real one, tests their own. */
export interface CliContext {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Standard output is a terminal: colours are allowed. */
  readonly isTTY: boolean;
  /** The terminal's width; null where standard output is none, and nothing is cut. */
  readonly columns: number | null;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  readonly clock: Clock;
  /** What the process exits with when the command ends without an error; a command sets 1 for "the answer is no". */
  exitStatus: number;
}

/** How a subcommand presents itself. Its help teaches by these. */
export interface About {
  readonly summary: string;
  /** More sentences, shown in the command's own help only. */
  readonly description?: string;
  /** A whole command line, and what it is for. */
  readonly examples: readonly (readonly [command: string, meaning: string])[];
  /** Every exit status that it can end with, but for 70 (a fault of ours). */
  readonly exits: readonly (readonly [status: 0 | 1 | 2 | 3, meaning: string])[];
}

/** A subcommand whose help ends with examples and exit statuses. */
export function subcommand(name: string, about: About): Command {
  const examples = about.examples.flatMap(([command, meaning]) => [
    `  ${command}`,
    ...wrapped("      ", meaning, 6),
  ]);
  const exits = [...about.exits, [70, "a fault of Sekisho's"] as const];
  const statuses = exits.flatMap(([status, meaning]) =>
    wrapped(`  ${String(status).padStart(2)}  `, meaning, 6),
  );
  return new Command(name)
    .summary(about.summary)
    .description(about.description === undefined ? about.summary : `${about.summary}\n\n${about.description}`)
    .helpOption("-h, --help", "show this help")
    .addHelpText("after", `\nExamples:\n${examples.join("\n")}\n\nExit status:\n${statuses.join("\n")}`);
}

/** An exit that every command which asks the daemon has. */
export const NO_DAEMON = [3, "the daemon does not run, or does not let this user in"] as const;

/** The option that every command with a configuration takes. */
export const CONFIG_OPTION = [
  "-c, --config <file>",
  "configuration (default: ./sekisho.yaml, then /etc/sekisho/sekisho.yaml)",
] as const;

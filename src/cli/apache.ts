import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { configSchema } from "../config/schema.ts";
import { apacheSnippet, type SnippetOptions } from "../enforce/apache/snippet.ts";
import { generationsCommand, resumeCommand, rollbackCommand } from "./apache-generations.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

/** What Sekisho asks Apache to log, as the parsers know it. */
type Logged = Pick<SnippetOptions, "logFormat" | "tlsLogFormat" | "openingMessage">;

export function apacheCommand(context: CliContext, logged: Logged): Command {
  const snippet = subcommand("snippet", {
    summary: "Print the lines that an administrator adds to Apache.",
    description:
      "Prints for the enforcers of the configuration; where it names none of Apache's, for both with their defaults.",
    examples: [
      [
        "sekisho apache snippet | sudo tee /etc/apache2/conf-available/sekisho.conf",
        "on Debian; then: sudo a2enmod log_debug && sudo a2enconf sekisho && sudo apache2ctl configtest && sudo apache2ctl graceful",
      ],
      [
        "sekisho apache snippet | sudo tee /etc/httpd/conf.d/sekisho.conf",
        "on RHEL; then load mod_log_debug (docs/apache.md), and: sudo apachectl configtest && sudo apachectl graceful",
      ],
    ],
    exits: [
      [0, "printed"],
      [2, "wrong usage or configuration"],
      [3, "the configuration cannot be read"],
    ],
  })
    .option(...CONFIG_OPTION)
    .action((options: { readonly config?: string }) => {
      context.stdout(snippetFor(context, options.config, logged));
    });
  return subcommand("apache", {
    summary: "What Apache needs to know of Sekisho, and the lists that it ran with.",
    examples: [
      ["sekisho apache snippet", "the lines that an administrator adds to Apache"],
      ["sekisho apache generations", "the lists that Apache ran with"],
    ],
    exits: [
      [0, "fine"],
      [1, "the answer is no: each subcommand says which"],
      [2, "wrong usage or configuration"],
      [3, "the configuration cannot be read, or the daemon does not run"],
    ],
  })
    .addCommand(snippet)
    .addCommand(generationsCommand(context))
    .addCommand(rollbackCommand(context))
    .addCommand(resumeCommand(context));
}

function snippetFor(context: CliContext, file: string | undefined, logged: Logged): string {
  const { config } = loadConfig({ file, cwd: context.cwd, checkFormat: () => {} });
  const { "apache-directory": directory, "apache-include": include } = config.enforcers;
  if (directory !== undefined || include !== undefined) {
    return apacheSnippet({
      directory: directory?.directory ?? null,
      includeFile: include?.file ?? null,
      ...logged,
    });
  }
  const usual = configSchema.parse({ enforcers: { "apache-directory": {}, "apache-include": {} } }).enforcers;
  return apacheSnippet({
    directory: usual["apache-directory"]!.directory,
    includeFile: usual["apache-include"]!.file,
    ...logged,
  });
}

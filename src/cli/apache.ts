import type { Command } from "commander";
import { generationsCommand, resumeCommand, rollbackCommand } from "./apache-generations.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

export function apacheCommand(context: CliContext): Command {
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
    .action(async ({ config }: { readonly config?: string }) => {
      const { snippetFor } = await import("./apache-snippet.ts");
      context.stdout(snippetFor(context, config));
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

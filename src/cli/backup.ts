import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { SekishoError } from "../model/errors.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { size } from "./output.ts";
import { whereabouts } from "./whereabouts.ts";

export const backupCommand = (context: CliContext): Command =>
  subcommand("backup", {
    summary: "Copy the database to a file, also while the daemon runs.",
    description:
      "The copy shows one moment, is checked, and is one file that only you can read. To restore it, stop Sekisho, " +
      "put it in the place of DATA/sekisho.sqlite, give it to the user that Sekisho runs as, and start Sekisho.",
    examples: [
      ["sekisho backup /var/backups/sekisho-$(date +%F).sqlite", "a backup for each day"],
      ["sekisho backup -c /etc/sekisho/sekisho.yaml ./copy.sqlite", "of the daemon with this configuration"],
    ],
    exits: [
      [0, "the backup is written and sound"],
      [2, "wrong usage or configuration"],
      [3, "there is no database, the file exists, or it cannot be written"],
    ],
  })
    .argument("<file>", "where the copy goes; it must not exist")
    .option(...CONFIG_OPTION)
    .action(async (file: string, options: { readonly config?: string }) => {
      if (file === "-")
        throw new SekishoError(
          "USAGE",
          "a backup goes to a file, not to standard output: it is checked before it gets its name",
          "name a file that does not exist, as in: sekisho backup ./sekisho-copy.sqlite",
        );
      const { data } = await whereabouts(context, options.config);
      const destination = resolve(context.cwd, file);
      const { databaseFile } = await import("../setup.ts");
      const { backUp } = await import("./database-copy.ts");
      await backUp(databaseFile(data), destination);
      context.stdout(`backed up to ${destination} (${size(statSync(destination).size)})\n`);
    });

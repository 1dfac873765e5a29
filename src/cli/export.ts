import { type Command, Option } from "commander";
import { EXPORT_FORMATS, type ExportFormat } from "../model/export.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

interface ExportOptions {
  readonly format: ExportFormat;
  readonly config?: string;
}

export const exportCommand = (context: CliContext): Command =>
  subcommand("export", {
    summary: "Print the active bans for other programs.",
    description:
      "In observe mode too: what was decided is exported, whether or not it is enforced here. Who is spared is left out, " +
      "and so are imported lists, which their publishers have.",
    examples: [
      ["sekisho export", "one address or range a line"],
      ["sekisho export --format nft | ssh gateway nft -f -", "sets for another machine's nftables"],
      ["sekisho export --format stix > bans.json", "for a threat intelligence platform"],
    ],
    exits: [
      [0, "printed"],
      [2, "wrong usage or configuration"],
      [3, "the daemon does not run, does not let this user in, or broke off"],
    ],
  })
    .addOption(
      new Option("-f, --format <format>", "what the other program reads")
        .choices(EXPORT_FORMATS)
        .default("plain"),
    )
    .option(...CONFIG_OPTION)
    .action(async ({ format, config }: ExportOptions) => {
      const daemon = await connectToDaemon(context, config);
      await daemon.stream(`/api/export?format=${format}`, context.stdout);
    });

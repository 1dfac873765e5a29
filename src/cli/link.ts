import type { Command } from "commander";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { linkLines } from "./dashboard-link.ts";

export const linkCommand = (context: CliContext): Command =>
  subcommand("link", {
    summary: "Print a new link that signs in to the dashboard.",
    description:
      "The link signs one browser in, once, within ten minutes. It has the name of " +
      "dashboard.hosts where there is one. Else, over ssh, it also says how the dashboard, which listens on this host alone, comes to " +
      "your own computer.",
    examples: [["sudo sekisho link", "a link to the dashboard of the service"]],
    exits: [[0, "the link was printed"], NO_DAEMON],
  })
    .option(...CONFIG_OPTION)
    .action(async (options: { readonly config?: string }) => {
      const daemon = await connectToDaemon(context, options.config);
      const { link, elsewhere } = (await daemon.request("POST", "/api/session/link")) as {
        readonly link: string;
        readonly elsewhere: string | null;
      };
      const lines = [...linkLines(elsewhere ?? link, context.env)];
      if (elsewhere !== null)
        lines.push(`  Where that name does not answer, in a browser on this host: ${link}`);
      context.stdout(`${lines.join("\n")}\n`);
    });

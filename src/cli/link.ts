import type { Command } from "commander";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { tunnelTo } from "./ssh-client.ts";

export const linkCommand = (context: CliContext): Command =>
  subcommand("link", {
    summary: "Print a new link that signs in to the dashboard.",
    description:
      "The link signs one browser in, once, within ten minutes. Over ssh it also says how the dashboard, which listens on " +
      "this host alone, comes to your own computer.",
    examples: [["sudo sekisho link", "a link to the dashboard of the service"]],
    exits: [[0, "the link was printed"], NO_DAEMON],
  })
    .option(...CONFIG_OPTION)
    .action(async (options: { readonly config?: string }) => {
      const daemon = await connectToDaemon(context, options.config);
      const { link } = (await daemon.request("POST", "/api/session/link")) as { readonly link: string };
      context.stdout(`${linkLines(link, context.env).join("\n")}\n`);
    });

/** Where the dashboard is, and how a browser comes in. */
export function linkLines(link: string, env: CliContext["env"]): readonly string[] {
  const tunnel = tunnelTo(link, env);
  return [
    `Dashboard: ${link}`,
    "  The link signs in once, within ten minutes.",
    ...(tunnel === null ? [] : [`  It is for a browser on this host. On your own computer first: ${tunnel}`]),
  ];
}

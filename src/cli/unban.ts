import type { Command } from "commander";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { readTarget } from "./target.ts";

export const unbanCommand = (context: CliContext): Command =>
  subcommand("unban", {
    summary: "Lift the ban of an address or range.",
    description:
      "Lifts the ban of exactly this target. Write it as `sekisho bans` and the dashboard show it. " +
      "Rules leave it alone for a while (policy.grace); `sekisho allow` keeps it from ever being banned.",
    examples: [
      ["sekisho unban 192.0.2.7", "lets the address in again, at once"],
      ["sekisho unban 2001:db8::/64", "lifts the ban of an IPv6 client"],
      ["sekisho panic && sekisho panic --end", "lifts all bans, and goes on"],
    ],
    exits: [
      [0, "the ban is lifted"],
      [1, "the target was not banned"],
      [2, "the target or the configuration cannot be read"],
      NO_DAEMON,
    ],
  })
    .argument("<target>", "address or CIDR range")
    .option(...CONFIG_OPTION)
    .action(async (text: string, options: { readonly config?: string }) => {
      const target = readTarget(text);
      const daemon = await connectToDaemon(context, options.config);
      await daemon.request("DELETE", `/api/bans/${encodeURIComponent(target)}`);
      context.stdout(`unbanned ${target}\n`);
    });

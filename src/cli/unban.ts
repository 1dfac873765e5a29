import type { Command } from "commander";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { readTarget } from "./target.ts";
import { withEach } from "./with-each.ts";

export const unbanCommand = (context: CliContext): Command =>
  subcommand("unban", {
    summary: "Lift the bans of addresses or ranges.",
    description:
      "Lifts the ban of exactly each target. Write it as `sekisho bans` and the dashboard show it. " +
      "Rules leave it alone for a while (policy.grace); `sekisho allow` keeps it from ever being banned.",
    examples: [
      ["sekisho unban 192.0.2.7", "lets the address in again, at once"],
      ["sekisho unban 2001:db8::/64", "lifts the ban of an IPv6 client"],
      [
        "sekisho unban $(sekisho bans --json | jq -r '.items[] | select(.rule == \"cms-scan\").target')",
        "lifts what one rule has banned",
      ],
      ["sekisho panic && sekisho panic --end", "lifts all bans, and goes on"],
    ],
    exits: [
      [0, "the bans are lifted"],
      [1, "a target was not banned; the others are lifted"],
      [2, "a target or the configuration cannot be read"],
      NO_DAEMON,
    ],
  })
    .argument("<target...>", "addresses or CIDR ranges")
    .option(...CONFIG_OPTION)
    .action(async (texts: readonly string[], options: { readonly config?: string }) => {
      const targets = texts.map(readTarget);
      const daemon = await connectToDaemon(context, options.config);
      await withEach(context, targets, async (target) => {
        await daemon.request("DELETE", `/api/bans/${encodeURIComponent(target)}`);
        context.stdout(`unbanned ${target}\n`);
      });
    });

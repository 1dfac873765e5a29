import type { Command } from "commander";
import { SekishoError } from "../model/errors.ts";
import type { Target } from "../model/ip.ts";
import { connectToDaemon, type DaemonClient } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { reportError } from "./report-error.ts";
import { readTarget } from "./target.ts";

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
      for (const target of targets) await unban(context, daemon, target);
    });

/** One that is not banned keeps none of the others banned. */
async function unban(context: CliContext, daemon: DaemonClient, target: Target): Promise<void> {
  try {
    await daemon.request("DELETE", `/api/bans/${encodeURIComponent(target)}`);
  } catch (error) {
    if (!(error instanceof SekishoError && error.code === "TARGET_NOT_BANNED")) throw error;
    context.exitStatus = reportError(context, error);
    return;
  }
  context.stdout(`unbanned ${target}\n`);
}

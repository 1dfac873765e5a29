import type { Command } from "commander";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

export const expireCommand = (context: CliContext): Command =>
  subcommand("expire", {
    summary: "Lift blocks whose time has passed, where no daemon does.",
    description:
      "While the daemon runs it lifts each block to the second, and this does nothing. Where it does not run, blocks stay: those in " +
      "nftables end by themselves, the others by this command, which systemd's sekisho-expire.timer calls. It adds no block.",
    examples: [["sudo sekisho expire", "lift what is over"]],
    exits: [
      [0, "done, or the daemon runs"],
      [2, "wrong usage or configuration"],
      [3, "an enforcer still blocks whose time has passed"],
    ],
  })
    .option(...CONFIG_OPTION)
    .action(async ({ config }: { readonly config?: string }) => {
      const { expire } = await import("./expired-blocks.ts");
      await expire(context, config);
    });

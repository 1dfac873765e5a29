import type { Command } from "commander";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { readTarget } from "./target.ts";

interface AllowOptions {
  readonly remove?: boolean;
  readonly reason: string;
  readonly config?: string;
}

export const allowCommand = (context: CliContext): Command =>
  subcommand("allow", {
    summary: "Never ban an address or range, and lift the bans that it is under.",
    description:
      "The running daemon remembers it over restarts. What must hold on every machine belongs in `allowlist:` of the " +
      "configuration instead, where --remove does not reach it.",
    examples: [
      ['sekisho allow 198.51.100.20 --reason "the office"', "never ban this address"],
      ["sekisho allow 2001:db8:1::/48", "never ban anything in this range"],
      ["sekisho allow --remove 198.51.100.20", "it may be banned again"],
    ],
    exits: [
      [0, "done"],
      [1, "refused"],
      [2, "the target cannot be read"],
      [3, "the daemon does not run, or does not let this user in"],
    ],
  })
    .argument("<target>", "address or CIDR range")
    .option("--remove", "take it off the allowlist again")
    .option("-r, --reason <text>", "why, for whoever looks later", "allowed from the command line")
    .option(...CONFIG_OPTION)
    .action((target: string, options: AllowOptions) => allow(context, target, options));

async function allow(context: CliContext, text: string, options: AllowOptions): Promise<void> {
  const target = readTarget(text);
  const daemon = connectToDaemon(context, options.config);
  if (options.remove) {
    await daemon.request("DELETE", `/api/allowlist/${encodeURIComponent(target)}`);
    context.stdout(`${target} may be banned again\n`);
  } else {
    await daemon.request("POST", "/api/allowlist", { target, reason: options.reason });
    context.stdout(`${target} will not be banned\n`);
  }
}

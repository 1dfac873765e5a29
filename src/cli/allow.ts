import type { Command } from "commander";
import type { AllowItem, Page } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { prefixOf, type Target, TargetSet } from "../model/ip.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon, type DaemonClient } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { moment } from "./output.ts";
import { heads, table } from "./table.ts";
import { readTarget, shownTarget } from "./target.ts";
import { withEach } from "./with-each.ts";

interface AllowOptions {
  readonly list?: boolean;
  readonly remove?: boolean;
  readonly reason: string;
  readonly config?: string;
}

export const allowCommand = (context: CliContext): Command =>
  subcommand("allow", {
    summary: "Never ban addresses or ranges, and lift the bans that they are under.",
    description:
      "The running daemon remembers it over restarts. What must hold on every machine belongs in `allowlist:` of the " +
      "configuration instead, where --remove does not reach it.",
    examples: [
      ["sekisho allow", "list who is never banned"],
      ['sekisho allow 198.51.100.20 --reason "the office"', "never ban this address"],
      ["sekisho allow 2001:db8:1::/48", "never ban anything in this range"],
      ["sekisho allow --remove 198.51.100.20", "it may be banned again"],
    ],
    exits: [
      [0, "done or listed"],
      [1, "refused, or there was nothing to remove"],
      [2, "the target or the configuration cannot be read"],
      NO_DAEMON,
    ],
  })
    .argument("[target...]", "addresses or CIDR ranges; without them the allowlist is listed")
    .option("--list", "list the allowlist")
    .option("--remove", "take it off the allowlist again")
    .option("-r, --reason <text>", "why, for whoever looks later", "allowed from the command line")
    .option(...CONFIG_OPTION)
    .action((targets: readonly string[], options: AllowOptions) => allowEach(context, targets, options));

async function allowEach(
  context: CliContext,
  texts: readonly string[],
  options: AllowOptions,
): Promise<void> {
  if (texts.length === 0) {
    if (options.remove)
      throw new SekishoError("USAGE", "--remove needs a target", "sekisho allow lists them");
    return list(context, options.config);
  }
  if (options.list) throw new SekishoError("USAGE", "--list takes no target", "write: sekisho allow --list");
  const asked = texts.map((text) => ({ text, target: readTarget(text) }));
  const daemon = await connectToDaemon(context, options.config);
  await withEach(context, asked, (each) => allow(context, daemon, each, options));
}

async function allow(
  context: CliContext,
  daemon: DaemonClient,
  { target, text }: { readonly target: Target; readonly text: string },
  options: AllowOptions,
): Promise<void> {
  if (options.remove) {
    await daemon.request("DELETE", `/api/allowlist/${encodeURIComponent(target)}`);
    const { items } = (await daemon.request("GET", "/api/allowlist")) as Page<AllowItem>;
    const wider = new TargetSet(items.map((entry) => entry.target as Target)).covering(target);
    context.stdout(
      wider !== null
        ? `${target} is off the list, and still never banned: ${wider} is on it\n`
        : `${target} may be banned again\n`,
    );
    return;
  }
  const { lifted } = (await daemon.request("POST", "/api/allowlist", { target, reason: options.reason })) as {
    readonly lifted: readonly string[];
  };
  context.stdout(`${shownTarget(target, text)} will not be banned\n`);
  if (prefixOf(target).bits === 0)
    context.stdout(
      `warning: that is everyone, so nobody is banned until: sekisho allow --remove ${target}\n`,
    );
  for (const ban of lifted) context.stdout(`lifted the ban of ${printable(ban)}\n`);
}

async function list(context: CliContext, config: string | undefined): Promise<void> {
  const daemon = await connectToDaemon(context, config);
  const { items } = (await daemon.request("GET", "/api/allowlist")) as Page<AllowItem>;
  if (items.length === 0) {
    context.stdout("Nobody is on the allowlist.\n");
    return;
  }
  const rows = items.map(({ target, by, at, reason }) => [target, by, at === null ? "" : moment(at), reason]);
  context.stdout(table(context, [heads("target", "by", "since", "reason"), ...rows], { cut: [3] }));
}

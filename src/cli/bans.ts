import type { Command } from "commander";
import type { BanItem } from "../model/api.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { count, moment, writeJson } from "./output.ts";
import { type Cell, heads, table } from "./table.ts";

interface BansOptions {
  readonly all?: boolean;
  readonly json?: boolean;
  readonly config?: string;
}

export const bansCommand = (context: CliContext): Command =>
  subcommand("bans", {
    summary: "List the bans, newest first.",
    examples: [
      ["sekisho bans", "those that run, with who made them, why, and what enforces them"],
      ["sekisho bans --all", "also those that have expired or were lifted"],
      ["sekisho explain 192.0.2.7", "is this address banned, and why"],
      ["sekisho bans --json | jq -r '.items[].target'", "for programs"],
    ],
    exits: [[0, "listed"], [2, "wrong usage or configuration"], NO_DAEMON],
  })
    .option("--all", "also bans that have expired or were lifted")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (options: BansOptions) => {
      const daemon = await connectToDaemon(context, options.config);
      const path = options.all ? "/api/bans" : "/api/bans?state=active";
      const items = await daemon.collection<BanItem>(path);
      if (options.json) writeJson(context, { items, next: null });
      else context.stdout(bansText(context, items, options.all === true));
    });

function bansText(context: CliContext, bans: readonly BanItem[], all: boolean): string {
  if (bans.length === 0) return all ? "There are no bans.\n" : "No ban is active.\n";
  const columns = ["target", ...(all ? ["state"] : []), "since", "until", "by", "enforced by", "reason"];
  const rows = bans.map((ban) => [
    ban.target,
    ...(all ? [ban.state] : []),
    moment(ban.at),
    ban.until === null ? "permanent" : moment(ban.until),
    ban.rule ?? "person",
    enforcedBy(ban),
    ban.reason,
  ]);
  const column = (name: string): number => columns.indexOf(name);
  return table(context, [heads(...columns), ...rows], {
    // Why somebody is banned says more than until when, which `sekisho explain` tells.
    drop: [column("since"), column("until")],
    cut: [column("reason"), column("enforced by"), column("by")],
    least: 14,
  });
}

function enforcedBy({ enforcedBy, passed }: BanItem): string | Cell {
  const names = enforcedBy.length === 0 ? "nothing" : enforcedBy.join(", ");
  return passed === undefined
    ? names
    : { text: `${names} (${count(passed, "request")} came through)`, style: "red" };
}

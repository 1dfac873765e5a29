import type { Command } from "commander";
import type { BanItem, Status } from "../model/api.ts";
import { formatDuration } from "../model/time.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { printable, span } from "./output.ts";
import { readLength, readTarget } from "./target.ts";

interface BanOptions {
  readonly for?: string;
  readonly reason: string;
  readonly config?: string;
}

export const banCommand = (context: CliContext): Command =>
  subcommand("ban", {
    summary: "Ban an address or range.",
    description:
      "A bare address means itself; a bare IPv6 address means its /64, since a client owns at least that much. " +
      "The running daemon records the ban and has every enforcer apply it at once. In observe mode it is only recorded.",
    examples: [
      ["sekisho ban 192.0.2.7", "for the length that the policy gives a first ban, or a repeat"],
      ['sekisho ban 192.0.2.0/24 --for 2w --reason "scanner"', "a range, for two weeks"],
      ["sekisho ban 2001:db8::1 --for permanent", "the client's /64, until somebody unbans it"],
    ],
    exits: [
      [0, "banned"],
      [1, "refused: the target is allowlisted, a trusted proxy or the host's own"],
      [2, "the target or the length cannot be read"],
      [3, "the daemon does not run, or does not let this user in"],
    ],
  })
    .argument("<target>", "address or CIDR range")
    .option("-f, --for <length>", "how long: a number and s, m, h, d or w, or permanent")
    .option("-r, --reason <text>", "why, for whoever looks later", "banned from the command line")
    .option(...CONFIG_OPTION)
    .action((target: string, options: BanOptions) => ban(context, target, options));

async function ban(context: CliContext, text: string, options: BanOptions): Promise<void> {
  const target = readTarget(text);
  const length = options.for === undefined ? null : formatDuration(readLength(options.for));
  const daemon = connectToDaemon(context, options.config);
  const item = (await daemon.request("POST", "/api/bans", {
    target,
    ...(length === null ? {} : { for: length }),
    reason: options.reason,
  })) as BanItem;
  context.stdout(`banned ${printable(item.target)} ${untilText(item.until, context.clock.now())}\n`);
  const { mode } = (await daemon.request("GET", "/api/status")) as Status;
  if (mode === "observe") context.stdout("mode is observe: it is recorded, and nothing is blocked\n");
}

function untilText(until: string | null, now: number): string {
  if (until === null) return "until somebody unbans it";
  const left = Date.parse(until) - now;
  return `until ${until.replace("T", " ").replace(/\.\d+Z$|Z$/, " UTC")} (${span(left)} from now)`;
}

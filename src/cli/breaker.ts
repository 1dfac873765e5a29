import { Argument, type Command } from "commander";
import type { Status } from "../model/api.ts";
import { SekishoError } from "../model/errors.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { count, moment } from "./output.ts";

interface BreakerOptions {
  readonly lift?: boolean;
  readonly config?: string;
}

export const breakerCommand = (context: CliContext): Command =>
  subcommand("breaker", {
    summary: "Show the circuit breaker, or let rules ban again.",
    description:
      "It opens when rules ban too many at once (policy.breaker), and then no rule bans until a person has looked. Bans that " +
      "were made stay, and people can ban. `sekisho bans` and the incidents show what led to it.",
    examples: [
      ["sekisho breaker", "is it open, since when and why"],
      ["sekisho breaker reset", "these bans were right: go on"],
      ["sekisho breaker reset --lift", "they were wrong: lift them, then go on"],
    ],
    exits: [
      [0, "it is closed; with reset: rules ban again"],
      [1, "it is open; with reset: it was not"],
      [2, "wrong usage or configuration"],
      NO_DAEMON,
    ],
  })
    .addArgument(new Argument("[action]", "what to do; without it the state is shown").choices(["reset"]))
    .option("--lift", "with reset: also lift the bans by rules that opened it")
    .option(...CONFIG_OPTION)
    .action((action: "reset" | undefined, options: BreakerOptions) =>
      action === undefined ? show(context, options) : reset(context, options),
    );

async function show(context: CliContext, { lift, config }: BreakerOptions): Promise<void> {
  if (lift) throw new SekishoError("USAGE", "--lift needs reset", "write: sekisho breaker reset --lift");
  const daemon = await connectToDaemon(context, config);
  const status = (await daemon.request("GET", "/api/status")) as Status;
  const open = status.halts.find(({ name }) => name === "breaker");
  if (open === undefined) {
    context.stdout("closed: rules may ban\n");
    return;
  }
  context.stdout(`open since ${moment(open.since)}: ${printable(open.reason)}; rules ban nobody\n`);
  context.exitStatus = 1;
}

async function reset(context: CliContext, { lift = false, config }: BreakerOptions): Promise<void> {
  const daemon = await connectToDaemon(context, config);
  const { lifted } = (await daemon.request("POST", "/api/breaker/reset", { lift })) as {
    readonly lifted: number;
  };
  context.stdout(`${lift ? `lifted ${count(lifted, "ban")}; ` : ""}rules may ban again\n`);
}

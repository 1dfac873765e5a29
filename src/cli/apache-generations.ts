import { Argument, type Command, InvalidArgumentError } from "commander";
import type { EnforcerStatus } from "../model/api.ts";
import type { GenerationChanges, GenerationItem, GenerationList, HoldItem } from "../model/generation.ts";
import { printable } from "../model/safe-text.ts";
import { connectToDaemon, LONG_PATIENCE_MS } from "./client.ts";
import { type CliContext, CONFIG_OPTION, NO_DAEMON, subcommand } from "./context.ts";
import { count, moment, type Style, writeJson } from "./output.ts";
import { heads, table } from "./table.ts";

interface Options {
  readonly json?: boolean;
  readonly config?: string;
}

const PATH = "/api/enforcers/apache-include";

export const generationsCommand = (context: CliContext): Command =>
  subcommand("generations", {
    summary: "Show the lists that Apache ran with, and what changed.",
    description:
      "Each list that apache-include writes has a number. Those that came into force are kept (enforcers.apache-include.generations), " +
      "and what waits for the next reload is shown with them.",
    examples: [
      ["sekisho apache generations", "all that are kept, newest first"],
      ["sekisho apache generations 17", "whom generation 17 added, and whom it let in"],
    ],
    exits: [
      [0, "shown"],
      [1, "there is no such generation, or apache-include is off"],
      [2, "wrong usage or configuration"],
      NO_DAEMON,
    ],
  })
    .addArgument(generationArgument("[generation]", "its number; without it all are listed"))
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (generation: number | undefined, options: Options) => {
      const daemon = await connectToDaemon(context, options.config);
      const path = `${PATH}/generations${generation === undefined ? "" : `/${generation}`}`;
      const answer = await daemon.request("GET", path);
      if (options.json) writeJson(context, answer);
      else if (generation === undefined) context.stdout(listText(context, answer as GenerationList));
      else context.stdout(changesText(answer as GenerationChanges));
    });

export const rollbackCommand = (context: CliContext): Command =>
  subcommand("rollback", {
    summary: "Go back to a list that Apache ran with, and stay there until resume.",
    description:
      "Apache is reloaded with what that generation blocked and is still to be blocked: who was let in since stays in. New bans are " +
      "held back from this list, which status and the dashboard say; other enforcers, the ban directory above all, block them as before.",
    examples: [["sudo sekisho apache rollback 16", "go back to generation 16"]],
    exits: [
      [0, "Apache runs with it"],
      [1, "there is no such generation, or Apache refused it"],
      [2, "wrong usage or configuration"],
      [3, "the daemon does not run or does not let this user in, or Apache was not reloaded"],
    ],
  })
    .addArgument(generationArgument("<generation>", "its number, as sekisho apache generations shows it"))
    .option(...CONFIG_OPTION)
    .action((generation: number, options: Options) =>
      go(context, options, "rollback", { generation }, `the list is held to generation ${generation}`),
    );

export const resumeCommand = (context: CliContext): Command =>
  subcommand("resume", {
    summary: "Go on after a rollback: all that is wanted, with one reload.",
    examples: [["sudo sekisho apache resume", "what was held back comes into force"]],
    exits: [
      [0, "Apache runs with all that is wanted"],
      [1, "nothing was held, or Apache refused the list"],
      [2, "wrong usage or configuration"],
      [3, "the daemon does not run or does not let this user in, or Apache was not reloaded"],
    ],
  })
    .option(...CONFIG_OPTION)
    .action((options: Options) => go(context, options, "resume", {}, "the list is held no more"));

async function go(
  context: CliContext,
  { config }: Options,
  action: "rollback" | "resume",
  body: object,
  done: string,
): Promise<void> {
  const daemon = await connectToDaemon(context, config);
  const status = (await daemon.request(
    "POST",
    `${PATH}/${action}`,
    body,
    LONG_PATIENCE_MS,
  )) as EnforcerStatus;
  context.stdout(
    status.state === "off"
      ? `${done}; nothing is enforced now (observe mode)\n`
      : `${done}; in force: ${count(status.blocks, "block")}\n`,
  );
  if (status.error === null) return;
  context.stdout(`note: ${printable(status.error)}\n`);
  if (status.hint !== null) context.stdout(`   hint: ${printable(status.hint)}\n`);
}

function generationArgument(name: string, description: string): Argument {
  return new Argument(name, description).argParser((text): number => {
    if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
    throw new InvalidArgumentError("It is a number.");
  });
}

const STATES: Readonly<Record<GenerationItem["state"], { readonly text: string; readonly style: Style }>> = {
  "in-force": { text: "in force", style: "green" },
  waiting: { text: "waits for the next reload", style: "yellow" },
  former: { text: "", style: "dim" },
};

function listText(context: CliContext, { items, held }: GenerationList): string {
  if (items.length === 0) return `No list has come into force yet.\n${heldText(held)}`;
  const head = heads("generation", "written", "targets", "added", "removed", "");
  const rows = items.map((item) => [
    { text: String(item.number), right: true },
    item.at === null ? "" : moment(item.at),
    ...[item.targets, item.added, item.removed].map((each) => ({
      text: each.toLocaleString("en"),
      right: true,
    })),
    STATES[item.state],
  ]);
  return table(context, [head, ...rows]) + heldText(held);
}

function heldText(held: HoldItem | null): string {
  if (held === null) return "";
  const { generation, since, cause, heldBack } = held;
  const why = cause === null ? "by a person" : `since ${printable(cause)}`;
  return `\nHeld to generation ${generation} from ${moment(since)}, ${why}; ${count(heldBack, "target")} held back.\n   hint: sekisho apache resume goes on\n`;
}

function changesText({ number, at, addedTargets, removedTargets }: GenerationChanges): string {
  const heading = `generation ${number}${at === null ? "" : `, ${moment(at)}`}\n`;
  const lines = [
    ...addedTargets.map((target) => `+ ${printable(target)}\n`),
    ...removedTargets.map((target) => `- ${printable(target)}\n`),
  ];
  return heading + (lines.length === 0 ? "nothing changed\n" : lines.join(""));
}

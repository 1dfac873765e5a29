import type { Command } from "commander";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import type { RulesOptions } from "./rule-list.ts";

export const rulesCommand = (context: CliContext): Command =>
  subcommand("rules", {
    summary: "List the rules and what they led to, or tell all of one.",
    description:
      "Of the last day it tells findings, bans and near misses, which the running daemon knows. Without one it tells what the configuration says.",
    examples: [
      ["sekisho rules", "each rule with its mode, threshold, and findings and bans of the last day"],
      ["sekisho rules repeated-403", "why it is there, whom it may hit, who came near it, how to change it"],
      ["sekisho rules --json | jq -r '.items[] | select(.mode == \"off\").id'", "for programs"],
    ],
    exits: [
      [0, "told"],
      [2, "wrong usage, configuration or rule, or there is no such rule"],
      [3, "the configuration or the rules cannot be read"],
    ],
  })
    .argument("[id]", "a rule, as the list names it")
    .option("--json", "print JSON and nothing else")
    .option(...CONFIG_OPTION)
    .action(async (id: string | undefined, options: RulesOptions) => {
      const { tellRules } = await import("./rule-list.ts");
      await tellRules(context, id, options);
    });

import type { Command } from "commander";
import type { CheckOptions, CheckStages } from "./check-report.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

/** `stages`: null for the real ones. */
export const checkCommand = (context: CliContext, stages: CheckStages | null = null): Command =>
  subcommand("check", {
    summary: "Show what would run, and what is in the way of it.",
    description:
      "Reads the configuration, the rules and the beginning of each log, and asks the enforcers whether they could " +
      "block. Imported lists are read from their files or last good copies, and not fetched. In Apache's configuration it looks for places that let in who is banned. " +
      "It starts and changes nothing. Of an installed service root is told what is in its way, but for logs that its user may not read: " +
      "these `sekisho status` tells.",
    examples: [
      ["sekisho check", "before the first start"],
      ["sekisho check && sudo kill -HUP PID", "before the daemon reads a changed configuration"],
      ["sudo sekisho check", "of the installed service, with all of Apache's configuration"],
    ],
    exits: [
      [0, "it would run; warnings may be shown"],
      [1, "an enforcer would refuse, as Apache's configtest does"],
      [2, "the configuration, a rule or a log format is wrong"],
      [
        3,
        "the environment: an unreadable log, a data folder that cannot be written, a missing program, a port in use",
      ],
    ],
  })
    .option(...CONFIG_OPTION)
    .option("--apache-config <file>", "Apache's main file (default: where Debian and RHEL have it)")
    .option("--json", "print JSON and nothing else")
    .action(async (options: CheckOptions) => {
      const { check } = await import("./check-report.ts");
      await check(context, stages ?? (await import("./check-stages.ts")).checkStages(context), options);
    });

import { type Command, Option } from "commander";
import { SEVERITIES } from "../model/finding.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import type { ReplayOptions } from "./replay-logs.ts";

export function replayCommand(context: CliContext): Command {
  return subcommand("replay", {
    summary: "Run old logs through the rules: who would have been banned.",
    description:
      "Nothing is stored and nothing is blocked. Several files are merged by the time of their lines.",
    examples: [
      ["sekisho replay /var/log/apache2/access.log", "see who would have been banned, when and why"],
      ["sekisho replay access.log.2.gz access.log.1 access.log", "the same over older generations"],
      ["sekisho replay access.log error.log --json", "the same for a program"],
      [
        "sekisho replay access.log --rule repeated-403 --no-allowlist",
        "one rule only, own addresses included",
      ],
      ["sekisho replay access.log --compare ./rules.d.new", "what changed rules would add and take away"],
      ["sekisho replay access.log --rule login-rate --near-misses", "whom a lower threshold would find"],
      [`sekisho replay site.log --format '%h %l %u %t "%r" %>s %b'`, "a log in a format of your own"],
    ],
    exits: [
      [0, "the logs were read"],
      [1, "there are findings of the severity that --fail-on names, or worse"],
      [2, "a wrong option, format or rule"],
      [3, "a file cannot be read, or is damaged: then what could be read of it is in the answer"],
    ],
  })
    .argument("<file...>", "access, error or audit logs, also packed by gzip or zstd; - is standard input")
    .option(...CONFIG_OPTION)
    .option("--json", "print one JSON object")
    .option(
      "--no-allowlist",
      "report also whom policy would spare (allowlist, loopback, own addresses, proxies)",
    )
    .option("--rules <dir>", "rules of another folder")
    .option("--rule <id>", "only this rule; may be given again", (id: string, ids?: readonly string[]) => [
      ...(ids ?? []),
      id,
    ])
    .option(
      "--compare <dir>",
      "judge also with this folder in place of rules.d, and tell which bans come and go",
    )
    .option("--near-misses", "tell also who came near a threshold, and was not found")
    .option(
      "--format <format>",
      "common, combined, vhost_combined, sekisho, json, a LogFormat or an ErrorLogFormat string",
    )
    .option("--timezone <name>", "for times without a zone; default: the host's")
    .addOption(
      new Option("--fail-on <severity>", "exit with 1 when there is a finding this severe").choices([
        ...SEVERITIES,
      ]),
    )
    .action(async (files: string[], options: ReplayOptions) => {
      const { replayLogs } = await import("./replay-logs.ts");
      await replayLogs(context, files, options);
    });
}

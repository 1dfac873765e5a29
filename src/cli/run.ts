import { type Command, Option } from "commander";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import type { RunOptions } from "./run-daemon.ts";

export function runCommand(context: CliContext): Command {
  return subcommand("run", {
    summary: "Watch the logs, decide, and block if told to.",
    description:
      "Without a configuration it looks for Apache's logs in the usual places; where there are none it plays a sample " +
      "attack. It decides and records, and blocks nothing, until the mode is enforce. Ctrl-C stops it.",
    examples: [
      ["sekisho run", "watch with ./sekisho.yaml, /etc/sekisho/sekisho.yaml or what is found"],
      ["sekisho run --demo", "see a sample attack on the dashboard; nothing real is read or blocked"],
      ["sekisho run --config site.yaml --mode enforce", "block what the rules decide"],
      ["kill -HUP PID", "read configuration and rules again; what is wrong is reported and changes nothing"],
    ],
    exits: [
      [0, "stopped by a signal"],
      [2, "the configuration or a rule is wrong"],
      [3, "the environment: a permission, a port in use, a full disk, another Sekisho on the same data"],
    ],
  })
    .option(...CONFIG_OPTION)
    .addOption(
      new Option("-m, --mode <mode>", "wins over the configuration's mode").choices(["observe", "enforce"]),
    )
    .option("--demo", "play the bundled sample attack")
    .action(async (options: RunOptions) => {
      const { run } = await import("./run-daemon.ts");
      await run(context, options);
    });
}

import type { Command } from "commander";
import { HOME } from "../install/places.ts";
import { type CliContext, subcommand } from "./context.ts";
import type { InstallOptions } from "./install-steps.ts";

const EXITS = [
  [0, "shown, or done"],
  [2, "wrong usage"],
  [3, "not as root, without systemd, or a step failed: the message says which"],
] as const;

/** `commands`: what the shell is to complete. */
export const installCommand = (context: CliContext, commands: () => Promise<readonly Command[]>): Command =>
  subcommand("install", {
    summary: "Set Sekisho up as a service of systemd, with a Node of its own.",
    description:
      `Shows the plan; --yes carries it out. Sekisho goes to ${HOME} with the Node that runs it, and runs as the user sekisho without ` +
      "root. Where there is no configuration yet, one is made from Apache's: it observes, and blocks nobody. Run again, it brings up to " +
      "date what differs.",
    examples: [
      ["sudo ./bin/sekisho install", "see what would be done"],
      ["sudo ./bin/sekisho install --yes", "do it"],
    ],
    exits: [...EXITS],
  })
    .option("--yes", "carry the plan out")
    .action(async (options: InstallOptions) => {
      const { install } = await import("./install-steps.ts");
      await install(context, options, commands);
    });

export const uninstallCommand = (context: CliContext): Command =>
  subcommand("uninstall", {
    summary: "Remove what install made.",
    description:
      "Shows the plan; --yes carries it out. First everybody who is blocked is let in. Configuration and data stay, unless --purge.",
    examples: [
      ["sudo sekisho uninstall --yes", "remove the service; /etc/sekisho and /var/lib/sekisho stay"],
    ],
    exits: [...EXITS],
  })
    .option("--yes", "carry the plan out")
    .option("--purge", "remove configuration and data, too")
    .action(async (options: InstallOptions) => {
      const { uninstall } = await import("./install-steps.ts");
      uninstall(context, options);
    });

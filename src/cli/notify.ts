import type { Command } from "commander";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";

export const notifyCommand = (context: CliContext): Command =>
  subcommand("notify", {
    summary: "Send a message to try to each configured channel.",
    description:
      "Each entry of notifications in the configuration gets one message, whatever its severity. Nothing else is done, and no daemon is needed.",
    examples: [["sekisho notify", "see whether chat, mail and all arrive"]],
    exits: [
      [0, "each channel took the message"],
      [1, "a channel did not"],
      [2, "wrong usage, a wrong configuration, or one without notifications"],
      [3, "the configuration cannot be read"],
    ],
  })
    .option(...CONFIG_OPTION)
    .action(async ({ config }: { readonly config?: string }) => {
      const { notify } = await import("./notify-channels.ts");
      await notify(context, config);
    });

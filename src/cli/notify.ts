import { hostname } from "node:os";
import type { Command } from "commander";
import { loadConfig } from "../config/load.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { inAscii } from "../model/safe-text.ts";
import { channelName, channelOf } from "../notify/channel.ts";
import { checkFormat } from "../setup.ts";
import { type CliContext, CONFIG_OPTION, subcommand } from "./context.ts";
import { count, printable } from "./output.ts";
import { reportError } from "./report-error.ts";

export const notifyCommand = (context: CliContext): Command =>
  subcommand("notify", {
    summary: "Send a message to try to each configured channel.",
    description:
      "Each entry of notifications in the configuration gets one message, whatever its severity. Nothing else is done, and no daemon is needed.",
    examples: [["sekisho notify", "see whether chat, mail and all arrive"]],
    exits: [
      [0, "each channel took the message"],
      [1, "a channel did not"],
      [2, "a wrong configuration, or one without notifications"],
    ],
  })
    .option(...CONFIG_OPTION)
    .action(({ config }: { readonly config?: string }) => notify(context, config));

async function notify(context: CliContext, file: string | undefined): Promise<void> {
  const { config } = loadConfig({ file, cwd: context.cwd, checkFormat });
  if (config.notifications.length === 0) {
    throw new SekishoError(
      "CONFIG_INVALID",
      "the configuration names nobody who is told",
      "add an entry under notifications; docs/notifications.md has one for each service",
    );
  }
  const host = hostname();
  const text = "This is a message to try, which somebody asked for by sekisho notify.";
  const notice = { at: context.clock.now(), severity: "info", signal: "notify.tried", text } as const;
  const title = `Sekisho on ${inAscii(host)}: it works (info)`;
  const message = { host, severity: "info", title, notices: [notice], count: 1 } as const;
  const { signal } = new AbortController();
  let failed = 0;
  for (const settings of config.notifications) {
    try {
      await channelOf(settings)(message, signal);
      context.stdout(`${printable(channelName(settings))}: took the message\n`);
    } catch (error) {
      failed++;
      reportError(context, asSekishoError(error));
    }
  }
  if (failed > 0) context.exitStatus = 1;
  else context.stdout(`${count(config.notifications.length, "message")} sent; look whether they arrived\n`);
}

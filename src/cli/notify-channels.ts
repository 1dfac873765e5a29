import { loadConfig } from "../config/load.ts";
import { asSekishoError, SekishoError } from "../model/errors.ts";
import { inAscii, printable } from "../model/safe-text.ts";
import { senderOf } from "../notices.ts";
import { channelName, channelOf } from "../notify/channel.ts";
import { checkFormat } from "../setup.ts";
import type { CliContext } from "./context.ts";
import { count } from "./output.ts";
import { reportError } from "./report-error.ts";

/** Sends one message to each channel of the configuration, and says which took it. */
export async function notify(context: CliContext, file: string | undefined): Promise<void> {
  const { config } = loadConfig({ file, cwd: context.cwd, checkFormat });
  if (config.notifications.length === 0) {
    throw new SekishoError(
      "CONFIG_INVALID",
      "the configuration names nobody who is told",
      "add an entry under notifications; docs/notifications.md has one for each service",
    );
  }
  const { host, dashboard } = senderOf(config);
  const text = "This is a message to try, which somebody asked for by sekisho notify.";
  const notice = { at: context.clock.now(), severity: "info", signal: "notify.tried", text } as const;
  const title = `Sekisho on ${inAscii(host)}: it works (info)`;
  const message = { host, dashboard, severity: "info", title, notices: [notice], count: 1 } as const;
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

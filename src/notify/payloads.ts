import { SEVERITIES, type Severity } from "../model/finding.ts";
import { toIso } from "../model/time.ts";
import { type Message, type Notice, oneLine } from "./notice.ts";

/** What an HTTP service is sent. */
export interface Payload {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Service = "webhook" | "slack" | "discord" | "teams" | "ntfy";

const json = (value: unknown): Payload => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});

function linesOf({ notices, count }: Message): string[] {
  const lines = notices.map(
    ({ at, severity, text }) => `${toIso(at).slice(11, 19)} UTC ${severity}: ${oneLine(text)}`,
  );
  return count > notices.length ? [...lines, `and ${count - notices.length} more`] : lines;
}

/** Who was told can look, and undo it, without looking anything up. */
function nextStep({ host, notices }: Message): string {
  const [target, ...others] = notices.flatMap((notice) => notice.target ?? []);
  if (target === undefined) return `On ${host}: sudo sekisho status`;
  return others.length === 0
    ? `On ${host}: sudo sekisho explain ${target} says why, sudo sekisho unban ${target} lets it in`
    : `On ${host}: sudo sekisho bans lists them, sudo sekisho unban TARGET lets one in`;
}

/** A message as plain text, as many of its lines as fit. */
export function textOf(message: Message, most = Number.POSITIVE_INFINITY): string {
  const next = nextStep(message);
  return `${cut(linesOf(message), most - next.length - 1)}\n${next}`;
}

/**
 * The message in the form that each service takes. Text is sent as text: no service is given markup, links or mentions that
 * somebody could have written into a log. The one link is that to the dashboard, from the configuration.
 */
export const PAYLOADS: Readonly<Record<Service, (message: Message) => Payload>> = {
  webhook: (message) =>
    json({
      version: 1,
      app: "sekisho",
      host: message.host,
      severity: message.severity,
      title: message.title,
      count: message.count,
      dashboard: message.dashboard,
      notices: message.notices.map(({ at, ...rest }: Notice) => ({ at: toIso(at), ...rest })),
    }),
  slack: (message) =>
    json({
      blocks: [
        { type: "header", text: { type: "plain_text", text: message.title, emoji: false } },
        { type: "section", text: { type: "plain_text", text: textOf(message, 2_900), emoji: false } },
        ...(message.dashboard === null
          ? []
          : [
              {
                type: "section",
                text: { type: "mrkdwn", text: `<${message.dashboard}|Open the dashboard>` },
              },
            ]),
      ],
      text: message.title,
      unfurl_links: false,
    }),
  discord: (message) =>
    json({
      embeds: [
        {
          title: message.title.slice(0, 250),
          ...(message.dashboard === null ? {} : { url: message.dashboard }),
          description: codeBlock(textOf(message, 3_900)),
          color: COLOURS[message.severity],
        },
      ],
      allowed_mentions: { parse: [] },
    }),
  teams: (message) =>
    json({
      type: "message",
      attachments: [
        {
          contentType: "application/vnd.microsoft.card.adaptive",
          content: {
            type: "AdaptiveCard",
            $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
            version: "1.4",
            // A RichTextBlock, unlike a TextBlock, reads no Markdown.
            body: [message.title, ...linesOf(message), nextStep(message)].map((text, line) => ({
              type: "RichTextBlock",
              inlines: [{ type: "TextRun", text, weight: line === 0 ? "Bolder" : "Default" }],
            })),
            ...(message.dashboard === null
              ? {}
              : {
                  actions: [{ type: "Action.OpenUrl", title: "Open the dashboard", url: message.dashboard }],
                }),
          },
        },
      ],
    }),
  ntfy: (message) => ({
    headers: {
      "content-type": "text/plain; charset=utf-8",
      // Headers are ASCII: the title has nothing else, as host names have not.
      title: message.title,
      priority: String(1 + SEVERITIES.indexOf(message.severity)),
      ...(message.dashboard === null ? {} : { click: message.dashboard }),
    },
    body: textOf(message, 3_900),
  }),
};

const COLOURS: Readonly<Record<Severity, number>> = {
  info: 0x7f8c8d,
  low: 0x3498db,
  medium: 0xf1c40f,
  high: 0xe67e22,
  critical: 0xe74c3c,
};

/** As many lines as fit. */
function cut(lines: readonly string[], most: number): string {
  let text = "";
  for (const line of lines) {
    if (text.length + line.length + 3 > most) return `${text}\n…`;
    text += text === "" ? line : `\n${line}`;
  }
  return text;
}

/** Text that Markdown leaves alone: it cannot end the block, since a backtick is replaced by one that looks alike. */
const codeBlock = (text: string): string => `\`\`\`\n${text.replaceAll("`", "ˋ")}\n\`\`\``;

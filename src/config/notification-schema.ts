import { z } from "zod";
import { SEVERITIES } from "../model/finding.ts";
import { durationText, parsedText } from "../model/parsed-text.ts";

const webAddress = parsedText<string>(
  (text) => (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) ? text : null),
  "a web address",
  "the whole address that the service gave you (https://hooks.example.com/T0/B0/secret)",
  true,
);
const mailServer = parsedText<string>(
  (text) =>
    URL.canParse(text) && /^smtps?:$/.test(new URL(text).protocol) && new URL(text).host !== "" ? text : null,
  "a mail server",
  "smtps://user:password@mail.example.com, or smtp:// for STARTTLS on port 587",
  true,
);
/** One address, which may have a name before it. No line break: it becomes a header. */
const mailAddress = parsedText<string>(
  (text) => (/^(?:[^<>\r\n"]{0,100}<)?[^\s<>@",;]{1,64}@[^\s<>@",;]{1,255}>?$/.test(text) ? text : null),
  "a mail address",
  "admin@example.com, or Sekisho <sekisho@example.com>",
);

/** Who is told. */
export const notificationSchema = z
  .strictObject({
    to: z
      .enum(["webhook", "slack", "discord", "teams", "ntfy", "email"])
      .describe("A program that takes JSON, a chat, a topic of ntfy, or mail by SMTP."),
    url: webAddress
      .optional()
      .describe("Where the service takes messages; often a secret. Required for all but email."),
    server: mailServer
      .optional()
      .describe("For email: who takes the mail, with user and password where it wants them."),
    from: mailAddress.optional().describe("For email: who it comes from."),
    recipients: z.array(mailAddress).min(1).max(20).optional().describe("For email: who gets it."),
    minSeverity: z.enum(SEVERITIES).default("high").describe("What is less severe is not sent."),
    every: durationText
      .prefault("5m")
      .describe("At most one message in so long; what happens meanwhile goes into the next."),
  })
  .superRefine((written, context) => {
    const [needed, others] = written.to === "email" ? [OF_MAIL, OF_SERVICE] : [OF_SERVICE, OF_MAIL];
    for (const key of needed) {
      if (written[key] === undefined)
        context.addIssue({ code: "custom", path: [key], message: `is missing, and ${written.to} needs it` });
    }
    for (const key of others) {
      if (written[key] !== undefined)
        context.addIssue({ code: "custom", path: [key], message: `means nothing for ${written.to}` });
    }
  });
const OF_MAIL = ["server", "from", "recipients"] as const;
const OF_SERVICE = ["url"] as const;

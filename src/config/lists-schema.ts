import { z } from "zod";
import { durationText, parsedText } from "../model/parsed-text.ts";
import { schedule } from "./enforcer-schema.ts";

const listName = parsedText<string>(
  (text) => (/^[a-z0-9][a-z0-9-]{0,39}$/.test(text) ? text : null),
  "a name for a list",
  "up to forty small letters, digits and hyphens (drop-v4)",
);

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Whoever is on the way could change what comes by http. */
const source = parsedText<string>(
  (text) => {
    if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return text.length > 0 && !text.includes("\0") ? text : null;
    if (!URL.canParse(text)) return null;
    const { protocol, hostname, username, password } = new URL(text);
    if (username !== "" || password !== "") return null;
    const isSafe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
    return isSafe ? text : null;
  },
  "an https address or a file",
  "https://lists.example/bad.txt without user and password, or /path/to/bad.txt; http on this host only",
  true,
);

/** Addresses that are taken from elsewhere. */
export const listSchema = z
  .strictObject({
    name: listName.describe("What it is called, on the dashboard and in the data folder."),
    kind: z
      .enum(["block", "allow"])
      .default("block")
      .describe("block: enforcers refuse its entries. allow: they are never banned."),
    from: source.describe("An https address, or a file."),
    format: z
      .enum(["plain", "csv"])
      .default("plain")
      .describe("plain: one address or CIDR range a line. csv: one in a column. # and ; begin comments."),
    column: z
      .union([z.number().int().min(1).max(1_000), z.string().min(1).max(100)])
      .default(1)
      .describe("For csv: the column, by its number from 1 or its name in the first line."),
    separator: z
      .enum(["comma", "semicolon", "tab", "bar", "space"])
      .default("comma")
      .describe("For csv: what stands between columns."),
    schedule: schedule.prefault("37 */6 * * *").describe("When it is fetched."),
    keep: durationText
      .prefault("permanent")
      .describe("Its entries hold so long after it was fetched last, where its source is away."),
    max: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(500_000)
      .describe("With more entries it is not taken."),
    growth: z
      .number()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe("Nor with so many times the entries that it had, once it has a thousand."),
    ownAndPrivate: z
      .enum(["refuse", "leave-out"])
      .default("refuse")
      .describe(
        "Of a blocklist that covers private ranges, this host's own addresses, its gateways or trusted proxies: refuse it, or leave those entries out.",
      ),
  })
  .superRefine(({ kind, format, column, separator, ownAndPrivate }, context) => {
    const issue = (path: string, where: string) =>
      context.addIssue({ code: "custom", path: [path], message: `is only for ${where}; remove it` });
    if (kind === "allow" && ownAndPrivate !== "refuse") issue("ownAndPrivate", "kind: block");
    if (format === "csv") return;
    if (column !== 1) issue("column", "format: csv");
    if (separator !== "comma") issue("separator", "format: csv");
  });

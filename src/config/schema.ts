import { z } from "zod";
import { ownNamePattern } from "../model/audit.ts";
import { AUDIT_NAMES, SOURCE_KINDS } from "../model/event.ts";
import { parseIp } from "../model/ip.ts";
import { durationText, parsedText, targetText } from "../model/parsed-text.ts";
import { USUAL_DATA, USUAL_LISTEN } from "./config-file.ts";
import { crawlersSchema } from "./crawlers-schema.ts";
import { cutSchema, enforcersSchema, probeSchema, socketMode } from "./enforcer-schema.ts";
import { listSchema } from "./lists-schema.ts";
import { notificationSchema } from "./notification-schema.ts";

const size = parsedText<number>(parseSize, "a size", "a number and B, KiB, MiB or GiB (64MiB)");
const timezone = parsedText<string>(
  knownTimezone,
  "a time zone",
  "an IANA name such as Europe/Berlin or UTC",
);
const origin = parsedText<string>(
  webOrigin,
  "a web origin",
  "scheme and host, with no path (https://app.example.com)",
);
const hostName = parsedText<string>(
  (text) =>
    /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(text)
      ? text.toLowerCase()
      : null,
  "a host name",
  "a name without scheme or path, with a port or for any (sekisho.example.com)",
);
const auditName = parsedText<string>(
  (text) => (text === "app.*" || isAuditName(text) ? text : null),
  "the name of an audit event",
  "one of docs/audit-events.md, an app.NAME of your own, or app.* for all of them",
);
/** One would ban its whole prefix with itself. */
const clientsOfPrefix = (most: number, usual: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(most)
    .refine((count) => count !== 1, "is 0 for never, or at least 2")
    .default(usual);

/** How many targets of one prefix make it one block for enforcers. */
const aggregation = (usual: number, widest: number, narrowest: number, most: number) =>
  z
    .strictObject({
      prefix: z
        .number()
        .int()
        .min(widest)
        .max(narrowest)
        .default(usual)
        .describe("Length of the prefix that enforcers are given in the place of many banned targets in it."),
      atLeast: z
        .number()
        .int()
        .min(0)
        .max(most)
        .refine((count) => count !== 1, "is 0 for never, or at least 2")
        .default(0)
        .describe("From so many on; the others in the prefix are blocked with them. 0: never."),
    })
    .prefault({});

const logSchema = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      "A file, or a glob: a star stands for what is within one name, of the file or of a folder. Required where there is no socket.",
    ),
  kind: z.enum(SOURCE_KINDS).default("access").describe("What Apache or an app writes there."),
  format: z
    .string()
    .min(1)
    .default("auto")
    .describe(
      "auto, common, combined, vhost_combined, sekisho, json, or an Apache LogFormat string; of an error log auto or an ErrorLogFormat string.",
    ),
  timezone: timezone
    .optional()
    .describe("For times without a zone (Apache's error log); default: the host's."),
  fields: z
    .record(z.string(), z.string())
    .optional()
    .describe("For format json: our field name to the name in the file."),
  rotatedTo: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The folder into which rotation moves the log, as logrotate's olddir; a relative path starts at the log's own folder.",
    ),
  socket: z
    .string()
    .min(1)
    .optional()
    .describe("For kind audit, in the place of path: a Unix socket that one app writes to."),
  group: z
    .string()
    .min(1)
    .optional()
    .describe("Who may connect to the socket beside Sekisho's own user: a group's name or number."),
  mode: socketMode.optional().describe("Permissions of the socket, as in chmod; default: 0660."),
  mayBan: z
    .array(auditName)
    .optional()
    .describe("For kind audit: events that may cause bans; default: all that have a name but app.*."),
  maxBanShare: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("For kind audit: the part of a day's bans that the source may cause; default: 0.5."),
  bansAlways: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("For kind audit: so many bans a day it may cause whatever its share; default: 20."),
});

export const configSchema = z.strictObject({
  mode: z
    .enum(["observe", "enforce"])
    .default("observe")
    .describe("observe decides and records, and blocks nothing; enforce also blocks."),
  data: z
    .string()
    .min(1)
    .refine((path) => !path.startsWith("~/"), "begins with ~, which only a shell knows; write the whole path")
    .default(USUAL_DATA)
    .describe("SQLite and generated files."),
  logs: z
    .array(logSchema)
    .default([])
    .describe("What is read; without this key, Apache's logs in the usual places."),
  origins: z.array(origin).default([]).describe("Web origins that may open WebSockets."),
  allowlist: z.array(targetText).default([]).describe("Never banned."),
  trustedProxies: z
    .array(targetText)
    .default([])
    .describe("Proxies in front of Apache: never banned, since many clients share their addresses."),
  rules: z.string().optional().describe("Folder of rules; default: the shipped ones."),
  siteRules: z
    .string()
    .optional()
    .describe(
      "Folder of the site's own rules, and of changes to others; default: rules.d beside this file, where there is one.",
    ),
  policy: z
    .strictObject({
      ban: durationText
        .prefault("4h")
        .describe("Length of a first ban, where neither rule nor person says one."),
      factor: z.number().min(1).max(100).default(2).describe("Each repeat is this much longer."),
      max: durationText.prefault("4w").describe("No ban by a rule is longer."),
      memory: durationText.prefault("30d").describe("How long an earlier ban counts as a repeat."),
      grace: durationText
        .prefault("10m")
        .describe("So long after a person lifted a ban rules do not ban that target again."),
      prefixes: z
        .strictObject({
          window: durationText.prefault("1d").describe("How far back bans by rules count for a prefix."),
          slash24: clientsOfPrefix(256, 16).describe(
            "So many banned addresses of an IPv4 /24 have all of it banned; 0: never.",
          ),
          slash56: clientsOfPrefix(256, 8).describe(
            "So many banned /64s of an IPv6 /56 have all of it banned; 0: never.",
          ),
          slash48: clientsOfPrefix(65_536, 32).describe(
            "So many banned /64s of an IPv6 /48 have all of it banned; 0: never.",
          ),
        })
        .prefault({}),
      aggregate: z
        .strictObject({
          ipv4: aggregation(24, 8, 31, 256),
          ipv6: aggregation(48, 16, 63, 65_536),
        })
        .prefault({}),
      breaker: z
        .strictObject({
          bans: z
            .number()
            .int()
            .min(1)
            .max(1_000_000)
            .default(500)
            .describe(
              "With more new bans by rules within a minute, rules ban nobody until a person has looked.",
            ),
          share: z
            .number()
            .min(0)
            .max(1)
            .default(0.2)
            .describe(
              "So too when bans by rules would hit a larger part of the clients that were served (2xx) within an hour.",
            ),
          hits: z
            .number()
            .int()
            .min(1)
            .max(1_000_000)
            .default(20)
            .describe("Fewer clients than this may always be hit, whatever part of a small site's they are."),
        })
        .prefault({}),
    })
    .prefault({}),
  lists: z
    .array(listSchema)
    .max(20)
    .default([])
    .describe("Blocklists and allowlists from files and from elsewhere: docs/lists.md."),
  crawlers: crawlersSchema,
  store: z
    .strictObject({
      retention: durationText
        .prefault("30d")
        .describe("Events older than this are deleted; findings and decisions stay."),
      disk: size
        .prefault("2GiB")
        .describe(
          "Disk budget of the database: while it needs more, the oldest goes: events, and evidence of closed incidents. Findings, decisions and what is open stay.",
        ),
      unparsed: size.prefault("64MiB").describe("Disk budget for the bytes of lines that did not parse."),
    })
    .prefault({}),
  enforcers: enforcersSchema,
  cut: cutSchema,
  probe: probeSchema,
  dashboard: z
    .strictObject({
      listen: parsedText(listenAddress, "an address to listen on", "127.0.0.1:7080 or [::1]:7080")
        .prefault(`${USUAL_LISTEN.host}:${USUAL_LISTEN.port}`)
        .describe("Where the dashboard and the HTTP interface are."),
      hosts: z
        .array(hostName)
        .default([])
        .describe("Host names other than loopback's that may be asked for."),
      allowRemote: z
        .boolean()
        .default(false)
        .describe("Permits a listen address that other machines can reach."),
    })
    .prefault({}),
  notifications: z
    .array(notificationSchema)
    .max(20)
    .default([])
    .describe("Who is told of bans and problems. Nobody waits for it, and nothing fails with it."),
});

/** As it was written. */
export type WrittenConfig = z.infer<typeof configSchema>;
export type WrittenLog = WrittenConfig["logs"][number];
/** As it runs: every path in it is absolute, and what comes over a socket is read from a file too. */
export type Config = Omit<WrittenConfig, "logs"> & { readonly logs: readonly LogConfig[] };
export type LogConfig = Omit<WrittenLog, "path"> & { readonly path: string };

function parseSize(text: string): number | null {
  const match = /^(\d{1,9}) ?(B|KiB|MiB|GiB)$/.exec(text);
  if (match === null) return null;
  return Number(match[1]) * { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[match[2] as "B"];
}

const isAuditName = (text: string): boolean =>
  (AUDIT_NAMES as readonly string[]).includes(text) || ownNamePattern.test(text);

function knownTimezone(name: string): string | null {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return name;
  } catch {
    return null;
  }
}

/** `null` is allowed nowhere: a sandboxed page is not an origin that a site can mean. */
function webOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return ["http:", "https:"].includes(url.protocol) && url.origin === text.toLowerCase() ? url.origin : null;
}

function listenAddress(text: string): { readonly host: string; readonly port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const host = (match[1] ?? match[2])!;
  const port = Number(match[3]);
  const isAddress = match[1] !== undefined || /^[\d.]+$/.test(host);
  return port <= 65_535 && (!isAddress || parseIp(host) !== null) ? { host, port } : null;
}

import { z } from "zod";
import type { Door } from "../model/door.ts";
import { type Ip, isIpv4, parseIp } from "../model/ip.ts";
import { parsedText } from "../model/parsed-text.ts";
import { parseDuration } from "../model/time.ts";
import { cronExpression } from "./cron.ts";

/** When something is done. */
export const schedule = parsedText<string>(
  cronExpression,
  "a cron expression",
  'five fields: minute hour day month weekday ("17 * * * *" is hourly at :17)',
);
const timeLimit = parsedText<number>(
  (text) => {
    const length = parseDuration(text);
    return length !== null && length <= 600_000 ? length : null;
  },
  "a time limit",
  "a number and s or m, ten minutes at most (30s)",
);
/** Of the web server. */
const webPorts = (most: number) =>
  z.array(z.number().int().min(1).max(65_535)).min(1).max(most).default([80, 443]);
/** A path that may stand unquoted in Apache's configuration. */
const apachePath = parsedText<string>(
  (text) =>
    /^\/[A-Za-z0-9/_.+-]+$/.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text)
      ? text.replace(/\/+$/, "") || null
      : null,
  "a path for Apache's configuration",
  "an absolute path of letters, digits and . _ - +",
);
/** Of a Unix socket. */
export const socketMode = parsedText<number>(
  (text) => (/^0?[0-7]{3}$/.test(text) && !/[2367]$/.test(text) ? Number.parseInt(text, 8) : null),
  "a mode that keeps others out",
  'three octal digits in quotes, the last one without write permission ("0660" or "0600")',
);

/** What blocks. */
export const enforcersSchema = z
  .strictObject({
    "apache-directory": z
      .strictObject({
        directory: apachePath
          .default("/run/sekisho/banned")
          .describe("Holds one empty file for each banned address; Apache's web user must reach it."),
        user: z.string().optional().describe("Whom Apache runs as; default: www-data or apache."),
      })
      .optional()
      .describe("Blocks on the next request, without a reload."),
    "apache-include": z
      .strictObject({
        file: apachePath
          .default("/var/lib/sekisho-apache/blocklist.conf")
          .describe(
            "The generated file that Apache includes; nobody but root should be able to write there.",
          ),
        control: z.string().min(1).default("apache2ctl").describe("Takes configtest and graceful."),
        schedule: schedule
          .prefault("17 * * * *")
          .describe("When what waits is brought into force by one graceful reload."),
        limit: z
          .number()
          .int()
          .min(1)
          .max(100_000)
          .default(1_000)
          .describe("Targets in the file at most; each request is compared with all of them."),
        generations: z
          .number()
          .int()
          .min(1)
          .max(1_000)
          .default(20)
          .describe("So many former lists that Apache ran with are kept, for `sekisho apache rollback`."),
        lingering: z
          .number()
          .int()
          .min(1)
          .max(10_000)
          .default(10)
          .describe(
            "With so many old processes of Apache's that still hold WebSockets it is not reloaded; less than Apache's ServerLimit (16).",
          ),
        pidFile: apachePath
          .optional()
          .describe("Apache's PidFile; default: that of Debian, of RHEL or of /usr/local/apache2."),
      })
      .optional()
      .describe("Blocks ranges and the settled list, after a graceful reload on schedule."),
    ufw: z
      .strictObject({
        ports: webPorts(15).describe(
          "Only connections to these ports are denied: the web server's, fifteen at most.",
        ),
        limit: z
          .number()
          .int()
          .min(0)
          .max(1_000)
          .default(100)
          .describe("Rules in ufw's list at most; what is above that is in a set which ufw loads."),
        requests: parsedText<string>(
          (text) => (/^\/[^\0]*[^\0/]$/.test(text) && !/(^|\/)\.\.?(\/|$)/.test(text) ? text : null),
          "a folder by its absolute path",
          "/run/sekisho/ufw, where sekisho-ufw.path looks",
        )
          .optional()
          .describe(
            "Where requests to root's half are left (/run/sekisho/ufw); default: Sekisho runs ufw itself, as root.",
          ),
      })
      .optional()
      .describe("Denies new connections by rules that `ufw status` shows."),
    nftables: z
      .strictObject({
        ports: webPorts(100).describe("Only packets to these ports are dropped: the web server's."),
        everyPort: z
          .boolean()
          .default(false)
          .describe("Drops packets to every port, ssh too, whatever ports says."),
      })
      .optional()
      .describe("Drops packets in a table of its own; connections that are open stop too."),
    exec: z
      .strictObject({
        command: z
          .array(z.string().min(1))
          .min(1)
          .describe("Absolute path of the program, and its arguments; no shell reads them."),
        timeout: timeLimit.prefault("30s").describe("The program is killed when it takes longer."),
      })
      .optional()
      .describe("Has a program of yours block: it gets all that is wanted on its standard input."),
    guard: z
      .strictObject({
        socket: z
          .string()
          .min(1)
          .default("/run/sekisho/guard.sock")
          .describe("The Unix socket that apps connect to."),
        group: z
          .string()
          .min(1)
          .optional()
          .describe("Who may connect beside Sekisho's own user: a group's name or number."),
        mode: socketMode.optional().describe("Permissions of the socket, as in chmod; default: 0660."),
      })
      .optional()
      .describe("Tells apps who is banned, so that they refuse them and close their sockets."),
    "dry-run": z.strictObject({}).optional().describe("Blocks nobody: shows what would be blocked."),
  })
  .prefault({});

/** What closes connections of whom is blocked. */
export const cutSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe("Closes what banned clients have open to the web server, once an enforcer refuses them."),
    ports: webPorts(100).describe("Only connections to these ports are closed: the web server's."),
  })
  .prefault({});

/** How Apache is asked whether it refuses. */
export const probeSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe(
        "Sends Apache a request from 127.83.0.0/16 now and then, to see that it refuses whom it should.",
      ),
    url: parsedText<Door>(
      doorOf,
      "an address of this host's Apache",
      "a URL that everybody may open (https://www.example.com/); a name is asked for at 127.0.0.1, or give an IPv4 address of this host",
    )
      .optional()
      .describe("What is asked; default: what Apache's configuration says."),
  })
  .prefault({});

/** Connections come from loopback, which has one address only in IPv6. */
function doorOf(text: string): Door | null {
  if (!URL.canParse(text)) return null;
  const { protocol, hostname, port, pathname, search, username, password } = new URL(text);
  const tls = protocol === "https:";
  if ((!tls && protocol !== "http:") || hostname.startsWith("[") || username + password !== "") return null;
  const ip = parseIp(hostname);
  if (ip !== null && !isIpv4(ip)) return null;
  const [address, name] = ip === null ? (["127.0.0.1" as Ip, hostname] as const) : ([ip, null] as const);
  return { address, name, port: Number(port || (tls ? 443 : 80)), tls, path: pathname + search };
}

import type { ChosenLog, LogChoice } from "../apache-config/choose-logs.ts";
import type { LikelyOrigins } from "../apache-config/origins.ts";
import type { ReadConfig } from "../apache-config/reader.ts";
import { type Server, serverLabel } from "../apache-config/servers.ts";
import type { FoundSnippet } from "../apache-config/snippet.ts";
import type { TrustedProxies } from "../apache-config/trusted-proxies.ts";
import type { WebSocketProxy } from "../apache-config/websockets.ts";
import type { Place } from "../apache-config/words.ts";
import type { PlannedLog } from "./init-logs.ts";

/** Something that a person should know before Sekisho reads these logs. */
export interface Note {
  readonly place: Place | null;
  readonly message: string;
  readonly hint: string;
}

/** Who has the snippet has that log in it already, behind a `#`. */
const howToShow = ({ place }: FoundSnippet): string =>
  place === null
    ? "`sekisho apache snippet` prints the lines of a log that shows them; with these in Apache, run this again"
    : `take the # off one GlobalLog line in ${place.file}, have Apache read it, and run this again`;

/** Logs that cannot be read and that no other log stands in for. */
export function unreadableNotes(logs: readonly PlannedLog[]): Note[] {
  const read = { access: new Set<Server>(), error: new Set<Server>() };
  for (const { kind, verdict, servers } of logs)
    if (verdict === "read") for (const server of servers) read[kind].add(server);
  return logs.flatMap(({ kind, verdict, path, why, hint, servers, place }) =>
    verdict === "cannot be read" && servers.some((server) => !read[kind].has(server))
      ? [{ place, message: `${path}: ${why}`, hint: hint ?? "" }]
      : [],
  );
}

/** Vhosts whose requests nobody will see. */
export function unreadNotes(servers: readonly Server[], read: readonly ChosenLog[]): Note[] {
  const watched = new Set(read.flatMap((log) => log.servers));
  const vhosts = servers.filter(({ place }) => place !== null);
  const unread = (vhosts.length === 0 ? servers : vhosts).filter((server) => !watched.has(server));
  return unread.map((server) => ({
    place: server.place,
    message: `no log of ${serverLabel(server)} can be read, so its requests stay unseen`,
    hint: 'give it one: CustomLog "/var/log/apache2/NAME_access.log" combined',
  }));
}

/** Sites with WebSockets whose log cannot show how a handshake was made. */
export function handshakeNotes(
  webSockets: readonly WebSocketProxy[],
  read: readonly ChosenLog[],
  snippet: FoundSnippet,
): Note[] {
  const passing = new Set(webSockets.flatMap(({ servers }) => servers));
  return read
    .filter(({ handshakes, servers }) => !handshakes && servers.some((server) => passing.has(server)))
    .map(({ path, log }) => ({
      place: log.place,
      message: `${path} does not show Origin and Upgrade, which the rules on WebSocket handshakes need`,
      hint: howToShow(snippet),
    }));
}

/** The snippet's lines on openings do nothing without their module. */
export function openingNotes({ place, logsOpenings }: FoundSnippet, control: string): Note[] {
  if (place === null || logsOpenings) return [];
  const isDebian = control === "apache2ctl";
  return [
    {
      place,
      message: "mod_log_debug is not loaded, so WebSockets are seen only when they close",
      hint: isDebian
        ? "sudo a2enmod log_debug && sudo apache2ctl configtest && sudo apache2ctl graceful"
        : `put LoadModule log_debug_module modules/mod_log_debug.so where Apache has its others (RHEL: a file in /etc/httpd/conf.modules.d), then ${control} configtest && ${control} graceful`,
    },
  ];
}

/** What in the chosen logs would be misread, or comes late. */
export function formatNotes(choice: LogChoice, { directives }: ReadConfig, proxies: TrustedProxies): Note[] {
  const notes: Note[] = [];
  for (const { path, log } of choice.doubled)
    notes.push({
      place: log.place,
      message: `${path} is given each request twice by one vhost, so each counts twice`,
      hint: "take one of the two CustomLog lines away",
    });
  for (const { log, condition } of choice.partial)
    notes.push({
      place: log.log.place,
      message: `${log.path} has only the requests with ${condition}; the others stay unseen`,
      hint: "take the condition away, or write the others to a file of their own, with the opposite condition",
    });
  for (const { log, as } of choice.mixed)
    notes.push({
      place: log.log.place,
      message: `${as.path} holds lines of another format too, which will stay unparsed`,
      hint: "let each format have a file of its own",
    });
  const on = (name: string) =>
    directives.findLast((each) => each.name === name && /^(on|double)$/i.test(each.words[0] ?? ""));
  const names = on("hostnamelookups");
  if (names !== undefined && choice.read.some(({ log }) => /%h/.test(log.format) && !/%a/.test(log.format)))
    notes.push({ place: names.place, ...HOST_NAMES });
  const buffered = on("bufferedlogs");
  if (buffered !== undefined) notes.push({ place: buffered.place, ...BUFFERED });
  const forwarded = choice.read.find(({ log }) => /%\{x-forwarded-for\}i/i.test(log.format));
  if (forwarded !== undefined && proxies.header === null)
    notes.push({ place: forwarded.log.place, ...FORWARDED });
  return notes;
}

const HOST_NAMES = {
  message: "HostnameLookups writes names where %h stands, and lines without an address stay unparsed",
  hint: "write HostnameLookups Off, or %a in the place of %h",
};
const BUFFERED = {
  message: "BufferedLogs holds lines back until several KiB have gathered, so bans come late",
  hint: "take it away, or write BufferedLogs Off",
};
const FORWARDED = {
  message:
    "a log shows X-Forwarded-For, but Apache is not told to believe it: behind a proxy, bans would hit the proxy",
  hint: "if there is a proxy in front: name its addresses in trustedProxies, or set up mod_remoteip and run this again",
};

export function originNotes(
  { origins, unclear }: LikelyOrigins,
  webSockets: readonly WebSocketProxy[],
  behindProxies: boolean,
): Note[] {
  const notes: Note[] = unclear.map(({ name, place }) => ({
    place,
    message: `'${name}' is not one web origin`,
    hint: "add the origins that are meant to origins by hand (https://app.example.com)",
  }));
  const plain = origins.filter((each) => each.plain);
  if (plain.length > 0)
    notes.push({
      place: plain[0]!.place,
      message: `no TLS vhost has these names, so their origins are unencrypted: ${plain.map(({ origin }) => origin).join(", ")}`,
      hint: behindProxies
        ? "take them away if the proxies in front let https through only"
        : "if TLS ends at a proxy in front of Apache, write https:// there",
    });
  if (webSockets.length > 0 && origins.length === 0)
    notes.push({
      place: webSockets[0]!.place,
      message: "WebSockets are passed on, but no vhost says by which name",
      hint: "add the origins of the pages that open them to origins by hand",
    });
  return notes;
}

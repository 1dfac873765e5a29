import { fileTarget, type LogTarget, logTarget } from "./piped-log.ts";
import type { Directive, ReadConfig, ReadProblem } from "./reader.ts";
import { type Server, serverLabel } from "./servers.ts";
import type { Place } from "./words.ts";

/** What a CustomLog, TransferLog or GlobalLog does. */
export interface AccessLog {
  /** As it stands in the configuration. */
  readonly written: string;
  /** Paths are as they are reached from here. */
  readonly target: LogTarget;
  /** The LogFormat string, unquoted. */
  readonly format: string;
  /** The nickname that the log is given, null where the string itself stands there. */
  readonly nickname: string | null;
  /** Whose requests it has; of a server with logs of its own, only these. */
  readonly servers: readonly Server[];
  /** `env=…` or `expr=…`: then it has some of the requests only. */
  readonly condition: string | null;
  /** A GlobalLog: in every server, whatever else it logs. */
  readonly global: boolean;
  readonly place: Place;
}

interface OtherFormat {
  readonly format: string | null;
  readonly server: Server;
}

export interface ErrorLog {
  readonly written: string;
  readonly target: LogTarget;
  /** ErrorLogFormat of the first of its servers; null is Apache's default. */
  readonly format: string | null;
  /** Those of the others, where they have another. */
  readonly otherFormats: readonly OtherFormat[];
  readonly servers: readonly Server[];
  /** Null for the one that Apache has where nothing is said. */
  readonly place: Place | null;
}

/** DEFAULT_LOG_FORMAT of mod_log_config, known as CLF. */
const CLF = '%h %l %u %t "%r" %>s %b';
/** As Apache is compiled, on Debian and RHEL too. */
const DEFAULT_ERROR_LOG = "logs/error_log";

/** As MAX_VHOSTS. */
const MAX_LOGS = 10_000;

type Locate = (path: string) => string;

const located = (target: LogTarget, locate: Locate): LogTarget =>
  target.kind === "file" ? fileTarget(locate(target.path)) : target;

const atTop = ({ section }: Directive): boolean => section === null || section.name === "virtualhost";
const named = ({ directives }: Server, ...names: readonly string[]): Directive[] =>
  directives.filter((directive) => names.includes(directive.name) && atTop(directive));

/** The formats that a server knows, by nickname; the last LogFormat of a name counts, wherever it stands. */
interface Formats {
  readonly byName: ReadonlyMap<string, string>;
  /** For TransferLog: the last LogFormat without a nickname. */
  readonly unnamed: string;
}

function formatsOf(server: Server, base: Formats): Formats {
  const byName = new Map(base.byName);
  let { unnamed } = base;
  for (const { words } of named(server, "logformat")) {
    const [format = "", nickname] = words;
    if (nickname === undefined) unnamed = format;
    else byName.set(nickname, format);
  }
  return { byName, unnamed: byName.get(unnamed) ?? unnamed };
}

/** Every access log, with the servers whose requests it has. `servers` begins with the main server. */
export function accessLogsOf(servers: readonly Server[], locate: Locate): AccessLog[] {
  const main = servers[0]!;
  const vhosts = servers.slice(1);
  const mainFormats = formatsOf(main, { byName: new Map([["CLF", CLF]]), unnamed: CLF });
  const isOwn = (server: Server) => named(server, "customlog", "transferlog");
  const inheriting = vhosts.filter((vhost) => isOwn(vhost).length === 0);
  const logs: AccessLog[] = [];
  const add = (directive: Directive, formats: Formats, of: readonly Server[]): void => {
    logs.push(accessLog(directive, formats, of, locate));
  };
  for (const directive of named(main, "globallog")) add(directive, mainFormats, servers);
  for (const directive of isOwn(main)) add(directive, mainFormats, [main, ...inheriting]);
  for (const vhost of vhosts) {
    const formats = formatsOf(vhost, mainFormats);
    for (const directive of isOwn(vhost)) add(directive, formats, [vhost]);
  }
  return logs.slice(0, MAX_LOGS);
}

function accessLog(
  { name, words, place }: Directive,
  formats: Formats,
  servers: readonly Server[],
  locate: Locate,
): AccessLog {
  const [written = "", second] = words;
  const isTransfer = name === "transferlog";
  const wanted = isTransfer ? undefined : second;
  const format = wanted === undefined ? formats.unnamed : (formats.byName.get(wanted) ?? wanted);
  const condition = isTransfer ? null : (words[2] ?? null);
  return {
    written,
    target: located(logTarget(written), locate),
    format,
    nickname: wanted !== undefined && formats.byName.has(wanted) ? wanted : null,
    servers,
    condition,
    global: name === "globallog",
    place,
  };
}

/** Every error log, by what is written: a vhost without one uses the main server's. */
export function errorLogsOf(servers: readonly Server[], locate: Locate): ErrorLog[] {
  const logs = new Map<string, ErrorLog & { readonly servers: Server[]; otherFormats: OtherFormat[] }>();
  const main = servers[0]!;
  const own = (server: Server) => named(server, "errorlog").at(-1);
  for (const server of servers) {
    const directive = own(server) ?? own(main);
    const written = directive?.words[0] ?? DEFAULT_ERROR_LOG;
    const target = located(logTarget(written), locate);
    // Written twice it may be one file.
    const key = target.kind === "file" ? target.path : written;
    const format = lineFormat(server) ?? lineFormat(main);
    const log = logs.get(key);
    if (log === undefined) {
      const place = directive?.place ?? null;
      logs.set(key, { written, target, format, otherFormats: [], servers: [server], place });
      continue;
    }
    log.servers.push(server);
    if (log.format !== format) log.otherFormats.push({ format, server });
  }
  return [...logs.values()];
}

/** One note for each error log that servers write to in different formats. */
export function mixedErrorLogs(logs: readonly ErrorLog[]): ReadProblem[] {
  return logs.flatMap(({ target, otherFormats: [other] }) =>
    other === undefined || target.kind !== "file"
      ? []
      : [
          {
            place: other.server.place,
            message: `${target.path} holds lines of another ErrorLogFormat too, those of ${serverLabel(other.server)}, which will stay unparsed`,
            hint: "give that vhost an ErrorLog of its own, or all that share the file one ErrorLogFormat",
          },
        ],
  );
}

/** `ErrorLogFormat request …` and `connection …` are further lines, not the line of a message. */
const lineFormat = (server: Server): string | null =>
  named(server, "errorlogformat").findLast(({ words }) => words.length === 1)?.words[0] ?? null;

/** Paths of a configuration as they are reached from here; a folder that is a link is followed. */
export const locateIn =
  (
    tree: { locate(path: string, base: string): string; withoutFolderLink(path: string): string },
    config: ReadConfig,
  ) =>
  (path: string): string =>
    tree.withoutFolderLink(tree.locate(path, config.serverRoot));

import { chooseLogs, type LogChoice, type ReadableLog } from "../apache-config/choose-logs.ts";
import type { Installation } from "../apache-config/layout.ts";
import { type AccessLog, accessLogsOf, type ErrorLog, errorLogsOf, locateIn } from "../apache-config/logs.ts";
import { type LikelyOrigins, likelyOrigins } from "../apache-config/origins.ts";
import { type ReadConfig, readApacheConfig } from "../apache-config/reader.ts";
import { MAX_VHOSTS, type Server, serverLabel, serversOf } from "../apache-config/servers.ts";
import { type FoundSnippet, snippetIn } from "../apache-config/snippet.ts";
import { type TrustedProxies, trustedProxiesOf } from "../apache-config/trusted-proxies.ts";
import { type WebSocketProxy, webSocketProxiesOf } from "../apache-config/websockets.ts";
import type { Place } from "../apache-config/words.ts";
import { SekishoError } from "../model/errors.ts";
import { type FormatFitness, fitnessOf } from "../parse/format-fields.ts";
import { createParser } from "../parse/formats.ts";
import {
  formatNotes,
  handshakeNotes,
  type Note,
  openingNotes,
  originNotes,
  unreadableNotes,
  unreadNotes,
} from "./init-notes.ts";

/** A log that Apache writes, and what becomes of it. */
export interface PlannedLog {
  readonly kind: "access" | "error";
  /** Where it can be read, stars included; else what stands in Apache's configuration. */
  readonly path: string;
  /** For `format:`; null where that says nothing. */
  readonly format: string | null;
  readonly verdict: "read" | "left out" | "cannot be read";
  /** Why it is not read. */
  readonly why: string | null;
  readonly hint: string | null;
  readonly servers: readonly Server[];
  readonly place: Place | null;
}

/** What Apache's configuration leads to. */
export interface InitPlan {
  readonly apache: Installation;
  readonly config: ReadConfig;
  readonly servers: readonly Server[];
  readonly logs: readonly PlannedLog[];
  readonly webSockets: readonly WebSocketProxy[];
  readonly proxies: TrustedProxies;
  readonly origins: LikelyOrigins["origins"];
  readonly snippet: FoundSnippet;
  readonly notes: readonly Note[];
}

interface JudgedLog {
  readonly log: AccessLog;
  readonly fitness: FormatFitness;
}

export function planFor(apache: Installation): InitPlan {
  const config = readApacheConfig(apache);
  const servers = serversOf(config);
  const locate = locateIn(apache.tree, config);
  const judged = accessLogsOf(servers, locate).map((log) => ({ log, fitness: fitnessOf(log.format) }));
  const choice = chooseLogs(judged.flatMap(readable));
  const access = plannedAccess(judged, choice);
  const logs = [...access, ...plannedErrors(errorLogsOf(servers, locate), access)];
  const webSockets = webSocketProxiesOf(servers);
  const proxies = trustedProxiesOf(config, apache.tree);
  const snippet = snippetIn(config);
  const behindProxies = proxies.header !== null && proxies.targets.length > 0;
  const { origins, unclear } = likelyOrigins(servers, webSockets, behindProxies);
  return {
    apache,
    config,
    servers,
    logs,
    webSockets,
    proxies,
    origins,
    snippet,
    notes: [
      ...config.problems,
      ...(servers.length > MAX_VHOSTS ? [TOO_MANY_VHOSTS] : []),
      ...proxies.problems,
      ...unreadableNotes(logs),
      ...unreadNotes(servers, choice.read),
      ...handshakeNotes(webSockets, choice.read, snippet),
      ...openingNotes(snippet, apache.control),
      ...formatNotes(choice, config, proxies),
      ...originNotes({ origins, unclear }, webSockets, behindProxies),
    ],
  };
}

const TOO_MANY_VHOSTS: Note = {
  place: null,
  message: `only the first ${MAX_VHOSTS} vhosts were looked at`,
  hint: "name a smaller file by --apache-config",
};

function readable({ log, fitness }: JudgedLog): ReadableLog[] {
  if (log.target.kind !== "file" || !fitness.usable) return [];
  return [{ log, path: log.target.path, handshakes: fitness.handshakes, fields: fitness.fields }];
}

function plannedAccess(judged: readonly JudgedLog[], choice: LogChoice): PlannedLog[] {
  const instead = new Map(choice.leftOut.map((each) => [each.log.log, each.instead]));
  const chosen = new Map(choice.read.map((log) => [log.log, log]));
  return judged.flatMap(({ log, fitness }): PlannedLog[] => {
    const { target, servers, place } = log;
    const seen = { kind: "access" as const, format: null, servers, place };
    if (target.kind === "elsewhere") return [unreadable({ ...seen, path: log.written }, target)];
    const { path } = target;
    if (!fitness.usable) return [unreadable({ ...seen, path, format: log.format }, fitness)];
    const found = { ...seen, path, format: fitness.format };
    const other = instead.get(log);
    if (other !== undefined) return [leftOut(found, `has the same requests as ${other.path}`)];
    // Several vhosts may write one file: it is one entry.
    const read = chosen.get(log);
    return read === undefined ? [] : [wouldRead({ ...found, servers: read.servers })];
  });
}

function plannedErrors(logs: readonly ErrorLog[], access: readonly PlannedLog[]): PlannedLog[] {
  const taken = new Set(access.flatMap(({ verdict, path }) => (verdict === "read" ? [path] : [])));
  return logs.map(({ written, target, format, servers, place }): PlannedLog => {
    const seen = { kind: "error" as const, format, servers, place };
    if (target.kind === "elsewhere") return unreadable({ ...seen, path: written }, target);
    const found = { ...seen, path: target.path };
    if (taken.has(found.path)) return leftOut(found, "is read already");
    const unfit = format === null ? null : errorFormatProblem(format);
    if (unfit !== null) return unreadable(found, { why: unfit.message, hint: unfit.hint });
    taken.add(found.path);
    return wouldRead(found);
  });
}

type FoundLog = Omit<PlannedLog, "verdict" | "why" | "hint">;

const wouldRead = (log: FoundLog): PlannedLog => ({ ...log, verdict: "read", why: null, hint: null });
const leftOut = (log: FoundLog, why: string): PlannedLog => ({
  ...log,
  verdict: "left out",
  why,
  hint: null,
});
const unreadable = (
  log: FoundLog,
  { why, hint }: { readonly why: string; readonly hint: string },
): PlannedLog => ({ ...log, verdict: "cannot be read", why, hint });

function errorFormatProblem(format: string): SekishoError | null {
  try {
    createParser("error", format, null);
    return null;
  } catch (error) {
    if (error instanceof SekishoError) return error;
    throw error;
  }
}

export const logsToRead = (plan: InitPlan): readonly PlannedLog[] =>
  plan.logs.filter(({ verdict }) => verdict === "read");

/** `site.example and 3 more` */
export function serversText(servers: readonly Server[]): string {
  const labels = [...new Set(servers.filter(isShown).map(serverLabel))];
  if (labels.length === 0) return servers.length === 0 ? "" : serverLabel(servers[0]!);
  return labels.length > 2 ? `${labels[0]} and ${labels.length - 1} more` : labels.join(", ");
}

/** The main server of an Apache with vhosts has seldom a name and requests of its own. */
const isShown = ({ place, names }: Server): boolean => place !== null || names.length > 0;

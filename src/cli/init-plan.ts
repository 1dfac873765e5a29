import type { Installation } from "../apache-config/layout.ts";
import { accessLogsOf, errorLogsOf, locateIn, mixedErrorLogs } from "../apache-config/logs.ts";
import { type LikelyOrigins, likelyOrigins } from "../apache-config/origins.ts";
import { type ReadConfig, readApacheConfig } from "../apache-config/reader.ts";
import { MAX_VHOSTS, type Server, serverLabel, serversOf } from "../apache-config/servers.ts";
import { type FoundSnippet, snippetIn } from "../apache-config/snippet.ts";
import { type TrustedProxies, trustedProxiesOf } from "../apache-config/trusted-proxies.ts";
import { type WebSocketProxy, webSocketProxiesOf } from "../apache-config/websockets.ts";
import { type PlannedLog, planLogs } from "./init-logs.ts";
import {
  formatNotes,
  handshakeNotes,
  type Note,
  openingNotes,
  originNotes,
  unreadableNotes,
  unreadNotes,
} from "./init-notes.ts";

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

export function planFor(apache: Installation): InitPlan {
  const config = readApacheConfig(apache);
  const servers = serversOf(config);
  const locate = locateIn(apache.tree, config);
  const errorLogs = errorLogsOf(servers, locate);
  const { logs, choice } = planLogs(accessLogsOf(servers, locate), errorLogs);
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
      ...mixedErrorLogs(errorLogs),
      ...originNotes({ origins, unclear }, webSockets, behindProxies),
    ],
  };
}

const TOO_MANY_VHOSTS: Note = {
  place: null,
  message: `only the first ${MAX_VHOSTS} vhosts were looked at`,
  hint: "name a smaller file by --apache-config",
};

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

import type { Directive, Section } from "./reader.ts";
import type { Server } from "./servers.ts";
import type { Place } from "./words.ts";

/** A place of a site where Apache passes WebSockets on. */
export interface WebSocketProxy {
  /** The main server's is every vhost's too, unless it is a rewrite rule outside a section. */
  readonly servers: readonly Server[];
  /** A path, or the pattern of one, as written. */
  readonly path: string;
  readonly backend: string;
  readonly place: Place;
}

/** More than any honest Apache passes on to. */
const MAX_PROXIES = 1_000;

/** Every place where WebSockets are passed on, by ws:// and wss:// or by `upgrade=`. `servers` begins with the main server. */
export function webSocketProxiesOf(servers: readonly Server[]): WebSocketProxy[] {
  const upgrading = upgradingProxies(servers.flatMap(({ directives }) => directives));
  return servers.flatMap((server) => {
    const found: WebSocketProxy[] = [];
    let conditions: Directive[] = [];
    for (const directive of server.directives) {
      if (directive.name === "rewritecond") conditions.push(directive);
      const passed = passedOn(directive, conditions, upgrading);
      if (directive.name === "rewriterule") conditions = [];
      if (passed === null) continue;
      const inherited =
        server.place === null && (directive.name !== "rewriterule" || directive.section !== null);
      found.push({ ...passed, servers: inherited ? servers : [server], place: directive.place });
    }
    return found;
  });
}

type Passed = Pick<WebSocketProxy, "path" | "backend">;

function passedOn(
  directive: Directive,
  conditions: readonly Directive[],
  upgrading: readonly string[],
): Passed | null {
  const { name, words, section } = directive;
  const isUpgrading = (backend: string): boolean =>
    /^wss?:/i.test(backend) || upgrading.some((prefix) => isBelow(backend, prefix));
  if (name === "proxypass" || name === "proxypassmatch") {
    const within = locationOf(section);
    const [path = "", backend = "", ...parameters] = within === null ? words : [within, ...words];
    return backend !== "!" && (isUpgrading(backend) || parameters.some(asksToUpgrade))
      ? { path, backend }
      : null;
  }
  if (name === "rewriterule") {
    const [path = "", backend = "", flags = ""] = words;
    const proxies = /[[,]\s*(P|proxy)\s*[\],]/i.test(flags);
    const forUpgrades = conditions.some(({ words: [test, pattern] }) => isUpgradeTest(test, pattern));
    return proxies && (isUpgrading(backend) || forUpgrades) ? { path, backend } : null;
  }
  const handler = name === "sethandler" ? /^proxy:(.*)$/i.exec(words[0] ?? "")?.[1] : undefined;
  if (handler === undefined || !isUpgrading(handler)) return null;
  return { path: section?.words.at(-1) ?? "/", backend: handler };
}

/** `/ws` of `<Location /ws>`, also around an `<If>`. */
function locationOf(section: Section | null): string | null {
  for (let each = section; each !== null; each = each.parent)
    if (each.name === "location" || each.name === "locationmatch") return each.words.at(-1) ?? "/";
  return null;
}

const asksToUpgrade = (parameter: string): boolean => /^upgrade=(?!none$)./i.test(parameter);

const isUpgradeTest = (test = "", pattern = ""): boolean =>
  /^%\{HTTP:(Upgrade|Sec-WebSocket-\w+)\}$/i.test(test) && !pattern.startsWith("!") && pattern !== "^$";

/** What `<Proxy …>`, BalancerMember and ProxySet say of backends: those whose members take WebSockets. */
function upgradingProxies(directives: readonly Directive[]): string[] {
  const found = new Set<string>();
  for (const { name, words, section } of directives) {
    if (name !== "balancermember" && name !== "proxyset") continue;
    const within = section?.name === "proxy" ? section.words[0] : undefined;
    const backend = within ?? words[0] ?? "";
    const members = within === undefined ? words.slice(1) : words;
    if (members.some((word) => /^wss?:/i.test(word) || asksToUpgrade(word))) found.add(backend.toLowerCase());
  }
  return [...found].filter((each) => each !== "").slice(0, MAX_PROXIES);
}

function isBelow(backend: string, prefix: string): boolean {
  const lower = backend.toLowerCase();
  const bare = prefix.replace(/\/$/, "");
  return lower.startsWith(bare) && ["", "/", "?"].includes(lower[bare.length] ?? "");
}

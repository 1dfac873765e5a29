import type { Server } from "./servers.ts";
import type { WebSocketProxy } from "./websockets.ts";
import type { Place } from "./words.ts";

/** A web origin whose pages probably open the WebSockets of these sites. */
export interface LikelyOrigin {
  readonly origin: string;
  /** The vhost that it was taken from; null for the main server. */
  readonly place: Place | null;
  /** Unencrypted, since no TLS vhost has the name. */
  readonly plain: boolean;
}

export interface LikelyOrigins {
  readonly origins: readonly LikelyOrigin[];
  /** Names that are no origin, such as `*.example.com`. */
  readonly unclear: readonly { readonly name: string; readonly place: Place | null }[];
}

/**
 * The origins of every name of the servers that pass WebSockets on: https where a TLS vhost has the name, on its ports.
 * `behindProxies`: TLS may end before Apache, so where only http is seen here https is likely too.
 */
export function likelyOrigins(
  servers: readonly Server[],
  webSockets: readonly WebSocketProxy[],
  behindProxies: boolean,
): LikelyOrigins {
  const origins = new Map<string, LikelyOrigin>();
  const unclear = new Map<string, Place | null>();
  const passing = new Set(webSockets.flatMap((each) => each.servers));
  for (const [name, namesakes] of byName(servers)) {
    const own = namesakes.filter((server) => passing.has(server));
    if (own.length === 0) continue;
    for (const likely of originsOf(name, own, namesakes, behindProxies)) {
      if (!isOrigin(likely.origin)) unclear.set(name, likely.place);
      else if (!origins.has(likely.origin)) origins.set(likely.origin, likely);
    }
  }
  return { origins: [...origins.values()], unclear: [...unclear].map(([name, place]) => ({ name, place })) };
}

function byName(servers: readonly Server[]): Map<string, Server[]> {
  const found = new Map<string, Server[]>();
  for (const server of servers) {
    for (const name of server.names) {
      const namesakes = found.get(name);
      if (namesakes === undefined) found.set(name, [server]);
      else namesakes.push(server);
    }
  }
  return found;
}

function originsOf(
  name: string,
  own: readonly Server[],
  namesakes: readonly Server[],
  behindProxies: boolean,
): LikelyOrigin[] {
  const said = own.find(({ outside }) => outside !== null);
  if (said !== undefined) {
    const { scheme, port } = said.outside!;
    return [{ origin: originText(scheme, name, port), place: said.place, plain: scheme === "http" }];
  }
  const encrypted = namesakes.filter(({ tls }) => tls);
  if (encrypted.length > 0) return encrypted.flatMap((server) => onPorts("https", name, server));
  const plain = own.flatMap((server) => onPorts("http", name, server));
  const assumed = { origin: originText("https", name, null), place: own[0]!.place, plain: false };
  return behindProxies ? [assumed, ...plain] : plain;
}

function onPorts(scheme: "http" | "https", name: string, { addresses, place }: Server): LikelyOrigin[] {
  const ports = new Set(addresses.length === 0 ? [null] : addresses.map(({ port }) => port));
  // A vhost on both ports has TLS on the other one.
  if (scheme === "https" && ports.size > 1) ports.delete(80);
  return [...ports].map((port) => ({
    origin: originText(scheme, name, port),
    place,
    plain: scheme === "http",
  }));
}

function originText(scheme: "http" | "https", name: string, port: number | null): string {
  const usual = scheme === "https" ? 443 : 80;
  return port === null || port === usual ? `${scheme}://${name}` : `${scheme}://${name}:${port}`;
}

const isOrigin = (text: string): boolean =>
  !/[*?]/.test(text) && URL.canParse(text) && new URL(text).origin === text;

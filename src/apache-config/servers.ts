import type { Directive, ReadConfig, Section } from "./reader.ts";
import type { Place } from "./words.ts";

/** Where a server listens. `port` is null where any port that Apache listens on is meant. */
export interface Address {
  readonly host: string;
  readonly port: number | null;
}

/** A vhost, or the main server. */
export interface Server {
  /** Null for the main server. */
  readonly place: Place | null;
  /** ServerName first, then ServerAlias; in lower case, wildcards as written. */
  readonly names: readonly string[];
  /** What ServerName says beside the name, where a proxy in front has another scheme or port. */
  readonly outside: { readonly scheme: "http" | "https"; readonly port: number | null } | null;
  readonly addresses: readonly Address[];
  readonly tls: boolean;
  /** What is written for this server, in sections such as `<Location>` too. */
  readonly directives: readonly Directive[];
}

/** More than any honest Apache serves; keeps the comparison of vhosts and logs from taking for ever. */
export const MAX_VHOSTS = 10_000;

/** The main server first, then the vhosts in Apache's order. */
export function serversOf(config: ReadConfig): readonly Server[] {
  const byVhost = new Map<Section | null, Directive[]>([[null, []]]);
  for (const section of config.sections)
    if (section.name === "virtualhost" && byVhost.size <= MAX_VHOSTS) byVhost.set(section, []);
  const vhostOf = new Map<Section, Section | null>();
  for (const section of config.sections)
    vhostOf.set(
      section,
      section.name === "virtualhost" ? section : ((section.parent && vhostOf.get(section.parent)) ?? null),
    );
  for (const directive of config.directives)
    byVhost.get(directive.section && vhostOf.get(directive.section)!)?.push(directive);
  const main = byVhost.get(null)!;
  const listens = main.filter(({ name }) => name === "listen").map(({ words }) => listenOf(words));
  const inherited = tlsOf(main, []);
  return [...byVhost].map(([section, directives]) =>
    serverOf(section, directives, listens, section === null ? null : inherited),
  );
}

interface Listen extends Address {
  readonly https: boolean;
}

function serverOf(
  section: Section | null,
  directives: readonly Directive[],
  listens: readonly Listen[],
  inherited: boolean | null,
): Server {
  const written = section === null ? listens : section.words.map(addressOf);
  const addresses: Address[] = written.flatMap(({ host, port }) =>
    port === null && listens.length > 0
      ? listens.map((listen) => ({ host, port: listen.port }))
      : [{ host, port }],
  );
  const name = directives.findLast((each) => each.name === "servername")?.words[0];
  const parsed = name === undefined ? null : serverName(name);
  const aliases = directives.filter((each) => each.name === "serveralias").flatMap(({ words }) => words);
  const names = [...(parsed === null ? [] : [parsed.name]), ...aliases].map((each) => each.toLowerCase());
  const https = addresses.filter(({ port }) =>
    listens.some((listen) => listen.https && listen.port === port),
  );
  const { place } = section ?? { place: null };
  const tls = tlsOf(directives, addresses) ?? inherited ?? https.length > 0;
  return { place, names: [...new Set(names)], outside: parsed?.outside ?? null, addresses, tls, directives };
}

/** `https` is Apache's protocol of port 443 unless the Listen names another, and mod_ssl goes by it. */
function listenOf([address = "", protocol]: readonly string[]): Listen {
  const { host, port } = /^\d+$/.test(address) ? { host: "*", port: Number(address) } : addressOf(address);
  return { host, port, https: (protocol?.toLowerCase() ?? (port === 443 ? "https" : "http")) === "https" };
}

function addressOf(text: string): Address {
  const match = /^(.*?)(?::(\d{1,5}|\*))?$/.exec(text)!;
  // An IPv6 address stands in brackets; `_default_` is an old name of `*`.
  const whole = match[1]!.includes(":") && !match[1]!.startsWith("[");
  const host = whole ? text : match[1]!;
  const port = whole || match[2] === undefined || match[2] === "*" ? null : Number(match[2]);
  return { host: host === "_default_" ? "*" : host, port };
}

function serverName(text: string) {
  const match = /^(?:(https?):\/\/)?([^:/]+|\[[^\]]*\])(?::(\d{1,5}))?$/i.exec(text);
  if (match === null) return { name: text, outside: null };
  const scheme = match[1]?.toLowerCase() as "http" | "https" | undefined;
  const port = match[3] === undefined ? null : Number(match[3]);
  return { name: match[2]!, outside: scheme === undefined ? null : { scheme, port } };
}

/** By mod_ssl, mod_gnutls or mod_tls; null where nothing is said. */
function tlsOf(directives: readonly Directive[], addresses: readonly Address[]): boolean | null {
  const said = directives.findLast(({ name, section }) => {
    const atTop = section === null || section.name === "virtualhost";
    return atTop && (name === "sslengine" || name === "gnutlsenable");
  });
  if (said !== undefined) return ["on", "optional"].includes(said.words[0]?.toLowerCase() ?? "");
  const engines = directives.filter(({ name }) => name === "tlsengine").flatMap(({ words }) => words);
  const ports = engines.map((word) => Number(/(\d+)$/.exec(word)?.[1]));
  return addresses.some(({ port }) => port !== null && ports.includes(port)) ? true : null;
}

/** How a server is called on screen: by its name, else by where it listens. */
export function serverLabel({ place, names, addresses }: Server): string {
  if (names.length > 0) return names[0]!;
  if (place === null) return "the main server";
  return `the vhost ${addresses.map(addressText).join(" ")}`;
}

export const addressText = ({ host, port }: Address): string => (port === null ? host : `${host}:${port}`);

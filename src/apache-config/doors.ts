import type { Door } from "../model/door.ts";
import { type Ip, isIpv4, parseIp } from "../model/ip.ts";
import { answersEarly } from "./early-answers.ts";
import type { Directive, ReadConfig } from "./reader.ts";
import { type Address, type Server, serversOf } from "./servers.ts";

/** Cheap wherever it is: a small file, or none. */
const PATH = "/robots.txt";
const LOOPBACK = "127.0.0.1" as Ip;

/**
 * Where a program on this host reaches each server of this Apache, over IPv4. Those that may send everybody elsewhere come last: Apache
 * does so before it looks at access. An Apache that listens on IPv6 alone has none.
 */
export function doorsOf(config: ReadConfig): readonly Door[] {
  const [main, ...vhosts] = serversOf(config);
  const listens = main!.addresses;
  // A port that a vhost has is hardly ever the main server's, too.
  const taken = new Set(vhosts.flatMap(({ addresses }) => addresses.map(({ port }) => port)));
  const rest = { ...main!, addresses: listens.filter(({ port }) => !taken.has(port)) };
  const servers = [...vhosts, rest].toSorted((a, b) => Number(redirects(a)) - Number(redirects(b)));
  const doors = new Map<string, Door>();
  for (const server of servers) {
    for (const { address, port } of reachedAt(server, listens)) {
      const name = nameOf(server);
      const key = `${address} ${port} ${name}`;
      if (doors.has(key)) continue;
      // A vhost inherits what mod_alias is told at server level.
      const early = answersEarly([server, main!], PATH) ? { answersEarly: true } : {};
      doors.set(key, { address, port, tls: server.tls, name, path: PATH, ...early });
    }
  }
  return [...doors.values()];
}

interface Reached {
  readonly address: Ip;
  readonly port: number;
}

function reachedAt(server: Server, listens: readonly Address[]): Reached[] {
  return server.addresses.flatMap(({ host, port }) => {
    if (port === null) return [];
    const own = ipv4Of(host);
    if (own !== null) return [{ address: own, port }];
    // For every address: of these, one on which Apache listens.
    if (host !== "*") return [];
    const listening = listens.filter((listen) => listen.port === port);
    return listening
      .map((listen) => ({ address: ipv4Of(listen.host) ?? (listen.host === "*" ? LOOPBACK : null), port }))
      .filter((reached): reached is Reached => reached.address !== null);
  });
}

/** Null for names, patterns and IPv6. `0.0.0.0` is reached like any. */
function ipv4Of(host: string): Ip | null {
  const ip = parseIp(host);
  if (ip === null || !isIpv4(ip)) return null;
  return ip === "0.0.0.0" ? LOOPBACK : ip;
}

const nameOf = ({ names }: Server): string | null =>
  names.find((name) => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) && parseIp(name) === null) ?? null;

const redirects = ({ directives }: Server): boolean => directives.some(sendsElsewhere);

function sendsElsewhere({ name, words, section }: Directive): boolean {
  if (section !== null && section.name !== "virtualhost") return false;
  if (/^redirect(match|permanent|temp)?$/.test(name)) return true;
  return name === "rewriterule" && /^\[(.*,)?R(=\w+)?(,.*)?\]$/i.test(words[2] ?? "");
}

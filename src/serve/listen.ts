import { once } from "node:events";
import { createServer, isIP } from "node:net";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { isLoopbackName } from "./request-origin.ts";

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Why the dashboard could not be there, tried for a moment; null when it could, or when a Sekisho is there. */
export async function listenProblem(listen: Listen): Promise<SekishoError | null> {
  const host = listenHost({ listen, allowRemote: true });
  const server = createServer();
  try {
    server.listen({ host, port: listen.port, exclusive: true });
    await once(server, "listening");
    return null;
  } catch (cause) {
    if (systemCode(cause) === "EADDRINUSE" && (await isSekisho(host, listen.port))) return null;
    return await listenError(cause, host, listen.port);
  } finally {
    server.close();
  }
}

/** The address to listen on. Throws LISTEN_EXPOSED. */
export function listenHost({
  listen,
  allowRemote,
}: {
  readonly listen: Listen;
  readonly allowRemote: boolean;
}): string {
  const bare = listen.host.replace(/^\[(.*)\]$/, "$1");
  // One address, as Fastify would else listen on two and close only one of them in time.
  const host = bare.toLowerCase() === "localhost" ? "127.0.0.1" : bare;
  if (allowRemote || (isIP(host) !== 0 && isLoopbackName(host))) return host;
  throw new SekishoError(
    "LISTEN_EXPOSED",
    `dashboard.listen ${host} can be reached from other machines`,
    "listen on 127.0.0.1 and use a tunnel or a proxy with TLS, or set dashboard.allowRemote: true",
  );
}

/** Why nobody can listen there, in words: PORT_IN_USE or LISTEN_FAILED. */
export async function listenError(cause: unknown, host: string, port: number): Promise<SekishoError> {
  const at = urlOf(host, port).slice("http://".length);
  if (systemCode(cause) !== "EADDRINUSE") {
    const hint = "set dashboard.listen to an address of this machine and a port from 1024 up";
    return new SekishoError("LISTEN_FAILED", `cannot listen on ${at}: ${messageOf(cause)}`, hint, { cause });
  }
  const hint = (await isSekisho(host, port))
    ? "Sekisho seems to run there already (sekisho status); else set dashboard.listen to another port"
    : `another program listens there (ss -ltnp 'sport = :${port}' names it); set dashboard.listen to another port`;
  return new SekishoError("PORT_IN_USE", `${at} is in use`, hint, { cause });
}

async function isSekisho(host: string, port: number): Promise<boolean> {
  const url = pageUrl(urlOf(host, port), host, []);
  try {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000), redirect: "error" });
    return (await answer.text()).startsWith('{"status":"ok"');
  } catch {
    return false;
  }
}

export const urlOf = (host: string, port: number): string =>
  `http://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/** Where a browser finds the page: a wildcard address is reached over loopback, another one under its first name. */
export function pageUrl(url: string, host: string, hosts: readonly string[]): string {
  const { port } = new URL(url);
  if (host === "0.0.0.0") return urlOf("127.0.0.1", Number(port));
  if (host === "::") return urlOf("::1", Number(port));
  return isLoopbackName(host) ? url : (namedUrl(Number(port), hosts) ?? url);
}

/** Where a browser elsewhere finds the page: under its first name; null where it has none. */
export function namedUrl(port: number, [first]: readonly string[]): string | null {
  if (first === undefined || isLoopbackName(first)) return null;
  if (isIP(first) !== 0) return urlOf(first, port);
  const [, name = first, given = null] = /^(.*?)(?::(\d+))?$/.exec(first) ?? [];
  if (isLoopbackName(name)) return null;
  // An address, or a name at our own port, is asked for without a proxy between, so without TLS.
  const isDirect = given === null ? isIP(name.replace(/[[\]]/g, "")) !== 0 : given === String(port);
  return isDirect ? `http://${name}:${port}` : `https://${first}`;
}

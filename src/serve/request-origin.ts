import { SekishoError } from "../model/errors.ts";
import { isIpv4, parseIp } from "../model/ip.ts";

/** The Host that a request asked for, checked. */
export interface OwnHost {
  /** As sent, in lower case, with its port. */
  readonly text: string;
  /** The browser and Sekisho are on one machine, or a tunnel makes it look so. */
  readonly loopback: boolean;
}

const HOST = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/;

/**
 * Refuses every Host that is not ours. A page whose name was re-pointed at this machine (DNS rebinding) is same-origin
 * to its browser; only its Host gives it away. `hosts` are further names, with a port or for any.
 */
export function ownHost(header: string | undefined, hosts: readonly string[]): OwnHost {
  const text = (header ?? "").toLowerCase();
  const name = HOST.exec(text)?.[1];
  if (name !== undefined) {
    if (isLoopbackName(name)) return { text, loopback: true };
    const known = hosts.some((host) => host.toLowerCase() === text || host.toLowerCase() === name);
    if (known) return { text, loopback: false };
  }
  throw new SekishoError(
    "HOST_REFUSED",
    "the Host that was asked for is not Sekisho's",
    "ask for 127.0.0.1 or localhost, or add the name to dashboard.hosts",
  );
}

/** `localhost`, `*.localhost`, 127.0.0.0/8 and ::1, with or without brackets. */
export function isLoopbackName(name: string): boolean {
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const ip = parseIp(name.replace(/^\[(.*)\]$/, "$1"));
  return ip !== null && (isIpv4(ip) ? ip.startsWith("127.") : ip === "::1");
}

/** An Origin, where one was sent, must be a page of this Host. TLS may end at a proxy, so both schemes can be ours. */
export function checkOrigin(origin: string | undefined, host: OwnHost): void {
  if (origin === undefined || isOwn(origin, ["http", "https"], host)) return;
  throw new SekishoError(
    "ORIGIN_REFUSED",
    "the request comes from a page of another origin",
    "use Sekisho's own page; behind a proxy let it pass the Host header on (Apache: ProxyPreserveHost On)",
  );
}

/** What the API answers is for our own page and for programs, not for pages of other origins, nor of other ports. */
export function checkFetchSite(site: string | undefined): void {
  if (site === undefined || site === "same-origin" || site === "none") return;
  throw new SekishoError(
    "ORIGIN_REFUSED",
    "the browser says that another site sent this request",
    "use Sekisho's own page",
  );
}

/**
 * A cookie goes along with requests that other pages cause, so a change by cookie has to prove where it comes from.
 * Away from loopback our page is on https, or the cookie would not have been kept.
 */
export function checkOwnPage(origin: string | undefined, site: string | undefined, host: OwnHost): void {
  if (origin === undefined ? site === "same-origin" : isSafe(origin, host)) return;
  throw new SekishoError(
    "ORIGIN_REFUSED",
    "a change with a session needs the Origin of Sekisho's own page",
    "use the page, or send the token: Authorization: Bearer TOKEN",
  );
}

/** Refuses to open a session whose cookie would cross a network in the clear, which the browser would drop anyway. */
export function checkSignIn(origin: string | undefined, host: OwnHost): void {
  if (origin === undefined || isSafe(origin, host)) return;
  throw new SekishoError(
    "ORIGIN_REFUSED",
    "over plain http the page signs in on loopback only",
    "put TLS in front, or use a tunnel: ssh -L 7080:127.0.0.1:7080 HOST, then http://127.0.0.1:7080/",
  );
}

/** True when the session's cookie must only travel over TLS. */
export const needsSecureCookie = (origin: string | undefined, host: OwnHost): boolean =>
  !host.loopback || (origin?.startsWith("https:") ?? false);

const isSafe = (origin: string, host: OwnHost): boolean =>
  isOwn(origin, host.loopback ? ["http", "https"] : ["https"], host);

const isOwn = (origin: string, schemes: readonly string[], host: OwnHost): boolean =>
  schemes.some((scheme) => origin.toLowerCase() === `${scheme}://${host.text}`);

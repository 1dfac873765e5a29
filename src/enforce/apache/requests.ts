import { type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type Door, doorText } from "../../model/door.ts";
import type { Ip } from "../../model/ip.ts";
import { ORDINARY } from "./canary.ts";

const PATIENCE_MS = 3_000;
/** Sites where the first eight tell nothing are left to `probe.url`. */
const MAX_DOORS = 8;

/** The status that Apache answers to a client with this address; null when nothing answers HTTP there. */
export type Ask = (door: Door, from: Ip, signal: AbortSignal) => Promise<number | null>;

/** What became of a request from an address that should be refused, where others are let in. */
export type Asked =
  | { readonly kind: "refused" }
  | { readonly kind: "passed"; readonly where: string }
  | { readonly kind: "unknown"; readonly why: string };

/** Somewhere Apache answers, and what it answers to anybody. */
export interface Look {
  readonly door: Door;
  readonly status: number;
}

/**
 * Statuses that Apache gives only to whom it lets in. All others may be given before it looks at access, redirects of a vhost for
 * instance, and tell nothing; as some vhosts are written, so may 404 and 410.
 */
const LET_IN: ReadonlySet<number> = new Set([401, 405]);
const LET_IN_MOSTLY: ReadonlySet<number> = new Set([404, 410]);
export const letsIn = ({ door, status }: Look): boolean =>
  (status >= 200 && status < 300) ||
  LET_IN.has(status) ||
  (LET_IN_MOSTLY.has(status) && door.answersEarly !== true);

/** Also the redirect that `ErrorDocument 403 https://…` makes of it. Of whom others are let in where he gets it. */
export const mayRefuse = (status: number | null): boolean => status === 403 || status === 302;

/** Real requests to Apache, from addresses of loopback. */
export class ApacheRequests {
  readonly #doors: () => readonly Door[];
  readonly ask: Ask;

  constructor(doors: () => readonly Door[], ask: Ask = askOverHttp) {
    this.#doors = doors;
    this.ask = ask;
  }

  /** Whether Apache refuses this address, told by the first door that can tell. */
  async isRefused(from: Ip, signal: AbortSignal): Promise<Asked> {
    const doors = this.#doors().slice(0, MAX_DOORS);
    const seen: string[] = [];
    for (const door of doors) {
      const status = await this.ask(door, from, signal);
      if (status !== null && letsIn({ door, status }))
        return { kind: "passed", where: `${doorText(door)} answered ${status} to ${from}` };
      const others = mayRefuse(status) ? await this.ask(door, ORDINARY, signal) : null;
      const isOnly403 = status === 403 && others !== 403;
      if (others !== null && (isOnly403 || letsIn({ door, status: others }))) return { kind: "refused" };
      seen.push(`${doorText(door)} ${said(status)}`);
    }
    return { kind: "unknown", why: whyUnknown(seen) };
  }

  /** A door where Apache answers, one that lets people in before others; null when there is none. */
  async look(signal: AbortSignal): Promise<Look | null> {
    let first: Look | null = null;
    for (const door of this.#doors().slice(0, MAX_DOORS)) {
      const status = await this.ask(door, ORDINARY, signal);
      if (status === null) continue;
      if (letsIn({ door, status })) return { door, status };
      first ??= { door, status };
    }
    return first;
  }
}

function whyUnknown([first, ...others]: readonly string[]): string {
  if (first === undefined)
    return "no address is known at which Apache could be asked from this host; set probe.url";
  const more = others.length === 0 ? "" : `, ${others.length} more tell nothing either`;
  return `${first}${more}; probe.url can name a page that is open to everybody`;
}

const said = (status: number | null): string =>
  status === null ? "did not answer" : `answered ${status}${status === 403 ? " to everybody" : ""}`;

/**
 * HEAD, so that no page is sent. Whose certificate it is does not matter: it is this host's own Apache, and nothing secret is asked.
 * Caches are asked to pass it on, as what they hold is given to anybody.
 */
async function askOverHttp(door: Door, from: Ip, signal: AbortSignal): Promise<number | null> {
  const options: RequestOptions = {
    host: door.address,
    port: door.port,
    localAddress: from,
    method: "HEAD",
    path: door.path,
    agent: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
    headers: {
      host: door.name ?? door.address,
      "user-agent": "Sekisho (asks whether its bans work)",
      "cache-control": "no-cache",
      connection: "close",
    },
  };
  const status = await new Promise<number | null>((resolve) => {
    const outgoing = door.tls
      ? requestHttps({ ...options, rejectUnauthorized: false, servername: door.name ?? "" })
      : requestHttp(options);
    outgoing.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? null);
    });
    outgoing.on("error", () => resolve(null));
    outgoing.end();
  });
  signal.throwIfAborted();
  return status;
}

import type { AccessEvent, LogEvent, OpeningEvent } from "../model/event.ts";
import type { CrawlerStates } from "./crawler-states.ts";
import { decodeQuery, decodeText, decodeUrl } from "./decode.ts";
import type { FieldName } from "./fields.ts";
import { searchedIn } from "./searched.ts";

/** `undefined`: the log format cannot show it. `null`: the client did not send it. */
export type Value = string | number | boolean | null | undefined;
export type Read = (event: LogEvent) => Value;

/** What a matcher needs to know of the site. */
export interface Site {
  /** Web origins that may open WebSockets; empty means: those of the host that was asked for. */
  readonly origins: ReadonlySet<string>;
  /** Who of those that call themselves search engines is one; absent: nobody is known to call himself so. */
  readonly crawlers?: CrawlerStates;
}

/** Reads a field as the line has it. */
export function fieldReader(field: FieldName, site: Site): Read {
  switch (field) {
    case "handshake":
      return (event) => event.kind === "opening" || (event.kind === "access" && isHandshake(event));
    case "foreignOrigin":
      return (event) =>
        event.kind === "access" || event.kind === "opening" ? isForeignOrigin(event, site) : undefined;
    case "crawler":
      return (event) => crawlerState(event, site);
    case "target":
      return ofRequest(withQuery, asItIs, asItIs);
    case "searched":
      return ofRequest(searchedIn, asItIs, asItIs);
    default:
      return READERS[field] as Read;
  }
}

/** Reads a field as a lax server may understand it; what is not a text is as the line has it. */
export function decodedReader(field: FieldName, site: Site): Read {
  if (field === "target") return ofRequest(withQuery, decodeText, decodeQuery);
  if (field === "searched") return ofRequest(searchedIn, decodeText, decodeQuery);
  const decode = field === "query" ? decodeQuery : field === "referer" ? decodeUrl : decodeText;
  const read = fieldReader(field, site);
  return (event) => {
    const value = read(event);
    return typeof value === "string" ? decode(value) : value;
  };
}

type Change = (text: string) => string;
const asItIs: Change = (text) => text;

/** What is put together of path and query. */
type Combine = (path: string, query: string | null) => string | null;
const withQuery: Combine = (path, query) => (query === null ? path : `${path}?${query}`);

function ofRequest(combine: Combine, ofPath: Change, ofQuery: Change): Read {
  return (event) => {
    if (event.kind !== "access" && event.kind !== "opening") return undefined;
    return combine(ofPath(event.path), event.query === null ? null : ofQuery(event.query));
  };
}

function crawlerState(event: LogEvent, { crawlers }: Site): Value {
  if (event.kind !== "access" || event.userAgent === undefined) return undefined;
  return event.userAgent === null ? null : (crawlers?.stateOf(event.client, event.userAgent) ?? null);
}

type PlainField = Exclude<FieldName, "crawler" | "handshake" | "foreignOrigin" | "target" | "searched">;

type Fields = Partial<Readonly<Record<PlainField, Value>>>;

/** A function of its own a field: V8 learns of each where it finds what it reads, of one that is given a name it cannot. */
const READERS: Readonly<Record<PlainField, (fields: Fields) => Value>> = {
  method: (event) => event.method,
  path: (event) => event.path,
  query: (event) => event.query,
  protocol: (event) => event.protocol,
  status: (event) => event.status,
  bytes: (event) => event.bytes,
  referer: (event) => event.referer,
  userAgent: (event) => event.userAgent,
  origin: (event) => event.origin,
  upgrade: (event) => event.upgrade,
  host: (event) => event.host,
  user: (event) => event.user,
  vhost: (event) => event.vhost,
  durationUs: (event) => event.durationUs,
  bytesIn: (event) => event.bytesIn,
  bytesOut: (event) => event.bytesOut,
  openSockets: (event) => event.openSockets,
  tls: (event) => event.tls,
  level: (event) => event.level,
  module: (event) => event.module,
  code: (event) => event.code,
  message: (event) => event.message,
  severity: (event) => event.severity,
  requestId: (event) => event.requestId,
  name: (event) => event.name,
  app: (event) => event.app,
  connection: (event) => event.connection,
  detail: (event) => event.detail,
};

/** RFC 6455, 4.1: Upgrade is a list that holds `websocket` in any case. 101 is what a format without it shows. */
export function isHandshake(event: AccessEvent): boolean {
  if (event.status === 101) return true;
  return event.upgrade?.toLowerCase().includes("websocket") === true;
}

/**
 * Undefined where nothing can be concluded: the format shows no Origin, none was sent, or neither `origins` nor the
 * line tells which origin is the site's own.
 */
export function isForeignOrigin(
  event: Pick<AccessEvent | OpeningEvent, "origin" | "host" | "vhost">,
  site: Site,
): boolean | undefined {
  const { origin } = event;
  if (origin === null || origin === undefined) return undefined;
  const sent = origin.toLowerCase();
  if (site.origins.size > 0) return !site.origins.has(sent);
  const host = event.host ?? event.vhost;
  if (host === null || host === undefined) return undefined;
  const own = host.toLowerCase().replace(/:\d+$/, "");
  return sent.replace(/^https?:\/\//, "").replace(/:\d+$/, "") !== own;
}

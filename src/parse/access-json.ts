import { SekishoError } from "../model/errors.ts";
import type { Field, LogEvent, SourceId } from "../model/event.ts";
import { parseWrittenIp, TargetSet } from "../model/ip.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { ForwardedClients } from "./forwarded.ts";
import { parseCutObject, parseObject } from "./json.ts";
import type { LineParser, ParserOptions } from "./line-parser.ts";
import { NO_REQUEST, type Request, splitSentRequest } from "./request.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { COMMON_TIME, type TimePart, timeParts } from "./time-format.ts";
import { TimeReader } from "./time-reader.ts";
import { unparsed } from "./unparsed.ts";
import { openZone, TIMES_OF_REQUESTS, type Zone } from "./zone.ts";

/** What a JSON access log may say, by our names; `fields` of the configuration gives the file's. */
const JSON_FIELDS = [
  "client",
  "time",
  "request",
  "method",
  "path",
  "query",
  "protocol",
  "status",
  "bytes",
  "referer",
  "userAgent",
  "origin",
  "upgrade",
  "host",
  "vhost",
  "user",
  "durationUs",
  "bytesIn",
  "bytesOut",
  "tls",
  "forwardedFor",
] as const;
export type JsonField = (typeof JSON_FIELDS)[number];

type Names = Readonly<Record<JsonField, string>>;

/**
 * Parses access logs of one JSON object a line. A key that is missing is a field that the log does not show,
 * `null` and `-` are a header that the client did not send. Text stays one character a byte, as in all access logs, but for
 * what JSON escapes (`\u3042`).
 */
export class JsonAccessParser implements LineParser {
  readonly kind = "access";
  readonly format = "json";
  readonly #names: Names;
  readonly #zone: Zone;
  readonly #forwarded: ForwardedClients;
  readonly #apacheTime: TimeReader;

  constructor(timezone: string | null, { fields = {}, trustedProxies, since }: ParserOptions = {}) {
    this.#names = namesWith(fields);
    this.#forwarded = new ForwardedClients(trustedProxies ?? new TargetSet());
    this.#zone = openZone(timezone, { patience: TIMES_OF_REQUESTS, since });
    this.#apacheTime = new TimeReader(timeParts(COMMON_TIME) as TimePart[], this.#zone);
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const parsed = cut ? parseCutObject : parseObject;
    const object = parsed(line) ?? parsed(withJsonEscapes(line));
    if (object === null) return unparsed(line, source, now, cut ? "truncated" : "json");
    const read = (field: JsonField): unknown => {
      const name = this.#names[field];
      return Object.hasOwn(object, name) ? object[name] : undefined;
    };
    const status = numberOf(read("status"));
    const isStatus = status !== undefined && Number.isInteger(status) && status >= 100 && status <= 999;
    if (!isStatus) return unparsed(line, source, now, cut ? "truncated" : "format");
    const time = this.#readTime(read("time"));
    if (Number.isNaN(time)) return unparsed(line, source, now, cut ? "truncated" : "time");
    const address = read("client");
    const sender = typeof address === "string" ? parseWrittenIp(address) : null;
    if (sender === null) return unparsed(line, source, now, cut ? "truncated" : "client");
    const whole = textOf(read("request"));
    const request = whole ? splitSentRequest(whole) : NO_REQUEST;
    return {
      kind: "access",
      time: unixMs(time),
      source,
      line,
      client: this.#forwarded.clientOf(sender, textOf(read("forwardedFor"))),
      method: textOf(read("method")) ?? request.method,
      ...targetOf(textOf(read("path")), textOf(read("query")), request),
      protocol: textOf(read("protocol")) ?? request.protocol,
      status,
      bytes: numberOf(read("bytes")),
      referer: textOf(read("referer")),
      userAgent: textOf(read("userAgent")),
      origin: textOf(read("origin")),
      upgrade: textOf(read("upgrade")),
      host: textOf(read("host")),
      user: textOf(read("user")),
      vhost: textOf(read("vhost")) ?? undefined,
      durationUs: numberOf(read("durationUs")),
      bytesIn: numberOf(read("bytesIn")),
      bytesOut: numberOf(read("bytesOut")),
      tls: textOf(read("tls")),
      refused: false,
      second: false,
    };
  }

  /** RFC 3339, seconds or milliseconds since 1970, or Apache's `20/Nov/2026:22:01:30 +0000` with or without brackets. */
  #readTime(value: unknown): number {
    const count = numberOf(value);
    if (count !== undefined) return toMoment(count);
    if (typeof value !== "string") return Number.NaN;
    const time = parseRfc3339(value, this.#zone);
    if (!Number.isNaN(time)) return time;
    const bracketed = value.startsWith("[") ? value : `[${value}]`;
    return bracketed.length === this.#apacheTime.width ? this.#apacheTime.read(bracketed, 0) : Number.NaN;
  }
}

/** Seconds have twelve digits from the year 5138 on, milliseconds had fewer until 1973. NaN beyond what Date holds. */
const toMoment = (count: number): number => new Date(count < 1e11 ? count * 1_000 : count).getTime();

function namesWith(fields: Readonly<Record<string, string>>): Names {
  const names = Object.fromEntries(JSON_FIELDS.map((field) => [field, field])) as Record<JsonField, string>;
  for (const [field, name] of Object.entries(fields)) {
    if (!isJsonField(field)) {
      throw new SekishoError(
        "LOG_FORMAT_INVALID",
        `fields: '${field}' is not a field of an access event`,
        `write our name to the left and the file's to the right; ours are ${JSON_FIELDS.join(", ")}`,
      );
    }
    names[field] = name;
  }
  return names;
}

const isJsonField = (text: string): text is JsonField => (JSON_FIELDS as readonly string[]).includes(text);

/**
 * A LogFormat that writes JSON has Apache's escapes in it, `\x16` and `\v`, which JSON does not know, an empty
 * user name as `""""`, and `-` outside quotes where there is no number (%b). Quotes that a client sends are escaped, so four in a
 * row are never its own.
 */
const withJsonEscapes = (line: string): string =>
  line
    .replace(/:(\s*)""""(?=\s*[,}])/g, ':$1""')
    .replace(/"(?:[^"\\]+|\\[\s\S]?)*"?|-(?=\s*[,}])/g, (whole) => (whole === "-" ? "null" : whole))
    .replace(/\\(?:x([0-9a-fA-F]{2})|(v)|(.))/g, (whole, hex?: string, v?: string) =>
      hex !== undefined ? `\\u00${hex}` : v !== undefined ? "\\u000b" : whole,
    );

function textOf(value: unknown): Field {
  if (value === null || value === "-") return null;
  // Half a character, which JSON can name, would not survive the store.
  if (typeof value === "string") return value.toWellFormed();
  return typeof value === "number" ? String(value) : undefined;
}

/** Undefined for what is neither a number nor the text of one, for less than nothing and for too much to be exact. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
  return typeof value === "string" && /^\d{1,15}(\.\d{1,9})?$/.test(value) ? Number(value) : undefined;
}

/** The query may stand in the path, and may bring its question mark (`%q` does). Without a path it is the request's. */
function targetOf(path: Field, query: Field, request: Request): Pick<Request, "path" | "query"> {
  const target = path ?? request.path;
  const mark = path ? target.indexOf("?") : -1;
  if (query) return { path: target, query: query.startsWith("?") ? query.slice(1) : query };
  return mark === -1
    ? { path: target, query: path ? null : request.query }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

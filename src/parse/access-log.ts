import type { Field, LogEvent, SourceId } from "../model/event.ts";
import { parseIp } from "../model/ip.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { CarefulReader } from "./careful-reader.ts";
import { compileFastReader, type FastReader } from "./fast-reader.ts";
import type { LineParser } from "./line-parser.ts";
import { compileLogFormat } from "./log-format.ts";
import { NO_NUMBER, Positions } from "./positions.ts";
import { regionsOf } from "./regions.ts";
import { NO_REQUEST, type Request, splitRequest, splitTarget } from "./request.ts";
import * as slot from "./slots.ts";
import { unescapeValue } from "./unescape.ts";
import { unparsed } from "./unparsed.ts";

const DASH = 45;
const QUOTE = 34;

/** Parses the lines of one LogFormat. */
export class AccessLogParser implements LineParser {
  readonly kind = "access";
  readonly format: string;
  readonly #fast: FastReader | null;
  readonly #careful: CarefulReader;
  readonly #positions = new Positions();
  readonly #conditional: ReadonlySet<number>;
  readonly #durationUnit: number;
  #method = "-";
  #path = "";
  #query: string | null = null;
  #protocol: string | null = null;

  /** `name` is what the parser is called; null when that is the LogFormat itself. */
  constructor(logFormat: string, timezone: string | null, name: string | null = null) {
    const { items, conditional, durationUnit } = compileLogFormat(logFormat, timezone);
    this.format = name ?? logFormat;
    this.#fast = compileFastReader(items);
    this.#careful = new CarefulReader(regionsOf(items));
    this.#conditional = conditional;
    this.#durationUnit = durationUnit;
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const positions = this.#positions;
    const fast = this.#fast;
    if (!cut && fast !== null && fast.read(line, positions)) return this.#toEvent(line, source, now, false);
    if (!this.#careful.read(line, positions, cut)) {
      return unparsed(line, source, now, cut ? "truncated" : "format");
    }
    return this.#toEvent(line, source, now, cut);
  }

  #toEvent(line: string, source: SourceId, now: UnixMs, cut: boolean): LogEvent {
    const { starts, ends, numbers } = this.#positions;
    const time = this.#positions.time[0]!;
    const clientAt = starts[slot.CLIENT]!;
    const status = numbers[slot.STATUS]!;
    const isShown = clientAt !== -1 && status >= 100 && status <= 999 && time !== NO_NUMBER;
    if (!isShown) return unparsed(line, source, now, cut ? "truncated" : "format");
    if (Number.isNaN(time)) return unparsed(line, source, now, cut ? "truncated" : "time");
    const client = parseIp(line.slice(clientAt, ends[slot.CLIENT]));
    if (client === null) return unparsed(line, source, now, "client");
    const bytes = numbers[slot.BYTES]!;
    const duration = numbers[slot.DURATION]!;
    const escaped = line.includes("\\");
    this.#readRequest(line, escaped);
    return {
      kind: "access",
      time: unixMs(time),
      source,
      line,
      client,
      method: this.#method,
      path: this.#path,
      query: this.#query,
      protocol: this.#protocol,
      status,
      // %b writes `-` for an answer without a body.
      bytes: bytes === NO_NUMBER ? (starts[slot.BYTES] === -1 ? undefined : 0) : bytes,
      referer: this.#field(line, slot.REFERER, escaped),
      userAgent: this.#field(line, slot.USER_AGENT, escaped),
      origin: this.#field(line, slot.ORIGIN, escaped),
      upgrade: this.#field(line, slot.UPGRADE, escaped),
      host: this.#field(line, slot.HOST, escaped),
      user: this.#field(line, slot.USER, escaped),
      vhost: this.#field(line, slot.VHOST, escaped) ?? undefined,
      durationUs: duration === NO_NUMBER ? undefined : duration * this.#durationUnit,
      bytesIn: known(numbers[slot.BYTES_IN]!),
      bytesOut: known(numbers[slot.BYTES_OUT]!),
      refused: false,
    };
  }
  /** `escaped`: the line holds a backslash somewhere. */
  #field(line: string, of: slot.Slot, escaped: boolean): Field {
    const start = this.#positions.starts[of]!;
    if (start === -1) return undefined;
    const end = this.#positions.ends[of]!;
    if (end - start === 1 && line.charCodeAt(start) === DASH) {
      return this.#conditional.has(of) ? undefined : null;
    }
    // An empty user name; no other value can hold a quote that is not escaped.
    if (end - start === 2 && line.charCodeAt(start) === QUOTE) return "";
    const text = line.slice(start, end);
    return escaped ? unescapeValue(text) : text;
  }

  #readRequest(line: string, escaped: boolean): void {
    const start = this.#positions.starts[slot.REQUEST]!;
    if (start === -1) {
      this.#setRequest(this.#requestFromParts(line, escaped));
      return;
    }
    const end = this.#positions.ends[slot.REQUEST]!;
    const targetEnd = end - " HTTP/1.1".length;
    const targetAt = start + "GET ".length;
    const isCommon = targetAt < targetEnd && !escaped && line.startsWith("GET ", start);
    if (!isCommon || line.slice(targetEnd, end) !== " HTTP/1.1") {
      this.#setRequest(splitRequest(line.slice(start, end)));
      return;
    }
    this.#method = "GET";
    this.#protocol = "HTTP/1.1";
    const mark = line.indexOf("?", targetAt);
    const hasQuery = mark !== -1 && mark < targetEnd;
    this.#path = line.slice(targetAt, hasQuery ? mark : targetEnd);
    this.#query = hasQuery ? line.slice(mark + 1, targetEnd) : null;
  }

  #setRequest({ method, path, query, protocol }: Request): void {
    this.#method = method;
    this.#path = path;
    this.#query = query;
    this.#protocol = protocol;
  }

  /** For formats without `%r`. `%q` writes its question mark, and nothing when there is no query. */
  #requestFromParts(line: string, escaped: boolean): Request {
    const target = splitTarget(this.#raw(line, slot.TARGET) ?? "");
    const path = this.#field(line, slot.PATH, escaped);
    const query = this.#field(line, slot.QUERY, escaped);
    return {
      method: this.#field(line, slot.METHOD, escaped) ?? NO_REQUEST.method,
      path: path ?? target.path,
      query: query ? query.replace(/^\?/, "") : target.query,
      protocol: this.#field(line, slot.PROTOCOL, escaped) ?? null,
    };
  }

  #raw(line: string, of: slot.Slot): string | undefined {
    const start = this.#positions.starts[of]!;
    return start === -1 ? undefined : line.slice(start, this.#positions.ends[of]);
  }
}

const known = (number: number): number | undefined => (number === NO_NUMBER ? undefined : number);

import type { LogEvent, SourceId } from "../model/event.ts";
import { parseWrittenIp, TargetSet } from "../model/ip.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { CarefulReader } from "./careful-reader.ts";
import { compileFastReader, type FastReader } from "./fast-reader.ts";
import { ForwardedClients } from "./forwarded.ts";
import type { LineParser, ParserOptions } from "./line-parser.ts";
import { compileLogFormat } from "./log-format.ts";
import { NO_NUMBER, Positions } from "./positions.ts";
import { regionsOf } from "./regions.ts";
import * as slot from "./slots.ts";
import { unparsed } from "./unparsed.ts";
import { fieldOf, requestOf } from "./values.ts";

export interface AccessLogOptions extends ParserOptions {
  /** What the parser is called, when that is not the LogFormat itself. */
  readonly name?: string | undefined;
}

/** Parses the lines of one LogFormat. */
export class AccessLogParser implements LineParser {
  readonly kind = "access";
  readonly format: string;
  readonly #fast: FastReader | null;
  readonly #careful: CarefulReader;
  readonly #positions = new Positions();
  readonly #durationUnit: number;
  readonly #forwarded: ForwardedClients;

  constructor(logFormat: string, timezone: string | null, options: AccessLogOptions = {}) {
    const { items, tabs, conditional, durationUnit } = compileLogFormat(logFormat, timezone, options.since);
    this.format = options.name ?? logFormat;
    this.#forwarded = new ForwardedClients(options.trustedProxies ?? new TargetSet());
    this.#fast = compileFastReader(items, tabs);
    this.#careful = new CarefulReader(regionsOf(items, tabs));
    for (const slot of conditional) this.#positions.conditional[slot] = 1;
    this.#durationUnit = durationUnit;
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const positions = this.#positions;
    const fast = this.#fast;
    const escaped = line.includes("\\");
    if (!cut && fast !== null && fast.read(line, positions, escaped)) {
      return this.#toEvent(line, source, now, false, escaped);
    }
    if (!this.#careful.read(line, positions, cut)) {
      return unparsed(line, source, now, cut ? "truncated" : "format");
    }
    return this.#toEvent(line, source, now, cut, escaped);
  }

  /** %b writes `-` for an answer without a body. */
  #bytesOfDash(): 0 | undefined {
    const { starts, conditional } = this.#positions;
    return starts[slot.BYTES] === -1 || conditional[slot.BYTES] === 1 ? undefined : 0;
  }

  /** `escaped`: the line holds a backslash, so its values may have to be unescaped. */
  #toEvent(line: string, source: SourceId, now: UnixMs, cut: boolean, escaped: boolean): LogEvent {
    const positions = this.#positions;
    const { starts, ends, numbers } = positions;
    const time = positions.time[0]!;
    const clientAt = starts[slot.CLIENT]!;
    const status = numbers[slot.STATUS]!;
    const isShown = clientAt !== -1 && status >= 100 && status <= 999 && time !== NO_NUMBER;
    if (!isShown) return unparsed(line, source, now, cut ? "truncated" : "format");
    if (Number.isNaN(time)) return unparsed(line, source, now, cut ? "truncated" : "time");
    const sender = parseWrittenIp(line.slice(clientAt, ends[slot.CLIENT]));
    if (sender === null) return unparsed(line, source, now, "client");
    const forwarded = fieldOf(line, positions, slot.FORWARDED, escaped);
    const bytes = numbers[slot.BYTES]!;
    const duration = numbers[slot.DURATION]!;
    const request = requestOf(line, positions, escaped);
    return {
      kind: "access",
      time: unixMs(time),
      source,
      line,
      client: forwarded ? this.#forwarded.clientOf(sender, forwarded) : sender,
      method: request.method,
      path: request.path,
      query: request.query,
      protocol: request.protocol,
      status,
      bytes: bytes === NO_NUMBER ? this.#bytesOfDash() : bytes,
      referer: fieldOf(line, positions, slot.REFERER, escaped),
      userAgent: fieldOf(line, positions, slot.USER_AGENT, escaped),
      origin: fieldOf(line, positions, slot.ORIGIN, escaped),
      upgrade: fieldOf(line, positions, slot.UPGRADE, escaped),
      host: fieldOf(line, positions, slot.HOST, escaped),
      user: fieldOf(line, positions, slot.USER, escaped),
      vhost: fieldOf(line, positions, slot.VHOST, escaped) ?? undefined,
      durationUs: duration === NO_NUMBER ? undefined : duration * this.#durationUnit,
      bytesIn: known(numbers[slot.BYTES_IN]!),
      bytesOut: known(numbers[slot.BYTES_OUT]!),
      tls: fieldOf(line, positions, slot.TLS, escaped),
      refused: false,
      second: false,
    };
  }
}

const known = (number: number): number | undefined => (number === NO_NUMBER ? undefined : number);

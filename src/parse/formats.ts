import { SekishoError } from "../model/errors.ts";
import { type LogEvent, SOURCE_KINDS, type SourceId, type SourceKind } from "../model/event.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { JsonAccessParser } from "./access-json.ts";
import { AccessLogParser } from "./access-log.ts";
import { AuditLogParser } from "./audit.ts";
import { ANY_ERROR_FORMAT, ErrorLogParser } from "./error-log.ts";
import type { LineParser, ParserOptions } from "./line-parser.ts";
import { NAMED_FORMATS } from "./named-formats.ts";
import { SekishoLogParser } from "./sekisho-log.ts";

/** What `format:` may say beside a LogFormat string, most specific first. */
const FORMAT_NAMES = [...Object.keys(NAMED_FORMATS), "json"] as const;

/**
 * The parser of a source. `format` is a name or what stands in Apache's LogFormat or ErrorLogFormat; `timezone` is an IANA
 * name for times that bring no zone, null the host's. Throws LOG_FORMAT_INVALID.
 */
export function createParser(
  kind: SourceKind,
  format: string,
  timezone: string | null,
  options: ParserOptions = {},
): LineParser {
  if (kind === "error") return new ErrorLogParser(timezone, errorFormat(format), options);
  if (kind === "audit") return new AuditLogParser();
  if (format === "json") return new JsonAccessParser(timezone, options);
  if (format === "sekisho") return new SekishoLogParser(timezone, options);
  if (Object.hasOwn(NAMED_FORMATS, format))
    return new AccessLogParser(NAMED_FORMATS[format]!, timezone, { ...options, name: format });
  if (format.includes("%")) return new AccessLogParser(format, timezone, options);
  throw new SekishoError(
    "LOG_FORMAT_INVALID",
    `'${format}' is no log format`,
    `write ${FORMAT_NAMES.join(", ")}, or what stands between the quotes of Apache's LogFormat`,
  );
}

/** The kind of log that a format is for; only an ErrorLogFormat has %M, the message. In braces it is a time's minutes. */
export const kindOf = (format: string): SourceKind =>
  format.replace(/\{[^}]*\}/g, "").includes("%M") ? "error" : "access";

function errorFormat(format: string): string {
  if (format === ANY_ERROR_FORMAT || format.includes("%")) return format;
  throw new SekishoError(
    "LOG_FORMAT_INVALID",
    `'${format}' is no error log format`,
    "write auto, or what stands between the quotes of Apache's ErrorLogFormat",
  );
}

/**
 * The name of the known access format that most of `lines` have, null when there is none (or none clearly).
 * `fields` is what the source's configuration says about its JSON.
 */
export function detectFormat(
  lines: readonly string[],
  fields?: Readonly<Record<string, string>>,
): string | null {
  const parses = (format: string) => {
    const parser = createParser("access", format, "UTC", { fields });
    return (
      lines.filter((line) => parser.parse(line, 0, unixMs(0)).kind === "access").length * 2 > lines.length
    );
  };
  return FORMAT_NAMES.find(parses) ?? null;
}

/**
 * A parser that decides line by line what a line is: an access line (in any known format when `format` is `auto`),
 * an error line or an audit event. Throws LOG_FORMAT_INVALID.
 */
export function createMixedParser(
  format: string,
  timezone: string | null,
  options: ParserOptions = {},
): LineParser {
  return new MixedParser(format, timezone, options);
}

class MixedParser implements LineParser {
  readonly kind = SOURCE_KINDS[0];
  readonly format: string;
  /** The one that read the last line stands first: a log keeps its format. */
  readonly #access: LineParser[];
  readonly #error: LineParser;
  readonly #audit = new AuditLogParser();
  /** What begins with a brace is a line of the error log, whose ErrorLogFormat does. */
  readonly #isErrorJson: boolean;

  constructor(format: string, timezone: string | null, options: ParserOptions) {
    const isError = kindOf(format) === "error";
    const formats = format === "auto" || isError ? FORMAT_NAMES : [format];
    this.format = format;
    this.#isErrorJson = isError && format.startsWith("{");
    this.#access = formats.map((name) => createParser("access", name, timezone, options));
    this.#error = createParser("error", isError ? format : ANY_ERROR_FORMAT, timezone);
  }

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const access = this.#access[0]!.parse(line, source, now, cut);
    if (access.kind === "access") return access;
    const isJson = line.startsWith("{") && !this.#isErrorJson;
    const other = (isJson ? this.#audit : this.#error).parse(line, source, now, cut);
    if (other.kind !== "unparsed") return other;
    for (let index = 1; index < this.#access.length; index++) {
      const event = this.#access[index]!.parse(line, source, now, cut);
      if (event.kind !== "access") continue;
      this.#access.unshift(...this.#access.splice(index, 1));
      return event;
    }
    return isJson || line.startsWith("[") ? other : access;
  }
}

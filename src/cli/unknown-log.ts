import { SekishoError } from "../model/errors.ts";
import type { PoorLog, UnknownLog } from "../replay/events.ts";
import { STANDARD_INPUT } from "../tail/read-log.ts";

/** Told beside the result: the log may be empty of meaning, and whoever replays it should not take that for peace. */
export const unknownLog = ({ file, format }: UnknownLog): SekishoError =>
  notParsed(`no line of ${file === STANDARD_INPUT ? "standard input" : file} parsed`, format);

/** Told too: rules that ask for these headers find nothing, and that is no peace either. */
export const poorLog = ({
  file,
  format,
  headers,
}: PoorLog): { readonly message: string; readonly hint: string } => ({
  message: `${file === STANDARD_INPUT ? "standard input" : file} (${format}) does not show ${headers.join(" and ")}: rules that ask for them find nothing in it`,
  hint: "have Apache write combined, or better the log of `sekisho apache snippet`",
});

/** The same of one line. */
export const unknownLine = (format: string | null): SekishoError =>
  notParsed("the line did not parse", format);

const notParsed = (what: string, format: string | null): SekishoError =>
  new SekishoError(
    "LOG_FORMAT_INVALID",
    `${what} ` +
      (format === null
        ? "as an access log in a format that Sekisho knows, an error log or audit events"
        : `as ${format}`),
    format === null
      ? "copy the LogFormat string from Apache's configuration to --format, in single quotes"
      : "leave --format out to have the format found, or copy the LogFormat string that writes this log",
  );

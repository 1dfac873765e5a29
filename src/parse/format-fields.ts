import { SekishoError } from "../model/errors.ts";
import { compileLogFormat } from "./log-format.ts";
import { NAMED_FORMATS, SEKISHO_TLS_LOG_FORMAT } from "./named-formats.ts";
import * as slot from "./slots.ts";

/** What a LogFormat is to Sekisho before any line of it was read. */
export type FormatFitness =
  | {
      readonly usable: true;
      /** As `format:` names it: a known name, or the string itself. */
      readonly format: string;
      /** Shows both headers of a WebSocket handshake that the rules look at. */
      readonly handshakes: boolean;
      /** How many fields of an event it fills. */
      readonly fields: number;
    }
  | { readonly usable: false; readonly why: string; readonly hint: string };

/** Judges a LogFormat string, unquoted as Apache holds it. Never throws for what it says. */
export function fitnessOf(logFormat: string): FormatFitness {
  // Single quotes keep it, and Apache then writes it before every quote.
  if (logFormat.includes('\\"'))
    return {
      usable: false,
      why: 'the log format writes \\" for a quote',
      hint: "write it in double quotes in Apache's configuration",
    };
  try {
    const { items } = compileLogFormat(logFormat, null);
    const slots = new Set(
      items.flatMap((item) => ("slot" in item && item.slot !== slot.DROPPED ? [item.slot] : [])),
    );
    return {
      usable: true,
      format: nameOf(logFormat) ?? logFormat,
      handshakes: slots.has(slot.ORIGIN) && slots.has(slot.UPGRADE),
      fields: slots.size,
    };
  } catch (error) {
    if (error instanceof SekishoError && error.code === "LOG_FORMAT_INVALID")
      return { usable: false, why: error.message, hint: error.hint };
    throw error;
  }
}

/** The name of the known format that has the same columns; Debian writes %O where Apache's documentation has %b. */
function nameOf(logFormat: string): string | null {
  const same = (format: string): string =>
    format.replaceAll("%O", "%b").replace(/%\{[^}]*\}i/g, (header) => header.toLowerCase());
  const wanted = same(logFormat);
  if (wanted === same(SEKISHO_TLS_LOG_FORMAT)) return "sekisho";
  return Object.keys(NAMED_FORMATS).find((name) => same(NAMED_FORMATS[name]!) === wanted) ?? null;
}

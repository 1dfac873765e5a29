import { closingQuote } from "./positions.ts";

/** Lines come one character a byte; JSON is UTF-8. */
export const decodeUtf8 = (line: string): string =>
  /[\x80-\xff]/.test(line) ? Buffer.from(line, "latin1").toString("utf8") : line;

/**
 * What stands of a JSON object before it was cut: its whole fields, without the last, which may be half a value. Null for
 * what does not begin like an object.
 */
export function parseCutObject(text: string): Readonly<Record<string, unknown>> | null {
  let depth = 0;
  let end = -1;
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') {
      at = closingQuote(text, at + 1);
      if (at === -1) break;
    } else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === "," && depth === 1) end = at;
  }
  return end === -1 ? null : parseObject(`${text.slice(0, end)}}`);
}

/** Null for what is not a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : null;
}

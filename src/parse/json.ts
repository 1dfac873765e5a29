/** Lines come one character a byte; JSON is UTF-8. */
export const decodeUtf8 = (line: string): string =>
  /[\x80-\xff]/.test(line) ? Buffer.from(line, "latin1").toString("utf8") : line;

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

const SIMPLE: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  v: "\v",
  f: "\f",
  '"': '"',
  "\\": "\\",
};

/**
 * Undoes Apache's escapes in a value: `\"`, `\\`, `\n`, `\xhh`. A byte above 127 stays one character.
 * What is no escape of Apache's is left as it stands.
 */
export function unescapeValue(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|([ntrbvf"\\]))/g, (_, hex?: string, letter?: string) =>
    hex === undefined ? SIMPLE[letter!]! : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

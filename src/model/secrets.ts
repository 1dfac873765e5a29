/** What stands in the place of a masked value. */
const MASK = "***";

/** The last word of a parameter's name: `access_token`, `PHPSESSID`, `ws-ticket`, `user[password]`, its bracket escaped or not. */
const SECRET_NAME =
  /(?:token|ticket|passw(?:or)?d|passphrase|pwd|secret|session(?:_?id)?|sess(?:ion)?id|sid|jwt|api_?-?key|auth|authorization|credentials?|otp)(?:\]|%(?:25)?5d)?$/i;
/** Longer names are nobody's; looking further back would make hostile lines slow. */
const NAME_LENGTH = 64;

/**
 * The text with the values of parameters that carry secrets masked: names that end like tokens, passwords, tickets and
 * sessions. For anything that is kept: a path, a query, a referer, a whole line. Linear in the length of the text.
 */
export function maskSecrets(text: string): string {
  let at = text.indexOf("=");
  if (at === -1) return text;
  let masked = "";
  let copied = 0;
  for (; at !== -1; at = text.indexOf("=", at + 1)) {
    if (at < copied || !SECRET_NAME.test(text.slice(nameStart(text, at), at))) continue;
    const end = valueEnd(text, at + 1);
    if (end === at + 1) continue;
    masked += text.slice(copied, at + 1) + MASK;
    copied = end;
  }
  return copied === 0 ? text : masked + text.slice(copied);
}

function nameStart(text: string, equals: number): number {
  let start = equals;
  while (start > 0 && equals - start < NAME_LENGTH && !isBorder(text.charCodeAt(start - 1))) start--;
  return start;
}

function valueEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !isBorder(text.charCodeAt(end))) end++;
  return end;
}

/** `&`, `;`, `?`, `#`, quotes, white space: what ends a name or a value. A value may hold further `=`. */
function isBorder(code: number): boolean {
  return code <= 35
    ? code === 35 || code === 34 || code <= 32
    : code === 38 || code === 39 || code === 59 || code === 63;
}

/** As `maskSecrets`, for a field that may be missing or absent. */
export const maskField = <T extends string | null | undefined>(text: T): T =>
  typeof text === "string" ? (maskSecrets(text) as T) : text;

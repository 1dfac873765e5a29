/** What stands in the place of a masked value. */
const MASK = "***";

/** What the name of a secret ends with, in lower case: `access_token`, `PHPSESSID`, `ws-ticket`, `new_password2`. */
const PASSWORDS = ["password", "passwd", "passwort", "pwd"];
const WORDS = [
  ...PASSWORDS.flatMap((word) =>
    ["", "confirm", "confirmation", "again", "repeat"].flatMap((more) =>
      more === "" ? [word] : [word + more, `${word}_${more}`, `${word}-${more}`],
    ),
  ),
  ...["token", "tokens", "tokenid", "token_id", "jwt", "bearer", "csrf", "xsrf", "otp", "ticket", "tickets"],
  ...[
    "pass",
    "passcode",
    "passphrase",
    "secret",
    "secrets",
    "credential",
    "credentials",
    "auth",
    "authorization",
  ],
  ...["session", "sessionid", "session_id", "session-id", "sessid", "sid", "cookie"],
  ...["api", "access", "auth", "private", "secret", "session"].flatMap((of) =>
    ["", "_", "-"].map((sign) => `${of}${sign}key`),
  ),
];
/** The last two letters before a place; in lower case, as WORDS are. */
const lastTwo = (text: string, end: number): number =>
  ((text.charCodeAt(end - 2) | 32) << 16) | (text.charCodeAt(end - 1) | 32);
/** By their last two letters: most names end in others. */
const WORDS_ENDING_IN = Map.groupBy(WORDS, (word) => lastTwo(word, word.length));
/** `[` of `user[password][confirm]`, each with its word, at most. */
const MAX_BRACKETS = 3;
const BRACKETED_WORD = 32;

/** What ends a name; escaped in a URL that is itself the value of a parameter. */
const EQUALS = /=|%(?:25)*3d/gi;
/** `&`, `#`, `;`, `?`, quotes and blanks, as they end a value in such a URL. */
const ESCAPED_END = /[\s"#&';?]|%(?:25)*(?:2[02367]|3[bf])/gi;
/** A JSON Web Token is told by its beginning, wherever it stands. */
const WEB_TOKEN = /(?<![\w-])eyJ[\w-]{5,}\.eyJ[\w-]*(?:\.[\w-]*)?/g;
/** The password of `https://user:password@host`. */
const USER_INFO = /(:\/\/[^\s/?#@"':]{0,64}:)[^\s/?#@"']{1,256}@/g;

/**
 * The text with its secrets masked: values of parameters whose names end like tokens, passwords, tickets and sessions, JSON
 * Web Tokens, passwords in URLs. For anything that is kept: a path, a query, a referer, a whole line. Linear in the length of
 * the text.
 */
export function maskSecrets(text: string): string {
  let masked = maskParameters(text);
  if (text.includes("eyJ")) masked = masked.replace(WEB_TOKEN, MASK);
  if (text.includes("@")) masked = masked.replace(USER_INFO, `$1${MASK}@`);
  return masked;
}

function maskParameters(text: string): string {
  const isEscaped = text.includes("%");
  if (!isEscaped && !text.includes("=")) return text;
  let masked = "";
  let copied = 0;
  for (let start = 0; ; ) {
    const at = isEscaped ? escapedEquals(text, start) : text.indexOf("=", start);
    if (at === -1) break;
    start = isEscaped ? EQUALS.lastIndex : at + 1;
    if (!isSecret(text, at)) continue;
    const end = text[at] === "=" ? valueEnd(text, start) : escapedEnd(text, start);
    if (end === start) continue;
    masked += text.slice(copied, start) + MASK;
    copied = end;
    start = end;
  }
  return copied === 0 ? text : masked + text.slice(copied);
}

/** Where the next equals sign stands; `EQUALS.lastIndex` is then behind it. */
function escapedEquals(text: string, from: number): number {
  EQUALS.lastIndex = from;
  return EQUALS.exec(text)?.index ?? -1;
}

/** Whether the name that ends there is a secret's; brackets escaped or not: `tokens[]`, `user[password]`. */
function isSecret(text: string, end: number): boolean {
  let at = end;
  for (let brackets = 0; brackets < MAX_BRACKETS; brackets++) {
    if (endsWithWord(text, at)) return true;
    const closed = beforeClosing(text, at);
    if (closed === at) return false;
    if (endsWithWord(text, closed)) return true;
    let word = closed;
    while (closed - word < BRACKETED_WORD && isWordCharacter(text.charCodeAt(word - 1))) word--;
    const opens = text[word - 1] === "[" || isEscapedBracket(text, word - 1);
    if (!opens) return false;
    at = word - 1;
  }
  return false;
}

function beforeClosing(text: string, at: number): number {
  if (text[at - 1] === "]") return at - 1;
  const mayClose = text[at - 2] === "5" && (text[at - 1] === "d" || text[at - 1] === "D");
  return mayClose ? at - (CLOSING.exec(shortBefore(text, at))?.[0].length ?? 0) : at;
}
const CLOSING = /%(?:25)*5d$/i;
const OPENING = /%(?:25)*5b$/i;

/** As much as an escaped bracket may need. */
const shortBefore = (text: string, end: number): string => text.slice(Math.max(0, end - 12), end);

const isEscapedBracket = (text: string, at: number): boolean => /^%(?:25)*5b/i.test(text.slice(at, at + 12));

function endsWithWord(text: string, end: number): boolean {
  let at = end;
  while (end - at < 2 && isDigit(text.charCodeAt(at - 1))) at--;
  const words = WORDS_ENDING_IN.get(lastTwo(text, at));
  return words?.some((word) => isWordBefore(text, at, word)) ?? false;
}

function isWordBefore(text: string, end: number, word: string): boolean {
  const start = end - word.length;
  if ((text.charCodeAt(start) | 32) !== word.charCodeAt(0)) return false;
  if (text.slice(start, end).toLowerCase() !== word) return false;
  // Also the end of `bypass`.
  return word !== "pass" || !isLetter(text.charCodeAt(start - 1)) || OPENING.test(shortBefore(text, start));
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 122;
const isWordCharacter = (code: number): boolean => isDigit(code) || isLetter(code) || code === 95;

function escapedEnd(text: string, start: number): number {
  ESCAPED_END.lastIndex = start;
  return ESCAPED_END.exec(text)?.index ?? text.length;
}

function valueEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !isBorder(text.charCodeAt(end))) end++;
  return end;
}

/** `&`, `;`, `?`, `#`, quotes, white space: what ends a value, which may hold further `=`. */
function isBorder(code: number): boolean {
  return code <= 35
    ? code === 35 || code === 34 || code <= 32
    : code === 38 || code === 39 || code === 59 || code === 63;
}

/** As `maskSecrets`, for a field that may be missing or absent. */
export const maskField = <T extends string | null | undefined>(text: T): T =>
  typeof text === "string" ? (maskSecrets(text) as T) : text;

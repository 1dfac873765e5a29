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
  ...[
    "passwords",
    "userpass",
    "token",
    "tokens",
    "tokenid",
    "token_id",
    "jwt",
    "bearer",
    "csrf",
    "xsrf",
    "otp",
  ],
  ...["ticket", "tickets", "ticketid", "ticket_id", "ticket-id", "signature"],
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
/** `&`, `#`, `;`, `?`, a quote and blanks, as they end a value in such a URL; in the group how often it is escaped anew. */
const ESCAPED_END = /[\s"#&;?]|%((?:25)*)(?:2[0236]|3[bf])/gi;
/** A quote that a value begins with. */
const OPENING_QUOTE = /(?:\\?"|%(?:25)*22)(?=\w)/iy;
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
  const isEscaped = text.includes("%");
  let masked = maskParameters(text, isEscaped);
  if (text.includes('"') || (isEscaped && ESCAPED_QUOTE.test(text))) masked = maskMembers(masked);
  if (text.includes("found within ARGS")) masked = maskArguments(masked);
  if (text.includes("eyJ")) masked = masked.replace(WEB_TOKEN, MASK);
  if (text.includes("@")) masked = masked.replace(USER_INFO, `$1${MASK}@`);
  return masked;
}

function maskParameters(text: string, isEscaped: boolean): string {
  if (!isEscaped && !text.includes("=")) return text;
  let masked = "";
  let copied = 0;
  for (let start = 0; ; ) {
    const at = isEscaped ? escapedEquals(text, start) : text.indexOf("=", start);
    if (at === -1) break;
    start = isEscaped ? EQUALS.lastIndex : at + 1;
    if (!isSecret(text, at)) continue;
    const end = text[at] === "=" ? valueEnd(text, start) : escapedEnd(text, start, start - at - "%3d".length);
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
/** Also `-` and `.`. */
const isWordCharacter = (code: number): boolean =>
  isDigit(code) || isLetter(code) || code === 95 || code === 45 || code === 46;

/** `depth`: how much longer its equals sign is for being escaped anew. What is escaped more often than that is of the value. */
function escapedEnd(text: string, start: number, depth: number): number {
  ESCAPED_END.lastIndex = behindQuote(text, start);
  for (;;) {
    const end = ESCAPED_END.exec(text);
    if (end === null) return text.length;
    if ((end[1]?.length ?? 0) <= depth) return end.index;
  }
}

function valueEnd(text: string, start: number): number {
  let end = behindQuote(text, start);
  // Behind a backslash it is one that Apache escaped: of the value.
  while (end < text.length && !isBorder(text.charCodeAt(end))) end += text[end] === "\\" ? 2 : 1;
  return Math.min(end, text.length);
}

/** A value may be in quotes itself. */
function behindQuote(text: string, start: number): number {
  OPENING_QUOTE.lastIndex = start;
  return start + (OPENING_QUOTE.exec(text)?.[0].length ?? 0);
}

/** `&`, `;`, `?`, `#`, a quote, white space: what ends a value, which may hold further `=`. */
function isBorder(code: number): boolean {
  return code <= 35 ? code === 35 || code === 34 || code <= 32 : code === 38 || code === 59 || code === 63;
}

const ESCAPED_QUOTE = /%(?:25)*22/;
/** Between the name and the value of a member of a JSON object, which may be the value of a parameter or of a log itself. */
const MEMBER = /(\\{0,8}"|%(?:25)*22)\s*(?::|%(?:25)*3a)(?:[\s+]|%(?:25)*20)*(\\{0,8}"|%(?:25)*22)?/gi;
/** What may stand there without quotes: numbers, words. */
const BARE_VALUE = /[\w.+-]*/y;
const PLAIN_END = /\\{0,8}"/g;
/** Also what ends the parameter that the object is the value of. */
const PARAMETER_END = /[\s"&]|(?:%(?:25)*5c)?%(?:25)*22/gi;

/** `{"user":"ann","password":"…"}`, its quotes escaped or not. */
function maskMembers(text: string): string {
  let masked = "";
  let copied = 0;
  MEMBER.lastIndex = 0;
  for (let member = MEMBER.exec(text); member !== null; member = MEMBER.exec(text)) {
    const start = MEMBER.lastIndex;
    if (!isSecret(text, member.index)) continue;
    const end = memberEnd(text, start, member[2]);
    if (end === start) continue;
    masked += text.slice(copied, start) + MASK;
    copied = end;
    MEMBER.lastIndex = end;
  }
  return masked + text.slice(copied);
}

/** The value's own quotes have more backslashes before them than the one that it began with, or are escaped more often. */
function memberEnd(text: string, start: number, quote: string | undefined): number {
  if (quote === undefined) {
    BARE_VALUE.lastIndex = start;
    return start + BARE_VALUE.exec(text)![0].length;
  }
  const end = quote.endsWith('"') ? PLAIN_END : PARAMETER_END;
  end.lastIndex = start;
  for (let found = end.exec(text); found !== null; found = end.exec(text))
    if (found[0].length <= quote.length) return found.index;
  return text.length;
}

/** ModSecurity's `Matched Data: … found within ARGS:password: …`, up to the quote behind it. */
const ARGUMENT = /found within ARGS(?:_GET|_POST)?:([^\s":]{1,128}): ((?:[^"\\]+|\\[\s\S]?)*)/g;
const MATCHED = "Matched Data: ";
/** As much as it may have matched. */
const MATCHED_LENGTH = 1_024;

function maskArguments(text: string): string {
  let masked = "";
  let copied = 0;
  for (const { 0: all, 1: name, 2: value, index } of text.matchAll(ARGUMENT)) {
    if (!isSecret(name!, name!.length)) continue;
    const from = Math.max(copied, index - MATCHED_LENGTH);
    const matched = text.slice(from, index).lastIndexOf(MATCHED);
    const cut = matched === -1 ? index : from + matched + MATCHED.length;
    const end = index + all.length;
    masked += `${text.slice(copied, cut)}${cut < index ? `${MASK} ` : ""}${text.slice(index, end - value!.length)}${MASK}`;
    copied = end;
  }
  return masked + text.slice(copied);
}

/** As `maskSecrets`, for a field that may be missing or absent. */
export const maskField = <T extends string | null | undefined>(text: T): T =>
  typeof text === "string" ? (maskSecrets(text) as T) : text;

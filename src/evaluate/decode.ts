/** How many times a value is taken to be encoded. Servers and apps undo one or two; more is done to hide. */
export const MAX_LAYERS = 3;

/** Without any of these a text is what it decodes to. */
const MAY_BE_ENCODED = /[%\\\xc0\xc1\xe0\xef\xf0]/;
const PERCENT = /%(?:u([0-9a-f]{4})|([0-9a-f]{2}))/gi;
/** Escapes of JSON and JavaScript, which an app undoes when it reads a value as such. */
const SCRIPT_ESCAPE = /\\(?:u([0-9a-f]{4})|x([0-9a-f]{2}))/gi;
/** The full-width forms of ASCII in UTF-8, which databases and IIS take for the ASCII that they look like. */
const FULL_WIDTH = /\xef(?:\xbc[\x81-\xbf]|\xbd[\x80-\x9e])/g;
/** UTF-8 of more bytes than an ASCII character needs: `c0 ae` is a dot to a lax decoder, and no text to a strict one. */
const OVERLONG = /[\xc0\xc1][\x80-\xbf]|\xe0[\x80\x81][\x80-\xbf]|\xf0\x80[\x80\x81][\x80-\xbf]/g;

/**
 * What a lax server or app may take a text for: percent-encoding undone up to `MAX_LAYERS` times, also `%uXXXX`, `\uXXXX`, `\xXX`
 * and overlong UTF-8; a full-width form is its letter, and a backslash is a slash. Bytes stay bytes, one a character. The patterns
 * have no choice to go back to, so the time is linear.
 */
export function decodeText(text: string): string {
  if (!MAY_BE_ENCODED.test(text)) return text;
  let decoded = text;
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const next = withoutLayer(decoded);
    if (next === decoded) break;
    decoded = next;
  }
  return slashes(decoded);
}

/** As `decodeText`, of a form's or a query's text, in which + is a space. */
export const decodeQuery = (text: string): string => decodeText(text).replaceAll("+", " ");

/** As `decodeText`, of an address: what follows the question mark is a query. */
export function decodeUrl(url: string): string {
  const mark = url.indexOf("?");
  if (mark === -1) return decodeText(url);
  return `${decodeText(url.slice(0, mark))}?${decodeQuery(url.slice(mark + 1))}`;
}

/** A literal as decoded texts have it. */
export const slashes = (text: string): string => text.replaceAll("\\", "/");

const withoutLayer = (text: string): string =>
  text
    .replace(PERCENT, unescaped)
    .replace(SCRIPT_ESCAPE, unescaped)
    .replace(OVERLONG, (bytes) => {
      const [high, low] = [bytes.charCodeAt(bytes.length - 2), bytes.charCodeAt(bytes.length - 1)];
      return String.fromCharCode(((high & 1) << 6) | (low & 0x3f));
    })
    .replace(FULL_WIDTH, narrow);

const narrow = (bytes: string): string =>
  String.fromCharCode(((bytes.charCodeAt(1) & 3) << 6) + (bytes.charCodeAt(2) & 0x3f) + 0x20);

function unescaped(_all: string, unicode: string | undefined, byte: string | undefined): string {
  if (unicode === undefined) return String.fromCharCode(Number.parseInt(byte!, 16));
  const code = Number.parseInt(unicode, 16);
  if (code <= 0xff) return String.fromCharCode(code);
  return Buffer.from(String.fromCharCode(code), "utf8").toString("latin1");
}

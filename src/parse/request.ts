import { unescapeValue } from "./unescape.ts";

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: string | null;
  readonly protocol: string | null;
}

/** What stands for a request that was never sent, or that the format cannot show. */
export const NO_REQUEST: Request = { method: "-", path: "", query: null, protocol: null };

/**
 * Splits a request line as logged, escapes and all. Never fails: a line that is no HTTP gives `-` as its method
 * (TLS bytes on a plain port) and has everything behind the method in its path.
 */
export function splitRequest(text: string): Request {
  if (text === "-") return NO_REQUEST;
  const space = text.indexOf(" ");
  const word = space === -1 ? text : text.slice(0, space);
  const isMethod = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(word);
  let target = isMethod ? text.slice(word.length + 1) : text;
  let protocol: string | null = null;
  const last = target.lastIndexOf(" ");
  if (isMethod && /^HTTP\/\d/.test(target.slice(last + 1))) {
    protocol = target.slice(last + 1);
    target = last === -1 ? "" : target.slice(0, last);
  }
  return { method: isMethod ? word : "-", ...splitTarget(target), protocol };
}

/** As `splitRequest`, of a request line as it was sent: a backslash in it escapes nothing. */
export const splitSentRequest = (text: string): Request => splitRequest(text.replaceAll("\\", "\\\\"));

/** Path and query of a request target as logged. */
export function splitTarget(target: string): Pick<Request, "path" | "query"> {
  const mark = target.indexOf("?");
  if (mark === -1) return { path: unescapeValue(target), query: null };
  return { path: unescapeValue(target.slice(0, mark)), query: unescapeValue(target.slice(mark + 1)) };
}

import type { Field } from "../model/event.ts";
import type { Positions } from "./positions.ts";
import { NO_REQUEST, type Request, splitRequest, splitTarget } from "./request.ts";
import * as slot from "./slots.ts";
import { unescapeValue } from "./unescape.ts";

const DASH = 45;
const QUOTE = 34;
const SPACE = 32;
const PROTOCOL_LENGTH = "HTTP/1.1".length;

/** A value as it was sent. `escaped`: the line holds a backslash somewhere, so the value may. */
export function fieldOf(line: string, at: Positions, of: slot.Slot, escaped: boolean): Field {
  const start = at.starts[of]!;
  if (start === -1) return undefined;
  const end = at.ends[of]!;
  if (end - start === 1 && line.charCodeAt(start) === DASH)
    return at.conditional[of] === 1 ? undefined : null;
  // An empty user name; no other value can hold a quote that is not escaped.
  if (end - start === 2 && line.charCodeAt(start) === QUOTE) return "";
  const text = line.slice(start, end);
  return escaped ? unescapeValue(text) : text;
}

/** The request, from `%r` or from the directives that stand for its parts. */
export function requestOf(line: string, at: Positions, escaped: boolean): Request {
  const start = at.starts[slot.REQUEST]!;
  if (start === -1) return requestFromParts(line, at, escaped);
  const end = at.ends[slot.REQUEST]!;
  const method = commonMethod(line, start);
  const protocol = commonProtocol(line, end);
  const targetAt = start + method.length + 1;
  const targetEnd = end - PROTOCOL_LENGTH - 1;
  // All but a few lines go on here; the others are read with more care and less speed.
  const isCommon = method !== "" && protocol !== "" && targetAt < targetEnd && !escaped;
  if (!isCommon || line.charCodeAt(targetEnd) !== SPACE) return splitRequest(line.slice(start, end));
  const mark = line.indexOf("?", targetAt);
  const hasQuery = mark !== -1 && mark < targetEnd;
  return {
    method,
    path: line.slice(targetAt, hasQuery ? mark : targetEnd),
    query: hasQuery ? line.slice(mark + 1, targetEnd) : null,
    protocol,
  };
}

function commonMethod(line: string, start: number): string {
  if (line.startsWith("GET ", start)) return "GET";
  if (line.startsWith("POST ", start)) return "POST";
  return line.startsWith("HEAD ", start) ? "HEAD" : "";
}

function commonProtocol(line: string, end: number): string {
  const protocol = line.slice(end - PROTOCOL_LENGTH, end);
  if (protocol === "HTTP/1.1") return "HTTP/1.1";
  if (protocol === "HTTP/2.0") return "HTTP/2.0";
  return protocol === "HTTP/1.0" ? "HTTP/1.0" : "";
}

/** `%q` writes its question mark, and nothing when there is no query. */
function requestFromParts(line: string, at: Positions, escaped: boolean): Request {
  const targetAt = at.starts[slot.TARGET]!;
  const target = splitTarget(targetAt === -1 ? "" : line.slice(targetAt, at.ends[slot.TARGET]));
  const query = fieldOf(line, at, slot.QUERY, escaped);
  return {
    method: fieldOf(line, at, slot.METHOD, escaped) ?? NO_REQUEST.method,
    path: fieldOf(line, at, slot.PATH, escaped) ?? target.path,
    query: query ? query.replace(/^\?/, "") : target.query,
    protocol: fieldOf(line, at, slot.PROTOCOL, escaped) ?? null,
  };
}

import { ownNamePattern } from "../model/audit.ts";
import { AUDIT_NAMES, type AuditName, type LogEvent, type SourceId } from "../model/event.ts";
import { parseIp } from "../model/ip.ts";
import { type UnixMs, unixMs } from "../model/time.ts";
import { decodeUtf8, parseCutObject, parseObject } from "./json.ts";
import type { LineParser } from "./line-parser.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { unparsed } from "./unparsed.ts";

/** Characters of a text and of a detail that are kept: an app may pass on what a client sent it. */
const LONGEST_TEXT = 1_024;
const LONGEST_DETAIL = 4_096;
/** Objects and arrays within each other that a detail may have. */
const DEEPEST_DETAIL = 32;

const VERSION = 1;
const NAMES: ReadonlySet<string> = new Set(AUDIT_NAMES);

/** Parses what apps report: one JSON object a line, UTF-8. */
export class AuditLogParser implements LineParser {
  readonly kind = "audit";
  readonly format = "audit";

  parse(line: string, source: SourceId, now: UnixMs, cut = false): LogEvent {
    const text = decodeUtf8(line);
    const fields = (cut ? parseCutObject : parseObject)(text);
    if (fields === null) return unparsed(line, source, now, cut ? "truncated" : "json");
    const { version = null, time, event, client } = fields;
    if (version !== null && version !== VERSION)
      return unparsed(line, source, now, isNewer(version) ? "audit-version" : "audit-field");
    if (typeof time !== "string" || typeof event !== "string" || typeof client !== "string") {
      return unparsed(line, source, now, cut ? "truncated" : "audit-field");
    }
    if (!isName(event)) return unparsed(line, source, now, "audit-name");
    const at = parseRfc3339(time, null);
    if (Number.isNaN(at)) return unparsed(line, source, now, "time");
    const address = parseIp(client);
    if (address === null) return unparsed(line, source, now, "client");
    const texts = textsOf(fields);
    const detail = detailOf(fields.detail);
    if (texts === null || detail === undefined) return unparsed(line, source, now, "audit-field");
    return {
      kind: "audit",
      time: unixMs(at),
      source,
      line: text,
      client: address,
      name: event,
      ...texts,
      detail,
    };
  }
}

const isName = (text: string): text is AuditName => NAMES.has(text) || ownNamePattern.test(text);

/** A line of a later version may mean something else by the same names. */
const isNewer = (version: unknown): boolean => Number.isInteger(version) && (version as number) > VERSION;

/** Null when one of them is neither text nor number nor absent. */
function textsOf(fields: Readonly<Record<string, unknown>>) {
  const app = textOf(fields.app);
  const user = textOf(fields.user);
  const connection = textOf(fields.connection);
  const origin = textOf(fields.origin);
  const path = textOf(fields.path);
  const isComplete =
    app !== undefined &&
    user !== undefined &&
    connection !== undefined &&
    origin !== undefined &&
    path !== undefined;
  return isComplete ? { app, user, connection, origin, path } : null;
}

/** A user's or a connection's id may be a number. Undefined for anything else that is no text. */
function textOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === "string" ? shorten(value, LONGEST_TEXT) : undefined;
}

/** Detail is for people to read: what is longer is cut, and then no JSON any more. */
function detailOf(value: unknown): string | null | undefined {
  if (value === undefined || value === null) return null;
  if (typeof value !== "object" || Array.isArray(value) || isDeeper(value, DEEPEST_DETAIL)) return undefined;
  const text = JSON.stringify(value);
  return text === "{}" ? null : shorten(text, LONGEST_DETAIL);
}

/** JSON.parse takes any depth, JSON.stringify throws where the stack ends: at another depth in each thread. */
const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === "object" &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)));

/** A surrogate that lost its other half would not survive the store. */
const shorten = (text: string, length: number): string => text.slice(0, length).toWellFormed();

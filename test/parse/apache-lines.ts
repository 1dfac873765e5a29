import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { AccessEvent, AuditEvent, ErrorEvent, LogEvent, UnparsedReason } from "../../src/model/event.ts";
import { unixMs } from "../../src/model/time.ts";
import type { LineParser } from "../../src/parse/line-parser.ts";

/** When the tests read their lines. */
export const NOW = unixMs(Date.UTC(2026, 10, 21));

/** The lines of a file of the corpus, one character a byte. */
export const corpus = (file: string): string[] =>
  readFileSync(join(import.meta.dirname, "../fixtures/apache", file), "latin1")
    .split("\n")
    .slice(0, -1);

export const parse = (parser: LineParser, line: string, cut = false): LogEvent =>
  parser.parse(line, 7, NOW, cut);

export const accessOf = (parser: LineParser, line: string, cut = false): AccessEvent =>
  ofKind("access", parse(parser, line, cut));
export const errorOf = (parser: LineParser, line: string): ErrorEvent => ofKind("error", parse(parser, line));
export const auditOf = (parser: LineParser, line: string, cut = false): AuditEvent =>
  ofKind("audit", parse(parser, line, cut));

function ofKind<Kind extends LogEvent["kind"]>(
  kind: Kind,
  event: LogEvent,
): Extract<LogEvent, { kind: Kind }> {
  expect(event).toMatchObject({ kind, line: event.line, source: 7 });
  return event as Extract<LogEvent, { kind: Kind }>;
}

/** Null when the line did parse. */
export function reasonOf(parser: LineParser, line: string, cut = false): UnparsedReason | null {
  const event = parse(parser, line, cut);
  return event.kind === "unparsed" ? event.reason : null;
}

/** A value as mod_log_config writes it: `ap_escape_logitem`. */
export const escapeLogItem = (value: string): string =>
  value.replace(/["\\]|[^ -~]/g, (character) => {
    const simple: Record<string, string> = { "\b": "b", "\n": "n", "\r": "r", "\t": "t", "\v": "v" };
    if (character === '"' || character === "\\") return `\\${character}`;
    return `\\${simple[character] ?? `x${character.charCodeAt(0).toString(16).padStart(2, "0")}`}`;
  });

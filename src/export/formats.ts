import type { BanItem } from "../model/api.ts";
import type { ExportFormat } from "../model/export.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { ipsetLines, nftLines } from "./firewall-sets.ts";
import { barely, harmless, plainly } from "./spelling.ts";
import { stixBundle } from "./stix.ts";

export interface ExportAbout {
  readonly now: UnixMs;
  /** Tells this Sekisho's objects from another's. */
  readonly host: string;
}

export interface FormatOf {
  readonly contentType: string;
  readonly fileName: string;
  /** Each ban's target once. Nothing of a ban but its target reaches a format that a program obeys. */
  readonly write: (bans: Iterable<BanItem>, about: ExportAbout) => Iterable<string>;
}

const TEXT = "text/plain; charset=utf-8";
/** Apache parses one address a line in quadratic time. */
const TARGETS_A_LINE = 100;

export const FORMATS: Readonly<Record<ExportFormat, FormatOf>> = {
  plain: { contentType: TEXT, fileName: "bans.txt", write: (bans) => lines(bans, plainly) },
  csv: { contentType: "text/csv; charset=utf-8; header=present", fileName: "bans.csv", write: csv },
  json: { contentType: "application/json; charset=utf-8", fileName: "bans.json", write: json },
  stix: {
    contentType: "application/stix+json;version=2.1",
    fileName: "bans.stix.json",
    write: (bans, { now, host }) => stixBundle(bans, now, host),
  },
  apache: { contentType: TEXT, fileName: "bans.conf", write: apache },
  nginx: {
    contentType: TEXT,
    fileName: "bans.nginx.conf",
    write: (bans, { now }) =>
      headed(
        now,
        lines(bans, (target) => `deny ${barely(target)};`),
      ),
  },
  ipset: { contentType: TEXT, fileName: "bans.ipset", write: (bans, { now }) => ipsetLines(bans, now) },
  nft: { contentType: TEXT, fileName: "bans.nft", write: (bans, { now }) => nftLines(bans, now) },
};

function* lines(bans: Iterable<BanItem>, text: (target: string) => string): Generator<string> {
  for (const { target } of bans) yield `${text(target)}\n`;
}

function* headed(now: UnixMs, rest: Iterable<string>): Generator<string> {
  yield `# Bans of Sekisho, ${toIso(now)}\n`;
  yield* rest;
}

function* apache(bans: Iterable<BanItem>, { now }: ExportAbout): Generator<string> {
  yield `# Bans of Sekisho, ${toIso(now)}; to be included in <RequireAll>, beside a Require that lets people in\n`;
  let line: string[] = [];
  for (const { target } of bans) {
    line.push(barely(target));
    if (line.length < TARGETS_A_LINE) continue;
    yield `Require not ip ${line.join(" ")}\n`;
    line = [];
  }
  if (line.length > 0) yield `Require not ip ${line.join(" ")}\n`;
}

/** RFC 4180. */
function* csv(bans: Iterable<BanItem>): Generator<string> {
  yield "target,from,until,by,rule,reason\r\n";
  for (const { target, at, until, by, rule, reason } of bans)
    yield `${[target, at, until ?? "", by, rule ?? "", reason].map(cell).join(",")}\r\n`;
}

/** A spreadsheet takes what begins with one of these for a formula. */
function cell(text: string): string {
  const plain = harmless(text).replace(/^[=+\-@]/, "'$&");
  return /[",]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Shaped as `GET /api/bans`, all on one page. */
function* json(bans: Iterable<BanItem>): Generator<string> {
  yield '{"items":[';
  let before = "\n";
  for (const ban of bans) {
    yield `${before}${JSON.stringify({ ...ban, reason: harmless(ban.reason) })}`;
    before = ",\n";
  }
  yield '\n],"next":null}\n';
}

import { setImmediate as breathe } from "node:timers/promises";
import { isIpv4, parseTarget, prefixOf, type Target } from "../model/ip.ts";
import { type PackedTargets, TargetPacker } from "../model/packed-targets.ts";
import { inAscii } from "../model/safe-text.ts";
import { type ColumnReader, columnReader } from "./columns.ts";

export type ListKind = "block" | "allow";

/** How a text is read, and what of it is taken. */
export interface ReadingRules {
  readonly kind: ListKind;
  readonly format: "plain" | "csv";
  /** Of CSV: its number, from 1, or its name in the heading. */
  readonly column: number | string;
  readonly separator: string;
  /** Different entries at most; reading ends when there are twice as many with those that repeat. */
  readonly max: number;
}

export interface Reading {
  readonly targets: PackedTargets;
  /** Lines that are no address or range, and those that are refused. */
  readonly wrong: number;
  readonly refused: number;
  /** The first of both, each with its line number. */
  readonly examples: readonly string[];
  readonly lines: number;
  /** There was more than `max` allows, and the rest was not read. */
  readonly isCut: boolean;
}

const MOST_EXAMPLES = 10;
const MOST_REPEATS = 2;
/** More of a line is not looked at: no address has as much before it. */
const LONGEST_LINE = 4_096;
/** Lines that are read before other work gets its turn: some 4 ms. */
const SLICE = 2_000;
const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/** Shorter prefixes are a mistake, or worse. */
const SHORTEST = { ipv4: 8, ipv6: 19 } as const;

/** Reads a whole text. Never throws for what is in it, but for a column that is not there (`NoColumn`) and the signal. */
export async function readEntries(
  bytes: Buffer,
  rules: ReadingRules,
  signal?: AbortSignal,
): Promise<Reading> {
  const reader = new EntryReader(rules);
  // Some programs begin a file with the mark of UTF-8.
  let at = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0;
  while (at < bytes.length && reader.hasRoom) {
    const newline = bytes.indexOf(NEWLINE, at);
    const end = newline === -1 ? bytes.length : newline;
    reader.take(bytes.toString("latin1", at, Math.min(end, at + LONGEST_LINE + 1)));
    at = end + 1;
    if (reader.lines % SLICE !== 0) continue;
    await breathe();
    signal?.throwIfAborted();
  }
  return { ...reader.reading(), isCut: !reader.hasRoom };
}

class EntryReader {
  readonly #rules: ReadingRules;
  readonly #column: ColumnReader | null;
  readonly #targets = new TargetPacker();
  readonly #examples: string[] = [];
  #wrong = 0;
  #refused = 0;
  lines = 0;

  constructor(rules: ReadingRules) {
    this.#rules = rules;
    this.#column = rules.format === "plain" ? null : columnReader(rules.column, rules.separator);
  }

  get hasRoom(): boolean {
    return this.#targets.given <= this.#rules.max * MOST_REPEATS;
  }

  take(line: string): void {
    this.lines++;
    if (line.length > LONGEST_LINE) {
      this.#note("wrong", line, "is too long");
      return;
    }
    const text = this.#entryOf(line);
    if (text === null) return;
    const target = parseTarget(text);
    if (target === null) {
      // The heading of a CSV, where the column is told by its number.
      if (this.#column?.takesHeading() === true) return;
      this.#note("wrong", text, "is no address or range");
      return;
    }
    this.#column?.takesHeading();
    const why = refusal(target, this.#rules.kind);
    if (why === null) this.#targets.add(target);
    else this.#note("refused", text, why);
  }

  /** Null for an empty line and a comment. */
  #entryOf(line: string): string | null {
    if (this.#column !== null) return this.#column.cell(line);
    const comment = line.search(/[#;]/);
    const text = (comment === -1 ? line : line.slice(0, comment)).trim();
    return text === "" ? null : text;
  }

  #note(kind: "wrong" | "refused", text: string, why: string): void {
    if (kind === "wrong") this.#wrong++;
    else this.#refused++;
    if (this.#examples.length < MOST_EXAMPLES)
      this.#examples.push(`line ${this.lines}: '${excerpt(text)}' ${why}`);
  }

  reading(): Omit<Reading, "isCut"> {
    return {
      targets: this.#targets.packed(),
      wrong: this.#wrong,
      refused: this.#refused,
      examples: this.#examples,
      lines: this.lines,
    };
  }
}

/** Of hostile text, for people to see. */
const excerpt = (text: string): string => inAscii(text.slice(0, 60));

/** Why an entry is not taken, whoever it would hit here; null when it is. */
function refusal(target: Target, kind: ListKind): string | null {
  const { address, bits } = prefixOf(target);
  if (isIpv4(target)) {
    if (bits < SHORTEST.ipv4) return `is wider than a /${SHORTEST.ipv4}`;
    return kind === "block" && isSpecialIpv4(address, bits) ? "is not of the public Internet" : null;
  }
  if (bits < SHORTEST.ipv6) return `is wider than a /${SHORTEST.ipv6}`;
  // Of IPv6, 2000::/3 is in use there.
  return kind === "block" && !/^[23][0-9a-f]{3}:/.test(address) ? "is not of the public Internet" : null;
}

/**
 * Private, shared, loopback, link-local, multicast and reserved addresses (RFC 6890). Those for documentation are nobody's
 * and do no harm. By hand, as half a million pass here.
 */
function isSpecialIpv4(address: string, bits: number): boolean {
  const dot = address.indexOf(".");
  const first = Number(address.slice(0, dot));
  const second = Number(address.slice(dot + 1, address.indexOf(".", dot + 1)));
  /** Any of the second octets from `low` to `high` is in the range. */
  const holds = (low: number, high: number): boolean => {
    const last = bits >= 16 ? second : second + 2 ** (16 - bits) - 1;
    return second <= high && last >= low;
  };
  switch (first) {
    case 0:
    case 10:
    case 127:
      return true;
    case 100:
      return holds(64, 127);
    case 169:
      return holds(254, 254);
    case 172:
      return holds(16, 31);
    case 192:
      return holds(168, 168);
    default:
      return first >= 224;
  }
}

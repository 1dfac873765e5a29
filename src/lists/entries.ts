import { setImmediate as breathe } from "node:timers/promises";
import { isIpv4, parseTarget, prefixOf, type Target } from "../model/ip.ts";
import { type PackedTargets, TargetPacker } from "../model/packed-targets.ts";
import { inAscii } from "../model/safe-text.ts";
import { type ColumnReader, columnReader } from "./columns.ts";
import type { OwnAndPrivate } from "./own-and-private.ts";

/** How a text is read. */
export interface ReadingRules {
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
  /** Those of the refused that cover own or private ranges, and the first of them. */
  readonly covering: { readonly count: number; readonly examples: readonly string[] };
  readonly lines: number;
  /** There was more than `max` allows, and the rest was not read. */
  readonly isCut: boolean;
}

const MOST_EXAMPLES = 10;
/** Of what has a whole list refused, in one message. */
const MOST_COVERING = 3;
const MOST_REPEATS = 2;
/** More of a line is not looked at: no address has as much before it. */
const LONGEST_LINE = 4_096;
/** Lines that are read before other work gets its turn: some 4 ms. */
const SLICE = 2_000;
const NEWLINE = 10;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/** Shorter prefixes are a mistake, or worse. */
const SHORTEST = { ipv4: 8, ipv6: 19 } as const;

/**
 * Reads a whole text. Never throws for what is in it, but for a column that is not there (`NoColumn`) and the signal. Of a list
 * that blocks (`unwanted`) entries that cover own or private ranges are left out.
 */
export async function readEntries(
  bytes: Buffer,
  rules: ReadingRules,
  unwanted: OwnAndPrivate | null,
  signal?: AbortSignal,
): Promise<Reading> {
  const reading = await readOnce(bytes, new EntryReader(rules, unwanted, false), signal);
  if (unwanted?.isTouchedBy(reading.targets) !== true || reading.isCut) return reading;
  // Once more, entry by entry: few lists need it, and half a million take seconds.
  return readOnce(bytes, new EntryReader(rules, unwanted, true), signal);
}

async function readOnce(bytes: Buffer, reader: EntryReader, signal?: AbortSignal): Promise<Reading> {
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
  readonly #unwanted: OwnAndPrivate | null;
  /** Every entry is looked at, and not only wide ones. */
  readonly #looksClosely: boolean;
  readonly #targets = new TargetPacker();
  readonly #examples: string[] = [];
  readonly #covering = { count: 0, examples: [] as string[] };
  #wrong = 0;
  #refused = 0;
  lines = 0;

  constructor(rules: ReadingRules, unwanted: OwnAndPrivate | null, looksClosely: boolean) {
    this.#rules = rules;
    this.#unwanted = unwanted;
    this.#looksClosely = looksClosely;
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
    const wide = width(target);
    const covers = wide !== null || this.#looksClosely ? (this.#unwanted?.why(target) ?? null) : null;
    const why = covers ?? wide;
    if (why === null) {
      this.#targets.add(target);
      return;
    }
    const example = this.#note("refused", text, why);
    if (covers === null) return;
    this.#covering.count++;
    if (this.#covering.examples.length < MOST_COVERING) this.#covering.examples.push(example);
  }

  /** Null for an empty line and a comment. */
  #entryOf(line: string): string | null {
    if (this.#column !== null) return this.#column.cell(line);
    const comment = line.search(/[#;]/);
    const text = (comment === -1 ? line : line.slice(0, comment)).trim();
    return text === "" ? null : text;
  }

  #note(kind: "wrong" | "refused", text: string, why: string): string {
    if (kind === "wrong") this.#wrong++;
    else this.#refused++;
    const example = `line ${this.lines}: '${excerpt(text)}' ${why}`;
    if (this.#examples.length < MOST_EXAMPLES) this.#examples.push(example);
    return example;
  }

  reading(): Omit<Reading, "isCut"> {
    return {
      targets: this.#targets.packed(),
      wrong: this.#wrong,
      refused: this.#refused,
      examples: this.#examples,
      covering: this.#covering,
      lines: this.lines,
    };
  }
}

/** Of hostile text, for people to see. */
const excerpt = (text: string): string => inAscii(text.slice(0, 60));

/** Why an entry is not taken, whoever it would hit here; null when it is. */
function width(target: Target): string | null {
  const shortest = isIpv4(target) ? SHORTEST.ipv4 : SHORTEST.ipv6;
  return prefixOf(target).bits < shortest ? `is wider than a /${shortest}` : null;
}

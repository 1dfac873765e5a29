import { SekishoError } from "../model/errors.ts";
import type { LogEvent, SourceId } from "../model/event.ts";
import type { UnixMs } from "../model/time.ts";
import { createMixedParser, createParser, detectFormat, kindOf } from "../parse/formats.ts";
import type { LineParser, ParserOptions } from "../parse/line-parser.ts";
import { headersNotShown } from "../parse/named-formats.ts";
import { parseLines } from "../pipeline.ts";
import { readLog } from "../tail/read-log.ts";

/** Lines of a file that decide what it is. */
const SAMPLE_LINES = 50;

/** A log of which no line parsed. */
export interface UnknownLog {
  readonly file: string;
  /** What was tried; null: every format that is told by itself. */
  readonly format: string | null;
}

/** A log that cannot show what rules ask for. */
export interface PoorLog {
  readonly file: string;
  readonly format: string;
  readonly headers: readonly string[];
}

/** What is told beside the result. */
export interface Troubles {
  readonly unknown: UnknownLog[];
  readonly poor: PoorLog[];
  /** Packed logs that broke off; what came before counts. */
  readonly damaged: SekishoError[];
}

export interface ReadingOptions {
  /** For all files; null: each file's first lines decide. */
  readonly format: string | null;
  readonly timezone: string | null;
  readonly onProgress: (bytes: number) => void;
}

/** Events of one file, in batches. */
export async function* eventsOf(
  file: string,
  source: SourceId,
  { format, timezone, onProgress }: ReadingOptions,
  parsing: ParserOptions,
  { unknown, poor, damaged }: Troubles,
): AsyncGenerator<LogEvent[]> {
  let parser: LineParser | null = null;
  let offset = 0;
  let isKnown = false;
  try {
    for await (const read of readLog(file)) {
      onProgress(read.offset - offset);
      offset = read.offset;
      if (read.lines.length === 0) continue;
      parser ??= parserFor(read.lines.slice(0, SAMPLE_LINES), format, timezone, parsing);
      const events = parseLines(read, parser, source, 0 as UnixMs);
      isKnown ||= events.some(({ kind }) => kind !== "unparsed");
      yield events;
    }
  } catch (error) {
    if (!(error instanceof SekishoError && error.code === "LOG_DAMAGED")) throw error;
    damaged.push(error);
  }
  if (parser === null) return;
  if (!isKnown) unknown.push({ file, format: format === "auto" ? null : format });
  else if (parser.kind === "access") {
    const headers = headersNotShown(parser.format);
    if (headers.length > 0) poor.push({ file, format: parser.format, headers });
  }
}

/** One parser for the whole file where its first lines agree; a mixed file is decided line by line. */
function parserFor(
  sample: readonly string[],
  format: string | null,
  timezone: string | null,
  options: ParserOptions,
): LineParser {
  if (format !== null && format !== "auto") return createParser(kindOf(format), format, timezone, options);
  const access = detectFormat(sample);
  // Made anew for reading: a parser remembers how far its log has come, and the sample is read once more.
  const candidates = [
    ...(access === null ? [] : [() => createParser("access", access, timezone, options)]),
    () => createParser("error", "auto", timezone, options),
    () => createParser("audit", "auto", timezone, options),
  ];
  const pure = candidates.find((create) => {
    const parser = create();
    return sample.every((line) => line === "" || parser.parse(line, 0, 0 as UnixMs).kind !== "unparsed");
  });
  return pure?.() ?? createMixedParser("auto", timezone, options);
}

/** Events of several sources in order of time; a line that did not parse comes with the one before it. */
export async function* merged(
  sources: readonly AsyncGenerator<LogEvent[]>[],
): AsyncGenerator<readonly LogEvent[]> {
  if (sources.length === 1) return yield* sources[0]!;
  const heads: Head[] = [];
  for (const source of sources) {
    const head = new Head(source);
    if (await head.refill()) heads.push(head);
  }
  const batchSize = 5_000;
  let batch: LogEvent[] = [];
  while (heads.length > 0) {
    const earliest = heads.reduce((first, head) => (head.time < first.time ? head : first));
    batch.push(earliest.event!);
    // Waits only between two batches of a file: to wait for each event would take longer than the event.
    if (!earliest.advance() && !(await earliest.refill())) heads.splice(heads.indexOf(earliest), 1);
    if (batch.length === batchSize) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

class Head {
  readonly #source: AsyncGenerator<LogEvent[]>;
  #batch: LogEvent[] = [];
  #next = 0;
  event: LogEvent | null = null;
  time = 0;

  constructor(source: AsyncGenerator<LogEvent[]>) {
    this.#source = source;
  }

  /** Goes on to the next event of the batch; false when the batch is used up. */
  advance(): boolean {
    if (this.#next >= this.#batch.length) return false;
    this.event = this.#batch[this.#next++]!;
    if (this.event.kind !== "unparsed") this.time = this.event.time;
    return true;
  }

  /** Goes on to the first event of the next batch; false at the end of the source. */
  async refill(): Promise<boolean> {
    do {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#batch = next.value;
      this.#next = 0;
    } while (!this.advance());
    return true;
  }
}

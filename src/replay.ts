import { Ledger } from "./decide/ledger.ts";
import type { BanLengths } from "./decide/policy.ts";
import { Policy } from "./decide/policy.ts";
import type { Protected } from "./decide/protected.ts";
import { compileRule } from "./evaluate/compile-rule.ts";
import { Evaluator } from "./evaluate/evaluator.ts";
import type { NamedRule } from "./evaluate/rule-schema.ts";
import type { Decision } from "./model/decision.ts";
import { type EventCounts, type LogEvent, noEvents, type UnparsedReason } from "./model/event.ts";
import type { Finding } from "./model/finding.ts";
import { NEVER, type UnixMs } from "./model/time.ts";
import { createMixedParser, createParser, detectFormat } from "./parse/formats.ts";
import type { LineParser } from "./parse/line-parser.ts";
import { judge, parseLines } from "./pipeline.ts";
import { readLog } from "./tail/read-log.ts";

export interface ReplayOptions {
  readonly files: readonly string[];
  readonly rules: readonly NamedRule[];
  readonly origins: readonly string[];
  readonly policy: BanLengths;
  /** Who is spared. */
  readonly protectedTargets: Protected;
  /** For all files; null: each file's first lines decide. */
  readonly format: string | null;
  readonly timezone: string | null;
  readonly onProgress: (bytes: number) => void;
}

export interface Replayed {
  readonly events: EventCounts;
  readonly reasons: ReadonlyMap<UnparsedReason, number>;
  readonly findings: readonly Finding[];
  readonly decisions: readonly Decision[];
}

/** Lines of a file that decide what it is. */
const SAMPLE_LINES = 50;

/** Old logs through the pipeline of the daemon, on event time, with nothing stored. Several files are merged by time. */
export function replay(options: ReplayOptions): Replayed {
  const site = { origins: new Set(options.origins) };
  const ledger = new Ledger(options.policy.memory, () => false);
  const stages = {
    ledger,
    evaluator: new Evaluator(options.rules.map((rule) => compileRule(rule, site))),
    policy: new Policy(options.policy, ledger, options.protectedTargets),
  };
  const events = noEvents();
  const reasons = new Map<UnparsedReason, number>();
  const findings: Finding[] = [];
  const decisions: Decision[] = [];
  for (const batch of merged(options.files.map((file) => eventsOf(file, options)))) {
    for (const event of batch) {
      events[event.kind]++;
      if (event.kind === "unparsed") reasons.set(event.reason, (reasons.get(event.reason) ?? 0) + 1);
    }
    const outcome = judge(batch, stages, NEVER);
    findings.push(...outcome.findings);
    for (const judgement of outcome.judgements)
      if (judgement.kind === "ban") decisions.push(judgement.decision);
  }
  return { events, reasons, findings, decisions };
}

function* eventsOf(file: string, { format, timezone, onProgress }: ReplayOptions): Generator<LogEvent[]> {
  let parser: LineParser | null = null;
  let offset = 0;
  for (const read of readLog(file)) {
    parser ??= parserFor(read.lines.slice(0, SAMPLE_LINES), format, timezone);
    yield parseLines(read, parser, 0, 0 as UnixMs);
    onProgress(read.offset - offset);
    offset = read.offset;
  }
}

/** One parser for the whole file where its first lines agree; a mixed file is decided line by line. */
export function parserFor(
  sample: readonly string[],
  format: string | null,
  timezone: string | null,
): LineParser {
  if (format !== null && format !== "auto") return createParser("access", format, timezone);
  const access = detectFormat(sample);
  const candidates = [
    ...(access === null ? [] : [createParser("access", access, timezone)]),
    createParser("error", "auto", timezone),
    createParser("audit", "auto", timezone),
  ];
  const pure = candidates.find((parser) =>
    sample.every((line) => line === "" || parser.parse(line, 0, 0 as UnixMs).kind !== "unparsed"),
  );
  return pure ?? createMixedParser("auto", timezone);
}

/** Events of several sources in order of time; a line that did not parse comes with the one before it. */
function* merged(sources: readonly Generator<LogEvent[]>[]): Generator<readonly LogEvent[]> {
  if (sources.length === 1) return yield* sources[0]!;
  const heads = sources.map((source) => new Head(source)).filter((head) => head.event !== null);
  const batchSize = 5_000;
  let batch: LogEvent[] = [];
  while (heads.length > 0) {
    const earliest = heads.reduce((first, head) => (head.time < first.time ? head : first));
    batch.push(earliest.event!);
    earliest.advance();
    if (earliest.event === null) heads.splice(heads.indexOf(earliest), 1);
    if (batch.length === batchSize) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

class Head {
  readonly #source: Generator<LogEvent[]>;
  #batch: LogEvent[] = [];
  #next = 0;
  event: LogEvent | null = null;
  time = 0;

  constructor(source: Generator<LogEvent[]>) {
    this.#source = source;
    this.advance();
  }

  advance(): void {
    while (this.#next >= this.#batch.length) {
      const next = this.#source.next();
      if (next.done === true) {
        this.event = null;
        return;
      }
      this.#batch = next.value;
      this.#next = 0;
    }
    this.event = this.#batch[this.#next++]!;
    if (this.event.kind !== "unparsed") this.time = this.event.time;
  }
}

import { Breaker } from "./decide/breaker.ts";
import { Ledger } from "./decide/ledger.ts";
import { Policy, type PolicySettings } from "./decide/policy.ts";
import type { Protected } from "./decide/protected.ts";
import { compileRules } from "./evaluate/compile-rule.ts";
import { Evaluator } from "./evaluate/evaluator.ts";
import type { NamedRule } from "./evaluate/rule-schema.ts";
import { Sockets } from "./evaluate/sockets.ts";
import { AuditSources } from "./ingest/audit-sources.ts";
import type { IngestedLog } from "./ingest/messages.ts";
import type { Decision } from "./model/decision.ts";
import { SekishoError } from "./model/errors.ts";
import {
  type EventCounts,
  type LogEvent,
  noEvents,
  type SourceId,
  type UnparsedReason,
} from "./model/event.ts";
import type { Finding } from "./model/finding.ts";
import type { Halt } from "./model/halt.ts";
import { type Target, TargetSet } from "./model/ip.ts";
import { NEVER, type UnixMs } from "./model/time.ts";
import { createMixedParser, createParser, detectFormat, kindOf } from "./parse/formats.ts";
import type { LineParser, ParserOptions } from "./parse/line-parser.ts";
import { judge, parseLines } from "./pipeline.ts";
import { readLog } from "./tail/read-log.ts";

export interface ReplayOptions {
  readonly files: readonly string[];
  readonly rules: readonly NamedRule[];
  readonly origins: readonly string[];
  readonly policy: PolicySettings;
  /** Who is spared. */
  readonly protectedTargets: Protected;
  /** For all files; null: each file's first lines decide. */
  readonly format: string | null;
  readonly timezone: string | null;
  readonly trustedProxies: readonly Target[];
  /** The configured logs: what an audit source may cause holds for its file, and for the generations of it. */
  readonly logs?: readonly IngestedLog[];
  readonly onProgress: (bytes: number) => void;
}

/** A log of which no line parsed. */
export interface UnknownLog {
  readonly file: string;
  /** What was tried; null: every format that is told by itself. */
  readonly format: string | null;
}

export interface Replayed {
  readonly unknown: readonly UnknownLog[];
  /** Packed logs that broke off; what came before counts. */
  readonly damaged: readonly SekishoError[];
  readonly events: EventCounts;
  readonly reasons: ReadonlyMap<UnparsedReason, number>;
  readonly findings: readonly Finding[];
  /** For each finding why policy spared its subject; null when it did not. */
  readonly spared: readonly (string | null)[];
  readonly decisions: readonly Decision[];
  /** When the circuit breaker would have stopped rules for the first time. */
  readonly halt: Halt | null;
}

/** Lines of a file that decide what it is. */
const SAMPLE_LINES = 50;

/** Old logs through the pipeline of the daemon, on event time, with nothing stored. Several files are merged by time. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const site = { origins: new Set(options.origins) };
  const ledger = new Ledger(options.policy.memory, () => false);
  const auditSources = new AuditSources(options.logs ?? []);
  const { trustOf, shares } = auditSources;
  const breaker = new Breaker(options.policy.breaker ?? null, [], false);
  const stages = {
    ledger,
    sockets: new Sockets(),
    evaluator: new Evaluator(compileRules(options.rules, site), trustOf),
    policy: new Policy(options.policy, ledger, options.protectedTargets, trustOf, shares, breaker),
  };
  const events = noEvents();
  const reasons = new Map<UnparsedReason, number>();
  const findings: Finding[] = [];
  const spared: (string | null)[] = [];
  const decisions: Decision[] = [];
  let latest = 0;
  let halt: Halt | null = null;
  const troubles: Troubles = { unknown: [], damaged: [] };
  const trustedProxies = new TargetSet(options.trustedProxies);
  const logs = options.files.map(logOf);
  const sources = options.files.map((file, index) => {
    const id = logs.indexOf(logs[index]!) + 1;
    auditSources.note({ id, path: logs[index]!, kind: "audit" });
    // Files that the configuration does not name are one source, as parts of one log may be.
    const source = trustOf(id) === null ? 0 : id;
    return eventsOf(file, source, options, { trustedProxies }, troubles);
  });
  for await (const batch of merged(sources)) {
    for (const event of batch) {
      if (event.time > latest) latest = event.time;
      events[event.kind]++;
      if (event.kind === "unparsed") reasons.set(event.reason, (reasons.get(event.reason) ?? 0) + 1);
    }
    const outcome = judge(batch, stages, NEVER);
    stages.evaluator.forgetOver(latest as UnixMs, batch.length);
    halt ??= outcome.halt;
    findings.push(...outcome.findings);
    for (const judgement of outcome.judgements) {
      if (judgement.kind === "ban") decisions.push(judgement.decision);
      spared.push(judgement.kind === "spared" ? judgement.why : null);
    }
  }
  return { events, reasons, findings, spared, decisions, halt, ...troubles };
}

/** The log that a file is a generation of: `audit.jsonl` for `audit.jsonl.2.gz`. */
const logOf = (file: string): string => file.replace(/[.-]\d[\d.-]*(?:\.(?:gz|zst))?$/, "");

interface Troubles {
  readonly unknown: UnknownLog[];
  readonly damaged: SekishoError[];
}

async function* eventsOf(
  file: string,
  source: SourceId,
  { format, timezone, onProgress }: ReplayOptions,
  parsing: ParserOptions,
  { unknown, damaged }: Troubles,
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
  if (parser !== null && !isKnown) unknown.push({ file, format: format === "auto" ? null : format });
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
async function* merged(sources: readonly AsyncGenerator<LogEvent[]>[]): AsyncGenerator<readonly LogEvent[]> {
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

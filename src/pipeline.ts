/**
 * All stages in order. Live ingestion and replay run this same code; they differ in where lines come from, in whether
 * there is a store, and in the clock.
 */
import type { Ledger } from "./decide/ledger.ts";
import type { Policy } from "./decide/policy.ts";
import type { Evaluator } from "./evaluate/evaluator.ts";
import type { Sockets } from "./evaluate/sockets.ts";
import type { Judgement } from "./model/decision.ts";
import type { LogEvent } from "./model/event.ts";
import type { Finding } from "./model/finding.ts";
import type { Halt } from "./model/halt.ts";
import type { LineBatch } from "./model/line.ts";
import type { Passed } from "./model/passed.ts";
import type { SocketChange } from "./model/socket.ts";
import type { UnixMs } from "./model/time.ts";
import type { LineParser } from "./parse/line-parser.ts";
import { unparsed } from "./parse/unparsed.ts";

export interface Stages {
  readonly ledger: Ledger;
  readonly sockets: Sockets;
  readonly evaluator: Evaluator;
  readonly policy: Policy;
}

export interface Outcome {
  readonly events: readonly LogEvent[];
  readonly sockets: readonly SocketChange[];
  readonly findings: readonly Finding[];
  /** One for each finding. */
  readonly judgements: readonly Judgement[];
  /** The circuit breaker opened at one of these findings. */
  readonly halt: Halt | null;
  /** Who got through though banned. */
  readonly passed: readonly Passed[];
}

/**
 * line → event. A parser should never throw; where one does, the batch must get through all the same, or each new start
 * would meet the same line again.
 */
export function parseLines(
  batch: Pick<LineBatch, "lines" | "cut">,
  parser: LineParser,
  source: number,
  now: UnixMs,
): LogEvent[] {
  const { lines, cut } = batch;
  const events = new Array<LogEvent>(lines.length);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    try {
      events[index] = parser.parse(line, source, now, cut.has(index));
    } catch {
      events[index] = unparsed(line, source, now, "fault");
    }
  }
  return events;
}

/** event → finding → decision */
export function judge(
  events: readonly LogEvent[],
  { ledger, sockets, evaluator, policy }: Stages,
  now: UnixMs,
): Outcome {
  ledger.markRefusals(events, now);
  const passed = ledger.passing(events, now);
  const changes = sockets.follow(events);
  const findings = evaluator.evaluate(events, now);
  policy.breaker.note(events);
  const judgements = policy.decide(findings, now);
  const halt = policy.breaker.takeTripped();
  return { events, sockets: changes, findings, judgements, halt, passed };
}

import type { NamedRule } from "../evaluate/rule-schema.ts";
import { AuditSources } from "../ingest/audit-sources.ts";
import type { IngestedLog } from "../ingest/messages.ts";
import { type EventCounts, noEvents, type UnparsedReason } from "../model/event.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import type { UnixMs } from "../model/time.ts";
import { eventsOf, merged, type ReadingOptions, type Troubles } from "./events.ts";
import { Verdict, type VerdictOptions } from "./verdict.ts";

export interface ReplayOptions extends ReadingOptions, VerdictOptions {
  readonly files: readonly string[];
  readonly rules: readonly NamedRule[];
  /** Other rules that judge the same events, to be compared; null: none. */
  readonly otherRules?: readonly NamedRule[] | null;
  readonly trustedProxies: readonly Target[];
  /** The configured logs: what an audit source may cause holds for its file, and for the generations of it. */
  readonly logs?: readonly IngestedLog[];
}

export interface Replayed extends Troubles {
  readonly events: EventCounts;
  readonly reasons: ReadonlyMap<UnparsedReason, number>;
  readonly verdict: Verdict;
  /** Of the other rules; null when there are none. */
  readonly other: Verdict | null;
}

/** Old logs through the pipeline of the daemon, on event time, with nothing stored. Several files are merged by time. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { files, rules, otherRules = null, logs: configured = [] } = options;
  const logs = files.map(logOf);
  const sourcesOf = (): AuditSources => {
    const sources = new AuditSources(configured);
    for (const path of logs) sources.note({ id: logs.indexOf(path) + 1, path, kind: "audit" });
    return sources;
  };
  const auditSources = sourcesOf();
  const verdict = new Verdict(rules, options, auditSources);
  const other = otherRules === null ? null : new Verdict(otherRules, options, sourcesOf());
  const events = noEvents();
  const reasons = new Map<UnparsedReason, number>();
  const troubles: Troubles = { unknown: [], poor: [], damaged: [] };
  const trustedProxies = new TargetSet(options.trustedProxies);
  const read = files.map((file, index) => {
    const id = logs.indexOf(logs[index]!) + 1;
    // Files that the configuration does not name are one source, as parts of one log may be.
    const source = auditSources.trustOf(id) === null ? 0 : id;
    return eventsOf(file, source, options, { trustedProxies }, troubles);
  });
  let latest = 0;
  for await (const batch of merged(read)) {
    for (const event of batch) {
      if (event.time > latest) latest = event.time;
      events[event.kind]++;
      if (event.kind === "unparsed") reasons.set(event.reason, (reasons.get(event.reason) ?? 0) + 1);
    }
    verdict.judge(batch, latest as UnixMs);
    other?.judge(batch, latest as UnixMs);
  }
  return { events, reasons, verdict, other, ...troubles };
}

/** The log that a file is a generation of: `audit.jsonl` for `audit.jsonl.2.gz`. */
const logOf = (file: string): string => file.replace(/[.-]\d[\d.-]*(?:\.(?:gz|zst))?$/, "");

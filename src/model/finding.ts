import type { AuditReport } from "./audit.ts";
import type { Subject } from "./ip.ts";
import type { DurationMs, UnixMs } from "./time.ts";

export const SEVERITIES = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One rule's overflow for one subject. */
export interface Finding {
  /** The rule's id: its file name without the ending. */
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  readonly subject: Subject;
  readonly firstSeen: UnixMs;
  readonly lastSeen: UnixMs;
  /** Hits in the bucket when it overflowed. */
  readonly count: number;
  /** Raw lines, oldest first: the first, the last, and some between. */
  readonly evidence: readonly string[];
  /** What the rule asks for: a length, the policy's own, or nothing since it only reports (null) or is in observe mode. */
  readonly ban: DurationMs | "default" | "observe" | null;
  /** Position in the batch of the event that made it overflow. */
  readonly eventIndex: number;
  /**
   * The audit event that made it overflow; null when Apache's own logs did. All hits of a finding are of one source, and
   * its source may ban for all of them or for none.
   */
  readonly report: AuditReport | null;
}

import type { LogEvent } from "../model/event.ts";
import type { Finding } from "../model/finding.ts";
import type { Subject } from "../model/ip.ts";
import type { Bucket } from "./buckets/bucket.ts";
import { keptLine } from "./buckets/evidence.ts";
import type { CompiledRule } from "./compile-rule.ts";

/** What can be counted against somebody. */
export type Deed = Exclude<LogEvent, { kind: "unparsed" }>;

/** What an active ban refused is none: it must not keep the ban alive for ever. */
export const isDeed = (event: LogEvent): event is Deed =>
  event.kind !== "unparsed" && !((event.kind === "access" || event.kind === "error") && event.refused);

/** The finding of a bucket that is full, which begins anew; null while the rule is in its cooldown for the subject. */
export function findingOf(
  rule: CompiledRule,
  bucket: Bucket,
  event: Deed,
  subject: Subject,
  eventIndex: number,
): Finding | null {
  if (bucket.firedAt !== null && event.time < bucket.firedAt + rule.cooldown) return null;
  const lines = bucket.evidence();
  const named = [bucket.made, rule.nameOf(event) ?? ""].filter((text) => text !== "").join(", ");
  const finding: Finding = {
    rule: rule.id,
    title: named === "" ? rule.title : `${rule.title} (${named})`,
    severity: rule.severity,
    subject,
    firstSeen: bucket.firstSeen,
    lastSeen: bucket.lastSeen,
    count: bucket.count,
    evidence: lines.length === 0 ? [keptLine(event.line)] : lines,
    ban: rule.ban,
    eventIndex,
    report: event.kind === "audit" ? { source: event.source, name: event.name } : null,
  };
  bucket.firedAt = finding.lastSeen;
  bucket.clear();
  return finding;
}

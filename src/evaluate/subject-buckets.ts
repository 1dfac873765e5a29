import type { Severity } from "../model/finding.ts";
import type { Bucket } from "./buckets/bucket.ts";
import type { Held } from "./buckets/evidence.ts";
import type { CompiledRule } from "./compile-rule.ts";

/** What a bucket takes before it holds anything. */
export const BYTES_OF_BUCKET = 160;
/** A subject on which a rule has fired is as worth keeping as one with so many hits. */
const COOLING_HITS = 16;
/** Of a rule that many innocent people have hits of, a hit is worth less than of one that few have. */
const WORTH: Readonly<Record<Severity, number>> = { info: 1, low: 1, medium: 1, high: 8, critical: 16 };

/** Empties a bucket whose newest hit is ahead of the clock, and ends a cooldown that began there. */
export function dropAhead(bucket: Bucket, horizon: number): void {
  if (bucket.lastSeen > horizon) bucket.clear();
  if (bucket.firedAt !== null && bucket.firedAt > horizon) bucket.firedAt = null;
}

/** Empties all buckets of a subject, which are used no more. */
export function giveBack(first: Bucket, held: Held): void {
  for (let each: Bucket | null = first; each !== null; each = each.next) {
    each.clear();
    held.bytes -= BYTES_OF_BUCKET;
  }
}

/** Hits of the fullest of a subject's buckets: the more, the sooner it leads to a finding. */
export function heatOf(first: Bucket, rules: readonly CompiledRule[]): number {
  let most = 0;
  for (let each: Bucket | null = first; each !== null; each = each.next) {
    const hits = each.count * WORTH[rules[each.position]!.severity];
    most = Math.max(most, each.firedAt === null ? hits : COOLING_HITS);
  }
  return most;
}

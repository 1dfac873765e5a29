import { unreachable } from "../model/brand.ts";
import { formatDuration } from "../model/time.ts";
import type { BucketSpec } from "./rule-schema.ts";

/** How many hits are too many, in a few words: `10 in 5m`. `quoted` says how a field's name is written. */
export function firesAt(bucket: BucketSpec, quoted: (field: string) => string = (field) => field): string {
  const same = "same" in bucket && bucket.same !== undefined ? ` with the same ${quoted(bucket.same)}` : "";
  switch (bucket.kind) {
    case "threshold":
      return `${bucket.count}${same} in ${formatDuration(bucket.window)}`;
    case "distinct":
      return `${bucket.count} different ${quoted(plural(bucket.of))}${same}${spread(bucket.clients)} in ${formatDuration(bucket.window)}`;
    case "trigger":
      return "the first";
    case "leaky":
      return `more than ${bucket.capacity} beyond ${bucket.leak} in ${formatDuration(bucket.per)}`;
    case "ratio":
      return `${bucket.share * 100} % of at least ${bucket.count} in ${formatDuration(bucket.window)}`;
    case "sequence":
      return `${bucket.steps.length} steps in ${formatDuration(bucket.window)}`;
    case "surge":
      return `${bucket.times} times its own past, ${bucket.count} in ${formatDuration(bucket.window)}`;
    case "score":
      return `${bucket.count} points in ${formatDuration(bucket.window)}`;
    default:
      return unreachable(bucket);
  }
}

const spread = (clients: number | undefined): string =>
  clients === undefined ? "" : ` of ${clients} clients`;

const plural = (field: string): string => (field.endsWith("y") ? `${field.slice(0, -1)}ies` : `${field}s`);

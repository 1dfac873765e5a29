import { unreachable } from "../../model/brand.ts";
import type { LogEvent } from "../../model/event.ts";
import { subjectOf } from "../../model/ip.ts";
import type { DurationMs } from "../../model/time.ts";
import type { FieldName } from "../fields.ts";
import { fieldsOf, type Matcher } from "../matcher.ts";
import type { Read } from "../read-field.ts";
import type { BucketSpec, MatcherSpec } from "../rule-schema.ts";
import type { Bucket } from "./bucket.ts";
import { DistinctBucket } from "./distinct.ts";
import type { Held } from "./evidence.ts";
import { LeakyBucket, leakyWindow } from "./leaky.ts";
import { RatioBucket } from "./ratio.ts";
import { SameBucket } from "./same.ts";
import { ScoreBucket } from "./score.ts";
import { SequenceBucket } from "./sequence.ts";
import { SurgeBucket, surgeWindow } from "./surge.ts";
import { ThresholdBucket } from "./threshold.ts";
import { TriggerBucket } from "./trigger.ts";

/** How long a bucket remembers a hit. */
export function windowOf(spec: BucketSpec): DurationMs {
  if (spec.kind === "trigger") return 0 as DurationMs;
  if (spec.kind === "surge") return surgeWindow(spec);
  return spec.kind === "leaky" ? leakyWindow(spec) : spec.window;
}

/** The `count` at which it fires. Infinite where that is no matter of a number: a leaky bucket counts more than it holds. */
export const neededIn = (spec: BucketSpec): number =>
  spec.kind === "threshold" || spec.kind === "distinct" ? spec.count : Number.POSITIVE_INFINITY;

/** The fields of events that a bucket reads. */
export function bucketFields(spec: BucketSpec): FieldName[] {
  switch (spec.kind) {
    case "threshold":
      return fieldOf(spec.same);
    case "distinct":
      return [...fieldOf(spec.of), ...fieldOf(spec.same)];
    case "ratio":
      return fieldsOf(spec.matching);
    case "sequence":
      return spec.steps.flatMap(fieldsOf);
    default:
      return [];
  }
}

/** What makes the matchers and fields of a bucket run. */
export interface Compile {
  matcher(spec: MatcherSpec): Matcher;
  read(field: FieldName): Read;
}

/** Makes the empty bucket of a subject. */
export function bucketMaker(spec: BucketSpec, compile: Compile): (held: Held) => Bucket {
  switch (spec.kind) {
    case "threshold":
      return eachOf(spec, compile, (held) => new ThresholdBucket(spec.count, spec.window, held));
    case "distinct": {
      const { count, window, clients } = spec;
      const read = readerOf(spec.of, compile);
      const spread = clients === undefined ? null : { clients, clientOf };
      return eachOf(spec, compile, (held) => new DistinctBucket(count, window, read, held, spread));
    }
    case "trigger":
      return (held) => new TriggerBucket(held);
    case "leaky":
      return (held) => new LeakyBucket(spec, held);
    case "ratio": {
      const ratio = { ...spec, matching: compile.matcher(spec.matching) };
      return (held) => new RatioBucket(ratio, held);
    }
    case "sequence": {
      const { window } = spec;
      const steps = spec.steps.map((step) => compile.matcher(step));
      return (held) => new SequenceBucket({ steps, window }, held);
    }
    case "surge":
      return (held) => new SurgeBucket(spec, held);
    case "score":
      return (held) => new ScoreBucket(spec, held);
    default:
      return unreachable(spec);
  }
}

/** Buckets that count each value of the field `same` by itself. */
function eachOf(
  { same, window }: { readonly same?: FieldName | "client" | undefined; readonly window: DurationMs },
  compile: Compile,
  newBucket: (held: Held) => Bucket,
): (held: Held) => Bucket {
  if (same === undefined) return newBucket;
  const read = readerOf(same, compile);
  return (held) => new SameBucket(read, window, newBucket, held);
}

const fieldOf = (of: FieldName | "client" | undefined): FieldName[] =>
  of === undefined || of === "client" ? [] : [of];

const readerOf = (of: FieldName | "client", compile: Compile): ((event: LogEvent) => string) =>
  of === "client" ? clientOf : textOf(compile.read(of));

const textOf =
  (read: Read) =>
  (event: LogEvent): string =>
    String(read(event) ?? "");

/** As rules count clients: all addresses of an IPv6 /64 are one. */
const clientOf = (event: LogEvent): string =>
  event.kind === "unparsed" || event.client === null ? "" : subjectOf(event.client);

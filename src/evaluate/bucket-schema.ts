import { z } from "zod";
import type { Severity } from "../model/finding.ts";
import { durationText } from "../model/parsed-text.ts";

const window = durationText.describe("The span of time that is counted, back from the newest hit.");
const whole = (least: number, most: number) => z.number().int().min(least).max(most);

/** What a hit is worth in a score, by the severity of its rule, where the score's rule does not say it. */
const POINTS: Readonly<Record<Severity, number>> = { info: 0, low: 1, medium: 1, high: 4, critical: 6 };
const points = (severity: Severity) =>
  whole(0, 1_000).default(POINTS[severity]).describe(`Points of a hit of a rule of severity ${severity}.`);

/** What a rule's `bucket` may say, by kind; `matcher` is the schema of its matchers. */
export const bucketSchemaWith = <Field extends string, Matcher extends z.ZodType>(
  fields: readonly Field[],
  matcher: Matcher,
) =>
  z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("threshold").describe("Counts hits."),
      count: whole(1, 10_000).describe("Hits within the window that make a finding."),
      same: z
        .enum(fields)
        .optional()
        .describe("Counts each value of this field by itself, as in the same path."),
      window,
    }),
    z.strictObject({
      kind: z.literal("distinct").describe("Counts the different values of a field."),
      of: z.enum(fields).describe("The field, or client: the address (IPv6: its /64)."),
      count: whole(2, 1_000).describe("Values within the window that make a finding."),
      clients: whole(2, 1_000)
        .optional()
        .describe("So many different clients must have sent them, for a subject of many."),
      same: z.enum(fields).optional().describe("Counts each value of this other field by itself."),
      window,
    }),
    z.strictObject({ kind: z.literal("trigger").describe("Fires with each hit, but for the cooldown.") }),
    z.strictObject({
      kind: z.literal("leaky").describe("Lets bursts pass that are within its capacity, and a slow pace."),
      capacity: whole(1, 1_000).describe("Hits that it holds; the next one makes a finding."),
      leak: whole(1, 10_000).describe("Hits that leak out in each `per`."),
      per: durationText.describe("The time in which `leak` hits leak out."),
    }),
    z.strictObject({
      kind: z.literal("ratio").describe("Looks at the share of hits that match a second matcher."),
      matching: matcher.describe("Which of the hits are counted against the subject."),
      share: z.number().gt(0).max(1).describe("Their share that makes a finding, as in 0.8."),
      count: whole(1, 1_000_000).describe("Of fewer hits within the window no share is taken."),
      window,
    }),
    z.strictObject({
      kind: z.literal("sequence").describe("Waits for several hits one after another."),
      steps: z
        .array(matcher)
        .min(2)
        .max(8)
        .describe("What the hits match, in order; others may lie between."),
      window: durationText.describe("The time from the first step to the last is shorter than this."),
    }),
    z.strictObject({
      kind: z.literal("score").describe("Sums points of the hits of other rules that have not fired."),
      of: z.array(z.string()).min(1).describe("Tags: rules that have one of them are summed."),
      points: z
        .strictObject({
          info: points("info"),
          low: points("low"),
          medium: points("medium"),
          high: points("high"),
          critical: points("critical"),
        })
        .prefault({})
        .describe("What a hit is worth, by the severity of its rule."),
      perRule: whole(1, 100).default(3).describe("So many hits of one rule count, the newest."),
      rules: whole(1, 100).default(2).describe("Hits of so many different rules are needed."),
      count: whole(1, 10_000).describe("Points within the window that make a finding."),
      window,
    }),
    z.strictObject({
      kind: z.literal("surge").describe("Compares a window with the subject's own past."),
      window: durationText.describe("The span of time that is compared, as in 1m; counted from full ones."),
      past: whole(2, 1_000).describe(
        "So many windows are the past; who is known for a shorter time has none.",
      ),
      times: z.number().min(1).max(1_000_000).describe("So many times as many hits as usual make a finding."),
      count: whole(2, 10_000).describe("So many hits in a window are needed."),
    }),
  ]);

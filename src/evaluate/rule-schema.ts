import { RE2JS } from "re2js";
import { z } from "zod";
import { messageOf } from "../model/errors.ts";
import { SOURCE_KINDS } from "../model/event.ts";
import { SEVERITIES } from "../model/finding.ts";
import { durationText, targetText } from "../model/parsed-text.ts";
import { bucketSchemaWith } from "./bucket-schema.ts";
import { FIELD_MEANINGS, FIELDS, type FieldName } from "./fields.ts";
import { isNameOnly, SUBJECT_KINDS } from "./subject-kinds.ts";

const scalar = z.union([z.string(), z.number(), z.boolean()]);

const listReference = z
  .strictObject({ list: z.string().describe("The list's name: its file in lists/ without .txt.") })
  .meta({ id: "list" });

/** An empty text is in every text: a condition on it is a mistake. */
const text = z.string().min(1);
const texts = z.union([text, z.array(text).min(1), listReference]);

const regex = z
  .string()
  .min(1)
  .max(1_000)
  .superRefine((written, context) => {
    try {
      RE2JS.compile(written);
    } catch (cause) {
      context.addIssue({ code: "custom", message: `is no regular expression of RE2: ${messageOf(cause)}` });
    }
  });

/** A condition on one field. Several keys must all hold. A field that the log format cannot show meets none. */
const conditionSchema = z
  .union([
    scalar,
    z.array(scalar).min(1),
    z.strictObject({
      is: scalar.optional().describe("Equal to this."),
      oneOf: z
        .union([z.array(scalar).min(1), listReference])
        .optional()
        .describe("Equal to one of these, or of a list."),
      prefix: texts.optional().describe("Begins with this, with one of these, or with one of a list."),
      suffix: texts.optional().describe("Ends with this, with one of these, or with one of a list."),
      contains: texts.optional().describe("Has this in it, one of these, or one of a list."),
      matches: regex.optional().describe("Fits this regular expression (RE2), somewhere in it."),
      atLeast: z.number().optional().describe("A number that is not smaller."),
      atMost: z.number().optional().describe("A number that is not larger."),
      missing: z
        .boolean()
        .optional()
        .describe("true: the client did not send it (Apache's -). false: it sent something."),
      ignoreCase: z.boolean().optional().describe("Compare texts without regard to case."),
      decode: z
        .boolean()
        .optional()
        .describe("Look at the text as a lax server may understand it: percent-encoding undone and so on."),
    }),
  ])
  .meta({ id: "condition" });
export type Condition = z.infer<typeof conditionSchema>;
/** `{ list: NAME }` as a rule file may say; in a rule that was loaded its texts stand in its place. */
export type ListReference = z.infer<typeof listReference>;

const FIELD_NAMES = [...new Set(Object.values(FIELDS).flat())] as FieldName[];
const fieldConditions = Object.fromEntries(
  FIELD_NAMES.map((name) => [name, conditionSchema.optional().describe(FIELD_MEANINGS[name])]),
) as Record<FieldName, z.ZodOptional<typeof conditionSchema>>;

export interface MatcherSpec extends Partial<Record<FieldName, Condition | undefined>> {
  readonly client?: readonly ReturnType<typeof targetText.parse>[] | undefined;
  readonly all?: readonly MatcherSpec[] | undefined;
  readonly any?: readonly MatcherSpec[] | undefined;
  readonly not?: MatcherSpec | undefined;
}

/** Everything named must hold; an empty matcher accepts every event of the rule's kind. */
export const matcherSchema: z.ZodType<MatcherSpec> = z
  .strictObject({
    ...fieldConditions,
    client: z.array(targetText).min(1).optional().describe("The client is in one of these ranges."),
    get all() {
      return z.array(matcherSchema).min(1).optional().describe("Each of these matchers holds.");
    },
    get any() {
      return z.array(matcherSchema).min(1).optional().describe("At least one of these matchers holds.");
    },
    get not() {
      return matcherSchema.optional().describe("This matcher does not hold, and its fields are shown.");
    },
  })
  .meta({ id: "matcher" });

const bucketSchema = bucketSchemaWith([...FIELD_NAMES, "client"], matcherSchema);
export type BucketSpec = z.infer<typeof bucketSchema>;

const unlessSchema = z.strictObject({
  match: matcherSchema.describe(
    "What is counted in favour of the subject, as successful logins or a status of 200.",
  ),
  count: z.number().int().min(1).max(1_000_000).optional().describe("So many of them spare the subject."),
  share: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe("So large a part of them and the hits spares it, as in 0.5."),
  window: durationText.describe("The span of time that is counted, back from the newest."),
  afterHit: z
    .boolean()
    .default(false)
    .describe("true: only what follows a hit within the window counts, so that who has none costs nothing."),
});

export const ruleSchema = z
  .strictObject({
    title: z.strictObject({
      en: z.string().min(1).describe("A few words for lists and reasons."),
      ja: z.string().min(1).describe("The same in Japanese."),
    }),
    detects: z.string().min(1).describe("Who is detected, in one sentence."),
    why: z.string().min(1).describe("Why that tells an attacker from a visitor."),
    falsePositives: z
      .array(z.string())
      .default([])
      .describe("Whom it may hit by mistake, and what to do about it."),
    severity: z.enum(SEVERITIES).describe("How much a person should mind."),
    references: z
      .array(z.string())
      .default([])
      .describe("CWE, ATT&CK or RFC numbers, or addresses of pages."),
    tags: z.array(z.string()).default([]).describe("Words to group rules by."),
    events: z.enum(SOURCE_KINDS).describe("The kind of event that is looked at."),
    mode: z
      .enum(["off", "observe", "enforce"])
      .default("enforce")
      .describe("enforce: it bans; observe: its findings are recorded and ban nobody; off: it does not run."),
    subject: z
      .enum(SUBJECT_KINDS)
      .default("address")
      .describe(
        "Whose hits are counted together: those of an address (IPv6: of its /64), of a prefix (IPv4 /24; IPv6 /56, or /48), of a name, or of an address and a name.",
      ),
    match: matcherSchema.describe("What makes an event a hit."),
    while: z
      .strictObject({
        rule: z
          .string()
          .min(1)
          .describe("Another rule's id, of a threshold, with the same events and subject."),
        hits: z
          .number()
          .int()
          .min(1)
          .max(1_000_000)
          .describe("So many it must count, this event among them."),
      })
      .optional()
      .describe(
        "An event counts only if another rule counts it too, and as many of the subject by then: who is calm costs nothing.",
      ),
    unless: unlessSchema
      .optional()
      .describe("What spares a subject: many innocent people behind one address look like this."),
    bucket: bucketSchema.describe("How many hits of one subject, in how long, make a finding."),
    cooldown: durationText
      .prefault("1m")
      .describe("How long after a finding the rule makes no other for the same subject."),
    ban: z
      .union([z.enum(["default", "none"]), durationText])
      .default("default")
      .describe("Length of a first ban: the policy's, none (the rule only reports), or its own."),
  })
  .superRefine(({ unless }, context) => {
    if (unless === undefined || unless.count !== undefined || unless.share !== undefined) return;
    const message = "is without a number; write count, share, or both, of which one is enough then";
    context.addIssue({ code: "custom", path: ["unless"], message });
  })
  .superRefine(({ bucket, unless }, context) => {
    if (bucket.kind !== "score" || unless === undefined) return;
    const message = "does not go with a score, which looks only at what other rules find";
    context.addIssue({ code: "custom", path: ["unless"], message });
  })
  .superRefine(({ subject, ban }, context) => {
    if (!isNameOnly(subject) || ban === "none") return;
    const message = `a ${subject} has no address that could be banned; write ban: none, or a subject with an address`;
    context.addIssue({ code: "custom", path: ["ban"], message });
  });

/** A rule as its file says; `compileRule` makes the one that runs. */
export type RuleSpec = z.infer<typeof ruleSchema>;
export interface NamedRule {
  readonly id: string;
  readonly spec: RuleSpec;
  /** What texts that it looks for are called, as in `2023 CVE-2023-3519 Citrix ADC and Gateway`. */
  readonly names?: ReadonlyMap<string, string> | undefined;
}

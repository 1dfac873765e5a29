import { z } from "zod";
import { SOURCE_KINDS } from "../model/event.ts";
import { SEVERITIES } from "../model/finding.ts";
import { parseTarget } from "../model/ip.ts";
import { parseDuration } from "../model/time.ts";

/** What can be asked of each kind of event. `handshake` and `foreignOrigin` are concluded, not read. */
export const FIELDS = {
  access: [
    "method",
    "path",
    "query",
    "protocol",
    "status",
    "bytes",
    "referer",
    "userAgent",
    "origin",
    "upgrade",
    "host",
    "user",
    "vhost",
    "durationUs",
    "bytesIn",
    "bytesOut",
    "handshake",
    "foreignOrigin",
  ],
  error: ["level", "module", "code", "message"],
  audit: ["name", "app", "user", "connection", "origin", "path", "detail"],
} as const;
export type FieldName = (typeof FIELDS)[keyof typeof FIELDS][number];

const duration = z
  .string()
  .transform((text, context) => {
    const length = parseDuration(text);
    if (length !== null) return length;
    context.addIssue({
      code: "custom",
      message: `'${text}' is not a length of time; write a number and s, m, h, d or w (90s, 4h, 2w), or permanent`,
    });
    return z.NEVER;
  })
  .meta({ title: "a length of time", advice: "a number and s, m, h, d or w (90s, 4h, 2w), or permanent" });
const cidr = z
  .string()
  .transform((text, context) => {
    const target = parseTarget(text);
    if (target !== null) return target;
    context.addIssue({ code: "custom", message: `'${text}' is not an address or a CIDR range` });
    return z.NEVER;
  })
  .meta({ title: "an address or a CIDR range", advice: "192.0.2.7, 192.0.2.0/24 or 2001:db8::/64" });
const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** A condition on one field. Several keys must all hold. A field that the log format cannot show meets none. */
const conditionSchema = z.union([
  scalar,
  z.array(scalar).min(1),
  z.strictObject({
    is: scalar.optional(),
    oneOf: z.array(scalar).min(1).optional(),
    prefix: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    suffix: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    contains: z.union([z.string(), z.array(z.string()).min(1)]).optional(),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    /** The client did not send it (Apache's `-`). */
    missing: z.boolean().optional(),
    ignoreCase: z.boolean().optional(),
  }),
]);
export type Condition = z.infer<typeof conditionSchema>;

const FIELD_NAMES = [...new Set(Object.values(FIELDS).flat())] as FieldName[];
const fieldConditions = Object.fromEntries(
  FIELD_NAMES.map((name) => [name, conditionSchema.optional()]),
) as Record<FieldName, z.ZodOptional<typeof conditionSchema>>;

export interface MatcherSpec extends Partial<Record<FieldName, Condition | undefined>> {
  readonly client?: readonly ReturnType<typeof cidr.parse>[] | undefined;
  readonly all?: readonly MatcherSpec[] | undefined;
  readonly any?: readonly MatcherSpec[] | undefined;
  readonly not?: MatcherSpec | undefined;
}

/** Everything named must hold; an empty matcher accepts every event of the rule's kind. */
const matcherSchema: z.ZodType<MatcherSpec> = z.strictObject({
  ...fieldConditions,
  client: z.array(cidr).min(1).optional(),
  get all() {
    return z.array(matcherSchema).min(1).optional();
  },
  get any() {
    return z.array(matcherSchema).min(1).optional();
  },
  get not() {
    return matcherSchema.optional();
  },
});

const bucketSchema = z.discriminatedUnion("kind", [
  /** `count` hits within `window`. */
  z.strictObject({
    kind: z.literal("threshold"),
    count: z.number().int().min(1).max(10_000),
    window: duration,
  }),
  /** `count` different values of a field within `window`. */
  z.strictObject({
    kind: z.literal("distinct"),
    of: z.enum(FIELD_NAMES),
    count: z.number().int().min(2).max(1_000),
    window: duration,
  }),
]);

export const ruleSchema = z.strictObject({
  title: z.strictObject({ en: z.string().min(1), ja: z.string().min(1) }),
  detects: z.string().min(1),
  why: z.string().min(1),
  falsePositives: z.array(z.string()).default([]),
  severity: z.enum(SEVERITIES),
  references: z.array(z.string()).default([]),
  tags: z.array(z.string()).default([]),
  events: z.enum(SOURCE_KINDS),
  match: matcherSchema,
  bucket: bucketSchema,
  cooldown: duration.prefault("1m"),
  /** A length, `default` for the policy's, or `none` for a rule that only reports. */
  ban: z.union([z.enum(["default", "none"]), duration]).default("default"),
});

/** A rule as its file says; `compileRule` makes the one that runs. */
export type RuleSpec = z.infer<typeof ruleSchema>;
export interface NamedRule {
  readonly id: string;
  readonly spec: RuleSpec;
}

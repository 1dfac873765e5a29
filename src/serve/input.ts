import { z } from "zod";
import { type ErrorCode, SekishoError } from "../model/errors.ts";
import { parseIp, parseTarget } from "../model/ip.ts";
import { parseDuration } from "../model/time.ts";

/** Text that `parse` understands; `expected` completes "is not …". */
const parsed = <T>(parse: (text: string) => T | null, code: ErrorCode, expected: string, hint: string) =>
  z.string().transform((text, context): T => {
    const value = text.length <= 100 ? parse(text) : null;
    if (value !== null) return value;
    const message = `'${text.slice(0, 100)}' is not ${expected}`;
    context.addIssue({ code: "custom", message, params: { code, hint } });
    return z.NEVER;
  });

const TARGET_HINT = "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64";
export const target = parsed(parseTarget, "TARGET_INVALID", "an address or a CIDR range", TARGET_HINT);
/** The rest of a path: with its slash as it is, which proxies let through, or with %2F. */
export const pathTarget = z.strictObject({ "*": target });
export const client = parsed(parseIp, "TARGET_INVALID", "an address", "write 192.0.2.7 or 2001:db8::1");
export const length = parsed(
  parseDuration,
  "USAGE",
  "a length of time",
  "write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
);
/** A number in a query or path. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, "is not a whole number")
    .transform(Number)
    .pipe(z.number().min(least).max(most));
const MAX_REASON = 500;
/** One line for a person to read. */
export const reason = z
  .string()
  .trim()
  .superRefine((text, context) => {
    const isLong = text.length > MAX_REASON;
    if (!isLong && !/\p{Cc}/u.test(text)) return;
    const message = isLong
      ? `the reason has more than ${MAX_REASON} characters`
      : "the reason has control characters";
    const hint = `write one line of at most ${MAX_REASON} characters`;
    context.addIssue({ code: "custom", message, params: { code: "USAGE", hint } });
  });

/** Spread into the query schema of a collection. */
export const pageQuery = {
  limit: whole(1, 500).default(100),
  // Row numbers: checked here, so that no query is ever given another shape.
  cursor: z
    .string()
    .regex(/^\d{1,16}$/, "is not the `next` of an earlier answer")
    .nullable()
    .default(null),
};

/** The value that `schema` makes of what was sent; throws USAGE, or the code of the field that is wrong. */
export function readInput<Schema extends z.ZodType>(schema: Schema, sent: unknown): z.output<Schema> {
  const result = schema.safeParse(sent, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const params = issue.code === "custom" ? issue.params : undefined;
  if (params?.code !== undefined) throw new SekishoError(params.code, issue.message, params.hint);
  const at = issue.path.join(".");
  const said = sentence(issue);
  throw new SekishoError("USAGE", at === "" ? said : `${at}: ${said}`, expectedKeys(schema));
}

/** zod's own words are for who writes schemas. */
function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `is not of the type ${issue.expected}`;
    case "invalid_value":
      return `is none of ${issue.values.join(", ")}`;
    case "too_big":
      return `is more than ${issue.maximum}`;
    case "too_small":
      return `is less than ${issue.minimum}`;
    case "unrecognized_keys":
      return `unknown key ${issue.keys.map((key) => `"${key.slice(0, 100)}"`).join(", ")}`;
    default:
      return issue.message;
  }
}

function expectedKeys(schema: z.ZodType): string {
  const keys = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return keys.length === 0 ? "see docs/http-api.md" : `known here: ${keys.join(", ")}; see docs/http-api.md`;
}

import { z } from "zod";
import { parseTarget, type Target } from "./ip.ts";
import { type DurationMs, parseDuration } from "./time.ts";

/**
 * A schema of text that `parse` understands, for files that people write. `what` completes "is not …" and `advice`
 * completes "write …"; both are in the message, and in the schemas for editors. What may hold a secret is not: messages go to
 * the journal, and to whoever is told of problems.
 */
export const parsedText = <T>(
  parse: (text: string) => T | null,
  what: string,
  advice: string,
  mayBeSecret = false,
) =>
  z
    .string()
    .transform((text, context): T => {
      const value = parse(text);
      if (value !== null) return value;
      const shown = mayBeSecret ? "what stands there" : `'${text}'`;
      context.addIssue({ code: "custom", message: `${shown} is not ${what}; write ${advice}` });
      return z.NEVER;
    })
    .meta({ title: what, advice });

export const targetText = parsedText<Target>(
  parseTarget,
  "an address or a CIDR range",
  "192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
);
export const durationText = parsedText<DurationMs>(
  parseDuration,
  "a length of time",
  "a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
);

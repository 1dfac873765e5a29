import { z } from "zod";
import { matcherSchema, ruleSchema } from "../evaluate/rule-schema.ts";

const { mode, severity, cooldown, ban } = ruleSchema.shape;

/** What a file of rules.d may change of a rule that another folder has. Its numbers have the bounds that the rule's have. */
export const overrideSchema = z.strictObject({
  mode: mode.unwrap().optional().describe("Whether the rule runs, and whether it bans."),
  bucket: z
    .strictObject({
      count: z.number().optional().describe("In place of the bucket's count."),
      window: z.string().optional().describe("In place of its window."),
      clients: z.number().optional().describe("In place of how many clients its values are to be of."),
      capacity: z.number().optional().describe("In place of a leaky bucket's capacity."),
      leak: z.number().optional().describe("In place of what leaks out of it."),
      per: z.string().optional().describe("In place of the time in which that leaks out."),
      share: z.number().optional().describe("In place of a ratio's share."),
      times: z.number().optional().describe("In place of how many times its past a surge is."),
      past: z.number().optional().describe("In place of how many windows a surge's past has."),
      rules: z.number().optional().describe("In place of how many rules a score needs."),
      perRule: z.number().optional().describe("In place of how many hits of one rule a score counts."),
    })
    .optional()
    .describe("Numbers and times of the bucket; what is not named stays."),
  cooldown: cooldown.unwrap().optional().describe("In place of the rule's cooldown."),
  ban: ban.unwrap().optional().describe("In place of the rule's ban."),
  severity: severity.optional().describe("In place of the rule's severity."),
  only: matcherSchema.optional().describe("The rule looks only at events that match this, too."),
  except: matcherSchema.optional().describe("The rule does not look at events that match this."),
});
export type Override = z.infer<typeof overrideSchema>;

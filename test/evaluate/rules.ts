import { type CompiledRule, compileRule } from "../../src/evaluate/compile-rule.ts";
import { type RuleSpec, ruleSchema } from "../../src/evaluate/rule-schema.ts";

/** What a rule's file says, with all that it must say and a test is not about: three 403s in a minute. */
export const ruleSpec = (id: string, fields: object = {}): RuleSpec =>
  ruleSchema.parse({
    title: { en: id, ja: id },
    detects: "d",
    why: "w",
    severity: "medium",
    events: "access",
    match: { status: 403 },
    bucket: { kind: "threshold", count: 3, window: "1m" },
    ...fields,
  });

/** The same, ready to run. */
export const ruleOf = (id: string, fields: object = {}, origins: readonly string[] = []): CompiledRule =>
  compileRule({ id, spec: ruleSpec(id, fields) }, { origins: new Set(origins) });

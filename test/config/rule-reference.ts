import { z } from "zod";
import { overrideSchema } from "../../src/config/override-schema.ts";
import { FIELD_MEANINGS, FIELDS } from "../../src/evaluate/fields.ts";
import { firesAt } from "../../src/evaluate/fires-at.ts";
import { type NamedRule, ruleSchema } from "../../src/evaluate/rule-schema.ts";
import { SOURCE_KINDS } from "../../src/model/event.ts";
import { configReference } from "./reference.ts";

/** The tables of docs/rules.md by name, made from the schema and the shipped rules. */
export function ruleTables(rules: readonly NamedRule[]): Readonly<Record<string, string>> {
  const { bucket, match, unless, ...rest } = ruleSchema.shape;
  const { only, except, ...changes } = overrideSchema.shape;
  return {
    keys: configReference(z.strictObject(rest)),
    changes: configReference(z.strictObject(changes)),
    conditions: table(["condition", "holds when"], conditions()),
    fields: table(["field", "of", "what it is"], fields()),
    shipped: table(["rule", "severity", "detects", "fires at"], rules.map(shipped)),
  };
}

type Cells = readonly string[];

function table(head: Cells, rows: readonly Cells[]): string {
  const line = (cells: Cells): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function conditions(): Cells[] {
  const { condition } = z.toJSONSchema(ruleSchema, { io: "input" }).$defs as Record<string, Described>;
  const keys = condition!.anyOf!.find(({ properties }) => properties !== undefined)!.properties!;
  return Object.entries(keys).map(([key, { description }]) => [`\`${key}\``, description ?? ""]);
}

interface Described {
  readonly description?: string;
  readonly anyOf?: readonly Described[];
  readonly properties?: Readonly<Record<string, Described>>;
}

function fields(): Cells[] {
  return Object.entries(FIELD_MEANINGS).map(([name, meaning]) => [
    `\`${name}\``,
    SOURCE_KINDS.filter((kind) => (FIELDS[kind] as readonly string[]).includes(name)).join(", "),
    meaning,
  ]);
}

function shipped({ id, spec }: NamedRule): Cells {
  return [
    `[${id}](../rules/${id}.yaml)`,
    spec.severity,
    spec.detects,
    firesAt(spec.bucket, (field) => `\`${field}\``),
  ];
}

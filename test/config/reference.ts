import { z } from "zod";
import { elementOf, expectation, type Schema, shapeOf } from "../../src/config/schema-walk.ts";

/** The table of every key that docs/configuration.md shows, made from the schema. */
export function configReference(schema: Schema): string {
  const rows = [...rowsOf(schema, "")].map((cells) => `| ${cells.map(escaped).join(" | ")} |`);
  return ["| key | takes | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

type Row = readonly [key: string, takes: string, fallback: string, meaning: string];

function* rowsOf(schema: Schema, prefix: string): Iterable<Row> {
  for (const [name, value] of Object.entries(shapeOf(schema) ?? {})) {
    const key = `${prefix}${name}`;
    const meaning = z.globalRegistry.get(value)?.description ?? "";
    const element = elementOf(value);
    if (shapeOf(value) !== null) {
      const isOptional = value._zod.optin === "optional" && value._zod.def.type === "optional";
      if (isOptional) yield [`\`${key}\``, "a section, `{}` for its defaults", "off", meaning];
      yield* rowsOf(value, `${key}.`);
    } else if (element !== null && shapeOf(element) !== null) {
      yield [`\`${key}\``, "a list of sections", fallback(value), meaning];
      yield* rowsOf(element, `${key}[].`);
    } else {
      const takes = element === null ? words(value) : `a list; each ${words(element)}`;
      yield [`\`${key}\``, takes, fallback(value), meaning];
    }
  }
}

function words(schema: Schema): string {
  const { what, write } = expectation(schema);
  return write === null ? what : `${what}: ${write}`;
}

function fallback(schema: Schema): string {
  const value = defaultOf(schema);
  if (value !== undefined) return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
  return schema._zod.def.type === "optional" ? "none" : "required";
}

const escaped = (cell: string): string => cell.replaceAll("|", "\\|");

/** Undefined when the schema has no default, and for an object whose keys have their own. */
function defaultOf(schema: Schema): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  return def.type === "default" || def.type === "prefault" ? def.defaultValue : undefined;
}

/**
 * Writes the JSON Schemas of rule files and of the configuration, for completion and checks in editors, and of audit events:
 * `bin/node schemas/generate.ts`. A test fails when they are not those of the source.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { overrideSchema } from "../src/config/override-schema.ts";
import { configSchema } from "../src/config/schema.ts";
import { expectation, type Schema } from "../src/config/schema-walk.ts";
import { guardLineSchema, guardReportSchema } from "../src/enforce/guard/messages.ts";
import { ruleSchema } from "../src/evaluate/rule-schema.ts";
import { auditEventSchema } from "../src/parse/audit-schema.ts";

const SOURCES = {
  "rule.schema.json": { title: "A rule of Sekisho", schema: ruleSchema },
  "rule-change.schema.json": { title: "A change to a rule of Sekisho", schema: overrideSchema },
  "sekisho.schema.json": { title: "Sekisho's configuration", schema: configSchema },
  "audit-event.v1.schema.json": { title: "An audit event for Sekisho, version 1", schema: auditEventSchema },
  "guard-line.v1.schema.json": {
    title: "What Sekisho's guard tells an app, version 1",
    schema: guardLineSchema,
  },
  "guard-report.v1.schema.json": {
    title: "What an app tells Sekisho's guard, version 1",
    schema: guardReportSchema,
  },
} as const;

/** Each file's name and what it must say. */
export function schemaFiles(): Map<string, string> {
  const files = Object.entries(SOURCES).map(([file, { title, schema }]) => {
    const generated = z.toJSONSchema(schema, {
      // What a person writes, where the daemon has parsed it already.
      io: "input",
      // The newest that editors understand everywhere.
      target: "draft-7",
      override: ({ zodSchema, jsonSchema }) => describeInWords(zodSchema, jsonSchema),
    });
    return [file, `${JSON.stringify({ title, ...generated }, null, 2)}\n`] as const;
  });
  return new Map(files);
}

/** What a text must look like only our parsers know, which say it in words. */
function describeInWords(schema: Schema, described: Record<string, unknown>): void {
  delete described.advice;
  const { what, write } = expectation(schema);
  if (write === null) return;
  delete described.title;
  const words = `${what[0]!.toUpperCase()}${what.slice(1)}: ${write}.`;
  const meaning = z.globalRegistry.get(schema)?.description;
  described.description = meaning === undefined ? words : `${meaning} ${words}`;
}

if (import.meta.main) {
  for (const [file, text] of schemaFiles()) writeFileSync(join(import.meta.dirname, file), text);
}

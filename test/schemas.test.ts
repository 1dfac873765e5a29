import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { schemaFiles } from "../schemas/generate.ts";

const ROOT = join(import.meta.dirname, "..");
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), "utf8");
const RULES = readdirSync(join(ROOT, "rules")).filter((name) => name.endsWith(".yaml"));

/** What an editor finds wrong: the keys and values of the document at fault. */
function faults(schemaFile: string, yaml: string): string[] {
  const schema = z.fromJSONSchema(JSON.parse(read("schemas", schemaFile)));
  const result = schema.safeParse(parse(yaml));
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
}

test("the JSON Schemas are those of the source: bin/node schemas/generate.ts writes them", () => {
  expect(readdirSync(join(ROOT, "schemas")).sort()).toEqual([...schemaFiles().keys(), "generate.ts"].sort());
  for (const [file, text] of schemaFiles()) expect(read("schemas", file), file).toBe(text);
});

describe("in an editor", () => {
  test.each(RULES)("%s finds the schema of rules, and nothing is wrong with it", (name) => {
    const rule = read("rules", name);
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(rule) ?? [];
    expect(join("rules", schema ?? "")).toBe("schemas/rule.schema.json");
    expect(faults("rule.schema.json", rule)).toEqual([]);
  });

  test("a misspelt key, a wrong value and a missing one are seen, also deep in a matcher", () => {
    const rule = read("rules/origin-missing.yaml");
    const changed = (from: string, to: string): string => {
      expect(rule).toContain(from);
      return rule.replace(from, to);
    };
    expect(faults("rule.schema.json", changed("cooldown:", "cooldwn:"))).not.toEqual([]);
    expect(faults("rule.schema.json", changed("severity: medium", "severity: mediun"))).not.toEqual([]);
    expect(faults("rule.schema.json", changed("count: 5, ", ""))).not.toEqual([]);
    expect(faults("rule.schema.json", changed("{ missing: true }", "{ mising: true }"))).not.toEqual([]);
    expect(
      faults("rule.schema.json", changed("  handshake: true", "  any: [{ handshke: true }]")),
    ).not.toEqual([]);
  });

  test("the documented configuration is fine, and a misspelt key in it is seen", () => {
    const [, example] = /```yaml\n([\s\S]*?)```/.exec(read("docs/configuration.md"))!;
    expect(faults("sekisho.schema.json", example!)).toEqual([]);
    expect(faults("sekisho.schema.json", example!.replace("allowlist:", "allow_list:"))).not.toEqual([]);
  });
});

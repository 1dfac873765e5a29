import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { configSchema } from "../src/config/schema.ts";
import { ERROR_CODES } from "../src/model/errors.ts";
import { configReference } from "./config/reference.ts";

const page = (name: string): string => join(import.meta.dirname, "../docs", name);
const read = (name: string): string => readFileSync(page(name), "utf8");

describe("docs/errors.md", () => {
  test("explains every code of ERROR_CODES, in their order, and no other", () => {
    const headings = [...read("errors.md").matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(Object.keys(ERROR_CODES));
  });

  test("names each code's exit status, and says what to do", () => {
    const sections = read("errors.md").split(/^## /m).slice(1);
    for (const section of sections) {
      const [code, , what, , todo] = section.split("\n");
      expect(what).toMatch(
        new RegExp(`^Exit status ${ERROR_CODES[code as keyof typeof ERROR_CODES]}\\. \\S`),
      );
      expect(todo, code).toMatch(/^\S.{10,}/);
    }
  });
});

describe("docs/configuration.md", () => {
  const TABLE = /(<!-- reference: .*? -->\n)[\s\S]*?(<!-- end of reference -->)/;

  test("has the table of every key as the schema has it", () => {
    const text = read("configuration.md");
    expect(text).toMatch(TABLE);
    const renewed = text.replace(
      TABLE,
      (_all, start, end) => `${start}\n${configReference(configSchema)}\n\n${end}`,
    );
    if (process.env.SEKISHO_UPDATE_DOCS === "1") writeFileSync(page("configuration.md"), renewed);
    else expect(text).toBe(renewed);
  });

  test("says of every key what it means", () => {
    const rows = configReference(configSchema).split("\n").slice(2);
    expect(rows.length).toBeGreaterThan(25);
    expect(rows.filter((row) => / \|\s+\|$/.test(row))).toEqual([]);
  });

  test("shows an example that is valid", () => {
    const [, example] = /```yaml\n([\s\S]*?)```/.exec(read("configuration.md"))!;
    expect(() => configSchema.parse(parse(example!))).not.toThrow();
  });
});

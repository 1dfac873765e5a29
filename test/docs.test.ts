import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { allCommands } from "../src/cli/commands.ts";
import type { CliContext } from "../src/cli/context.ts";
import { configSchema } from "../src/config/schema.ts";
import { loadTextLists, withTexts } from "../src/config/text-lists.ts";
import { compileRule } from "../src/evaluate/compile-rule.ts";
import { Evaluator } from "../src/evaluate/evaluator.ts";
import { ruleSchema } from "../src/evaluate/rule-schema.ts";
import { complaintOf } from "../src/ingest/audit-sockets.ts";
import { ERROR_CODES } from "../src/model/errors.ts";
import { AUDIT_NAMES } from "../src/model/event.ts";
import { unixMs } from "../src/model/time.ts";
import { AUDIT_EVENTS, auditEventSchema } from "../src/parse/audit-schema.ts";
import { createParser } from "../src/parse/formats.ts";
import { METRIC_NAMES } from "../src/serve/metrics.ts";
import { readRuleSet } from "../src/setup.ts";
import { configReference } from "./config/reference.ts";
import { ruleTables } from "./config/rule-reference.ts";

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

describe("docs/cli.md", () => {
  test("names every command, and each option stands in some page", async () => {
    const context = { env: {}, version: "1.2.3" } as CliContext;
    const commands = (await allCommands(context)).flatMap((each) => [each, ...each.commands]);
    const named = (command: Command): string =>
      command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
    const unknown = commands.filter((each) => !new RegExp(`\`${named(each)}[ \`]`).test(read("cli.md")));
    expect(unknown.map(named)).toEqual([]);
    const pages = readdirSync(page("."))
      .filter((name) => name.endsWith(".md"))
      .map(read)
      .join("");
    const options = commands.flatMap((each) => each.options.map(({ long }) => `${named(each)} ${long}`));
    expect(options.length).toBeGreaterThan(40);
    expect(options.filter((each) => !pages.includes(each.split(" ").at(-1)!))).toEqual([]);
  });
});

describe("docs/http-api.md", () => {
  test("names every metric, and no other", () => {
    const named = [...read("http-api.md").matchAll(/`(sekisho_\w+)/g)].map(([, name]) => name!);
    expect(named.sort()).toEqual([...METRIC_NAMES].sort());
  });
});

describe("docs/audit-events.md", () => {
  const TABLE = /(<!-- events: .*? -->\n)[\s\S]*?(<!-- end of events -->)/;
  const text = read("audit-events.md");
  const yaml = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, example]) => example!);

  test("says of each name when an app sends it, as the schema does", () => {
    const rows = Object.entries(AUDIT_EVENTS).map(([name, when]) => `| \`${name}\` | ${when} |`);
    const table = ["| event | when |", "| --- | --- |", ...rows].join("\n");
    const renewed = text.replace(TABLE, (_all, start, end) => `${start}\n${table}\n\n${end}`);
    if (process.env.SEKISHO_UPDATE_DOCS === "1") writeFileSync(page("audit-events.md"), renewed);
    else expect(text).toBe(renewed);
    expect(Object.keys(AUDIT_EVENTS)).toEqual([...AUDIT_NAMES]);
  });

  test("names each field of the schema", () => {
    const named = [...text.matchAll(/^\| `(\w+)` \| (?:required)? ?\| /gm)].map(([, field]) => field);
    expect(named.sort()).toEqual(Object.keys(auditEventSchema.shape).sort());
  });

  test("shows lines that are audit events, and configurations that are valid", () => {
    const lines = [...text.matchAll(/\{"time":"20.*?\}(?=$|')/gm)].map(([line]) => line);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.map(complaintOf)).toEqual(lines.map(() => null));
    const configurations = yaml.filter((example) => !example.includes("rules.d"));
    expect(configurations).toHaveLength(3);
    for (const example of configurations) expect(() => configSchema.parse(parse(example))).not.toThrow();
  });

  test("shows a rule that finds the line below it", () => {
    const [example] = yaml.filter((each) => each.includes("rules.d"));
    const [line] = text.match(/^\{.*"app\.role_denied".*\}$/m)!;
    const rule = compileRule({ id: "own", spec: ruleSchema.parse(parse(example!)) }, { origins: new Set() });
    const event = createParser("audit", "auto", null).parse(line, 1, unixMs(0));
    expect(new Evaluator([rule]).evaluate([event, event, event])).toHaveLength(1);
  });
});

describe("docs/rules.md", () => {
  const RULES = readRuleSet(join(import.meta.dirname, "../rules"), null, []).rules;
  const TABLE = /(<!-- table: (\w+) -->\n)[\s\S]*?(<!-- end -->)/g;

  test("has every shipped rule, key, condition and field as the schema and rules/ have them", () => {
    const tables = ruleTables(RULES);
    const text = read("rules.md");
    expect([...text.matchAll(TABLE)].map(([, , name]) => name).sort()).toEqual(Object.keys(tables).sort());
    const renewed = text.replace(TABLE, (_all, start, name, end) => `${start}\n${tables[name]}\n\n${end}`);
    if (process.env.SEKISHO_UPDATE_DOCS === "1") writeFileSync(page("rules.md"), renewed);
    else expect(text).toBe(renewed);
    for (const { id } of RULES) expect(renewed).toContain(`[${id}](../rules/${id}.yaml)`);
  });

  test("says of every key what it means", () => {
    const rows = Object.values(ruleTables(RULES)).flatMap((table) => table.split("\n").slice(2));
    expect(rows.length).toBeGreaterThan(50);
    expect(rows.filter((row) => /\|\s*\|/.test(row))).toEqual([]);
  });

  test("shows matchers and a rule that are valid", () => {
    const [first, ...rest] = [...read("rules.md").matchAll(/```yaml\n([\s\S]*?)```/g)].map(
      ([, yaml]) => yaml!,
    );
    const rule = ruleSchema.parse(parse(first!));
    expect(rule.bucket).toMatchObject({ count: 10 });
    const matchers = rest
      .flatMap((yaml) => yaml.split(/^(?=match:)/m))
      .filter((yaml) => yaml.startsWith("match:"));
    expect(matchers).toHaveLength(7);
    const lists = loadTextLists(join(import.meta.dirname, "../rules/lists"));
    for (const yaml of matchers) {
      const { match, ...spec } = ruleSchema.parse({ ...parse(first!), ...parse(yaml) });
      const loaded = { ...spec, match: withTexts(match, lists, (_path, message) => expect.fail(message)) };
      expect(() => compileRule({ id: "example", spec: loaded }, { origins: new Set() })).not.toThrow();
    }
  });
});

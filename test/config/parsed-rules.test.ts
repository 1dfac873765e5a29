import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRuleSet } from "../../src/config/load-rules.ts";
import { readParsedRules, writeParsedRules } from "../../src/config/parsed-rules.ts";
import { folderWith } from "./temporary-folder.ts";

const RULES = join(import.meta.dirname, "../../rules");

describe("rules that were parsed when Sekisho was built", () => {
  const parse = () => {
    const file = join(folderWith({}), "rules.bin");
    writeParsedRules(RULES, file);
    return readParsedRules(file);
  };

  test("are what their files say, permanent lengths and all", () => {
    const parsed = parse();
    expect(parsed.size).toBe(readdirSync(RULES).filter((name) => name.endsWith(".yaml")).length);
    expect(loadRuleSet(RULES, null, parsed)).toEqual(loadRuleSet(RULES, null));
  });

  test("are not taken for a file that was changed since, and site rules change them as ever", () => {
    const shipped = readFileSync(join(RULES, "repeated-405.yaml"), "utf8");
    const folder = folderWith({ "repeated-405.yaml": shipped });
    const site = folderWith({ "repeated-405.yaml": "bucket: { count: 7 }" });
    const parsed = parse();
    const count = (siteFolder: string | null) =>
      loadRuleSet(folder, siteFolder, parsed).rules[0]!.spec.bucket;
    expect(count(site)).toMatchObject({ count: 7 });
    writeFileSync(join(folder, "repeated-405.yaml"), shipped.replace("severity: medium", "severity: mid"));
    expect(() => count(null)).toThrow(/severity/);
    // Beside rules that are as they were built it may be an update of the source alone.
    writeFileSync(join(folder, "repeated-403.yaml"), readFileSync(join(RULES, "repeated-403.yaml")));
    expect(() => count(null)).toThrow(
      expect.objectContaining({
        hint: expect.stringMatching(/^if an update brought them, .*npm ci; else: docs\/rules/),
      }),
    );
  });

  test("a list that is missing is reported where the rule names it", () => {
    const secret = readFileSync(join(RULES, "secret-files.yaml"), "utf8");
    expect(() => loadRuleSet(folderWith({ "secret-files.yaml": secret }), null, parse())).toThrow(
      /secret-files\.yaml:\d+:\d+: match\.\S+\.contains\.list: there is no list/,
    );
  });

  test("are none where nothing was built", () => {
    expect(readParsedRules(join(folderWith({}), "rules.bin")).size).toBe(0);
  });
});

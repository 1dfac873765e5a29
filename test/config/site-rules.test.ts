import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { loadRuleSet } from "../../src/config/load-rules.ts";
import { compileRule } from "../../src/evaluate/compile-rule.ts";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { readRuleSet } from "../../src/setup.ts";
import { access } from "../evaluate/events.ts";
import { RULE } from "./denied-rule.ts";
import { folderWith } from "./temporary-folder.ts";

const SHIPPED = { "shipped/denied.yaml": RULE, "shipped/missing.yaml": RULE.replaceAll("403", "404") };

function loaded(siteFiles: Readonly<Record<string, string>>) {
  const site = Object.fromEntries(Object.entries(siteFiles).map(([name, text]) => [`rules.d/${name}`, text]));
  const folder = folderWith({ ...SHIPPED, ...site });
  return { folder, set: () => loadRuleSet(join(folder, "shipped"), join(folder, "rules.d")) };
}
const denied = (siteFiles: Readonly<Record<string, string>>) =>
  loaded(siteFiles)
    .set()
    .rules.find(({ id }) => id === "denied")!;

function problems(siteFiles: Readonly<Record<string, string>>): string[] {
  const { folder, set } = loaded(siteFiles);
  try {
    set();
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error;
    expect(error.code).toBe("RULE_INVALID");
    return error.message.replaceAll(`${folder}/rules.d/`, "").split("\n");
  }
  return [];
}

describe("a file with the name of a rule", () => {
  test("changes what it names, and leaves the rest", () => {
    const { spec } = denied({
      "denied.yaml": "bucket: { count: 20 }\ncooldown: 1h\nban: 2d\nmode: observe\n",
    });
    expect(spec).toMatchObject({
      title: { en: "Repeated 403" },
      match: { status: 403 },
      bucket: { kind: "threshold", count: 20, window: 600_000 },
      cooldown: 3_600_000,
      ban: 172_800_000,
      mode: "observe",
    });
  });

  test("changes of how many clients the values of a bucket are to be, and only where it asks that", () => {
    const [scattered] = readRuleSet(
      "rules",
      folderWith({ "scattered-probing.yaml": "bucket: { clients: 40 }\n" }),
      [],
    ).rules.filter(({ id }) => id === "scattered-probing");
    expect(scattered?.spec.bucket).toMatchObject({ kind: "distinct", of: "path", count: 90, clients: 40 });
    expect(problems({ "denied.yaml": "bucket: { clients: 40 }\n" })).toHaveLength(1);
  });

  test("says what it changes, as a person wrote it", () => {
    const { site } = loaded({
      "denied.yaml": "bucket: { count: 20, window: 1h }\nmode: off\nexcept: { path: /x }\n",
    }).set();
    expect(site).toMatchObject([
      {
        id: "denied",
        kind: "changed",
        changes: ["bucket.count 20, was 5", "bucket.window 1h, was 10m", "mode off", 'except {"path":"/x"}'],
      },
    ]);
  });

  test("gives the rule a part of the site: some virtual hosts, and not some paths", () => {
    const rule = denied({
      "denied.yaml": "only: { vhost: [shop.example, www.example] }\nexcept: { path: { prefix: /old/ } }\n",
    });
    const evaluator = new Evaluator([compileRule(rule, { origins: new Set() })]);
    const isHit = (vhost: string | undefined, path: string, status = 403) =>
      evaluator.matching(access("192.0.2.7", 0, { vhost, path, status })).length === 1;
    expect(isHit("shop.example", "/")).toBe(true);
    expect(isHit("shop.example", "/", 404)).toBe(false);
    expect(isHit("shop.example", "/old/a")).toBe(false);
    expect(isHit("blog.example", "/")).toBe(false);
    expect(isHit(undefined, "/")).toBe(false);
  });

  test("can name a list of its own folder", () => {
    const rule = denied({
      "denied.yaml": "except: { path: { prefix: { list: ours } } }\n",
      "lists/ours.txt": "/old/\n/older/\n",
    });
    expect(rule.spec.match.all).toEqual([{ not: { path: { prefix: ["/old/", "/older/"] } } }]);
  });

  test("leaves the lists in a rule as they were read with it", () => {
    const listed = `${RULE}unless: { match: { path: { list: pages } }, count: 3, window: 5m }\n`.replace(
      "{ status: 403 }",
      "{ path: { prefix: { list: pages } } }",
    );
    const folder = folderWith({
      "shipped/a.yaml": listed.replace("path: { list: pages }", "path: { oneOf: { list: pages } }"),
      "shipped/lists/pages.txt": "/a\n",
      "rules.d/a.yaml": "bucket: { count: 9 }\n",
    });
    const { rules } = loadRuleSet(join(folder, "shipped"), join(folder, "rules.d"));
    expect(rules[0]!.spec).toMatchObject({
      match: { path: { prefix: ["/a"] } },
      unless: { match: { path: { oneOf: ["/a"] } } },
      bucket: { count: 9 },
    });
  });

  test("cannot be misunderstood: what is wrong is told with its place, of all files together", () => {
    expect(
      problems({
        "denied.yaml": "bucket:\n  capacity: 7\n  window: often\n",
        "missing.yaml": "mode: on\nexcept: { code: AH01630 }\n",
      }),
    ).toEqual([
      expect.stringMatching(/^denied\.yaml:3:11: bucket\.window: 'often' is not a length of time/),
      expect.stringMatching(/^denied\.yaml:2:13: bucket\.capacity: unknown key/),
      expect.stringMatching(/^missing\.yaml:1:7: mode: 'on' is not off, observe or enforce/),
    ]);
    expect(problems({ "denied.yaml": "bucket: { count: 0 }" })).toEqual([
      expect.stringMatching(/^denied\.yaml:1:18: bucket\.count: 0 is not a whole number from 1 to 10000/),
    ]);
    expect(problems({ "denied.yaml": "except: { code: AH01630 }" })).toEqual([
      expect.stringMatching(/^denied\.yaml:1:17: except\.code: events of kind access have no field code/),
    ]);
    expect(problems({ "denied.yaml": "mdoe: observe" })).toEqual([
      "denied.yaml:1:1: mdoe: unknown key; did you mean mode?",
    ]);
  });

  test("does not replace the rule in silence", () => {
    expect(problems({ "denied.yaml": RULE })).toEqual([
      "denied.yaml:1:1: another rule is called 'denied', and cannot be replaced; call this one otherwise",
    ]);
  });
});

describe("a file with another name", () => {
  test("is a rule of the site, which may use shared lists", () => {
    const own = RULE.replace("{ status: 403 }", "{ path: { prefix: { list: ours } } }");
    const { rules, site } = loaded({ "own.yaml": own, "lists/ours.txt": "/a\n" }).set();
    expect(rules.map(({ id }) => id)).toEqual(["denied", "missing", "own"]);
    expect(rules[2]!.spec.match).toEqual({ path: { prefix: ["/a"] } });
    expect(site).toMatchObject([{ id: "own", kind: "added", changes: [] }]);
  });

  test("that changes a rule which is not there names the nearest", () => {
    expect(problems({ "denid.yaml": "mode: off" })).toEqual([
      "denid.yaml:1:1: there is no rule 'denid' to change; did you mean denied?",
    ]);
  });

  test("that is empty is a rule of which all is missing", () => {
    expect(problems({ "own.yaml": "" })[0]).toMatch(/^own\.yaml:1:1: title: is missing/);
  });
});

test("a rule that is off does not run", () => {
  const { folder } = loaded({ "denied.yaml": "mode: off" });
  const { rules, site } = readRuleSet(join(folder, "shipped"), join(folder, "rules.d"), []);
  expect(rules.map(({ id }) => id)).toEqual(["missing"]);
  expect(site).toHaveLength(1);
});

describe("the site's folder", () => {
  const siteRulesOf = (files: Readonly<Record<string, string>>) => {
    const cwd = folderWith(files);
    const { siteRules } = loadConfig({ cwd, checkFormat: () => {} }).config;
    return siteRules?.replace(`${cwd}/`, "");
  };

  test("is rules.d beside the configuration, where there is one", () => {
    expect(siteRulesOf({ "sekisho.yaml": "logs: []" })).toBeUndefined();
    expect(siteRulesOf({ "sekisho.yaml": "logs: []", "rules.d/README": "" })).toBe("rules.d");
  });

  test("is the one that the configuration names", () => {
    const files = { "rules.d/README": "", "ours/README": "" };
    expect(siteRulesOf({ ...files, "sekisho.yaml": "logs: []\nsiteRules: ours" })).toBe("ours");
  });

  test("is none where rules.d is the folder of all rules", () => {
    expect(siteRulesOf({ "sekisho.yaml": "logs: []\nrules: rules.d", "rules.d/README": "" })).toBeUndefined();
  });

  test("must be there when it is named", () => {
    const folder = folderWith(SHIPPED);
    expect(() => loadRuleSet(join(folder, "shipped"), join(folder, "gone"))).toThrow(
      /there is no such folder/,
    );
  });
});

test("a rule that counts while another does must name one that it can wait for", () => {
  const waiting = (rule: string, more = "") => ({
    "busy.yaml": `${RULE}while: { rule: ${rule}, hits: 3 }\n${more}`,
    "many.yaml": RULE.replace("kind: threshold", "kind: distinct, of: path"),
  });
  expect(problems(waiting("denied"))).toEqual([]);
  expect(problems(waiting("deneid"))).toEqual([
    "rule busy: while.rule: there is no rule 'deneid'; did you mean denied?",
  ]);
  expect(problems(waiting("many"))).toEqual([
    "rule busy: while.rule: 'many' is a distinct; name a threshold",
  ]);
  expect(problems(waiting("denied", "subject: prefix\n"))).toEqual([
    "rule busy: while.rule: 'denied' looks at other events, or counts another subject",
  ]);
});

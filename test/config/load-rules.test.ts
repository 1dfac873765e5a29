import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadRuleSet } from "../../src/config/load-rules.ts";
import { loadTextLists, namesIn } from "../../src/config/text-lists.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { RULE } from "./denied-rule.ts";
import { folderWith } from "./temporary-folder.ts";

function errorOf(action: () => unknown): SekishoError {
  try {
    action();
  } catch (error) {
    if (error instanceof SekishoError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a folder of rules", () => {
  test("gives each file's rule under the file's name, sorted", () => {
    const folder = folderWith({ "b-rule.yaml": RULE, "a-rule.yaml": RULE, "a.yaml": RULE });
    expect(loadRuleSet(folder).rules.map(({ id }) => id)).toEqual(["a", "a-rule", "b-rule"]);
    expect(loadRuleSet(folder).rules[0]!.spec).toMatchObject({ cooldown: 60_000, ban: "default" });
  });

  test("the shipped rules are all sound", () => {
    const ids = loadRuleSet(join(import.meta.dirname, "../../rules")).rules.map(({ id }) => id);
    expect(ids.length).toBeGreaterThanOrEqual(9);
  });

  test("hidden files, lists and other files are left alone", () => {
    const folder = folderWith({
      ".#a.yaml": "{{",
      "README.md": "#",
      "lists/paths.txt": "/a",
      "a.yaml": RULE,
    });
    expect(loadRuleSet(folder).rules.map(({ id }) => id)).toEqual(["a"]);
  });

  test("the problems of all files are reported together, each with its place", () => {
    const folder = folderWith({
      "one.yaml": RULE.replace("severity: medium", "severity: mid"),
      "two.yaml": RULE.replace("window:", "windw:"),
      "three.yaml": RULE,
    });
    const error = errorOf(() => loadRuleSet(folder).rules);
    expect(error).toMatchObject({ code: "RULE_INVALID", exitStatus: 2 });
    expect(error.message.replaceAll(`${folder}/`, "").split("\n")).toEqual([
      "one.yaml:4:11: severity: 'mid' is not info, low, medium, high or critical",
      "two.yaml:7:1: bucket.window: is missing; write a number and s, m, h, d or w (90s, 4h, 2w), or permanent",
      "two.yaml:7:38: bucket.windw: unknown key; did you mean window?",
    ]);
  });

  test("a field that the rule's kind of event does not have is named where it stands", () => {
    const folder = folderWith({
      "a.yaml": RULE.replace("events: access", "events: error").replace(
        "{ status: 403 }",
        "\n  any:\n    - not: { status: 403 }\n    - code: AH01630",
      ),
      "b.yaml": RULE.replace("kind: threshold", "kind: distinct, of: name"),
    });
    expect(
      errorOf(() => loadRuleSet(folder).rules)
        .message.replaceAll(`${folder}/`, "")
        .split("\n"),
    ).toEqual([
      "a.yaml:8:22: match.any[0].not.status: events of kind error have no field status; known are level, module, code, message, severity, requestId",
      expect.stringMatching(
        /^b\.yaml:7:31: bucket\.of: events of kind access have no field name; known are method, path/,
      ),
    ]);
  });

  test.each(["Bad_Name.yaml", "a b.yaml", "-x.yaml", "日本.yaml"])("a file cannot be called %s", (name) => {
    expect(errorOf(() => loadRuleSet(folderWith({ [name]: RULE })).rules).message).toContain(
      "cannot be a name",
    );
  });

  test("a rule that ends in .yml is not left out in silence", () => {
    expect(errorOf(() => loadRuleSet(folderWith({ "a.yml": RULE })).rules).message).toMatch(
      /rename it to a\.yaml$/,
    );
  });

  test("an empty rule file says what is missing", () => {
    expect(errorOf(() => loadRuleSet(folderWith({ "a.yaml": "" })).rules).message).toContain(
      "title: is missing",
    );
  });

  test("a folder that is not there is an error of the environment", () => {
    const folder = folderWith({ file: "" });
    expect(errorOf(() => loadRuleSet(join(folder, "gone")).rules)).toMatchObject({
      code: "CONFIG_UNREADABLE",
      exitStatus: 3,
    });
    expect(errorOf(() => loadRuleSet(join(folder, "file")).rules).message).toBe(
      `${join(folder, "file")}: is not a folder`,
    );
  });
});

describe("shared lists", () => {
  test("have one literal a line, without comments, empty lines and repetitions", () => {
    const folder = folderWith({
      "scanner-paths.txt": "# what scanners ask for\n/.env\r\n\n  /wp-login.php  \n/.env\n",
    });
    expect(loadTextLists(folder).texts).toEqual(new Map([["scanner-paths", ["/.env", "/wp-login.php"]]]));
  });

  test("may name a text in the line above it, and a rule knows the names of its texts", () => {
    const folder = folderWith({
      "named.txt": "# all of them\n#: 2024 the first\n/first\n/second\n#: another\n/third\n#: nothing\n",
    });
    const { names } = loadTextLists(folder);
    expect(names).toEqual(
      new Map([
        ["/first", "2024 the first"],
        ["/third", "another"],
      ]),
    );
    const matcher = { any: [{ path: { contains: ["/second", "/third"] } }, { status: 404 }] };
    expect(namesIn(matcher, names)).toEqual(new Map([["/third", "another"]]));
  });

  test("are none where there is no folder for them", () => {
    expect(loadTextLists(join(folderWith(), "lists")).texts.size).toBe(0);
  });

  test("stand in a rule in place of their names, at any depth", () => {
    const match = `
  path: { prefix: { list: paths } }
  any:
    - not: { userAgent: { contains: { list: tools }, ignoreCase: true } }
    - method: { oneOf: { list: methods } }`;
    const folder = folderWith({
      "a.yaml": RULE.replace(" { status: 403 }", match),
      "lists/paths.txt": "/a\n/b\n",
      "lists/tools.txt": "sqlmap\n",
      "lists/methods.txt": "TRACE\nTRACK\n",
    });
    expect(loadRuleSet(folder).rules[0]!.spec.match).toEqual({
      path: { prefix: ["/a", "/b"] },
      any: [
        { not: { userAgent: { contains: ["sqlmap"], ignoreCase: true } } },
        { method: { oneOf: ["TRACE", "TRACK"] } },
      ],
    });
  });

  test("that a rule names and nobody wrote, or that are empty, are reported where the rule names them", () => {
    const naming = (name: string) =>
      RULE.replace("{ status: 403 }", `{ path: { contains: { list: ${name} } } }`);
    const folder = folderWith({
      "a.yaml": naming("secret-file"),
      "b.yaml": naming("nothing"),
      "c.yaml": naming("zzz"),
      "lists/secret-files.txt": "/.env\n",
      "lists/nothing.txt": "# nothing yet\n",
    });
    const problems = errorOf(() => loadRuleSet(folder).rules).message.replaceAll(`${folder}/`, "");
    expect(problems.split("\n")).toEqual([
      "a.yaml:6:36: match.path.contains.list: there is no list 'secret-file'; did you mean secret-files?",
      "b.yaml:6:36: match.path.contains.list: the list 'nothing' is empty; write one text a line into lists/nothing.txt",
      "c.yaml:6:36: match.path.contains.list: there is no list 'zzz'; write one text a line into lists/zzz.txt beside the rules",
    ]);
  });

  test("that are not text are refused", () => {
    const folder = folderWith({ "a.txt": Buffer.from([0x2f, 0xff, 0x0a]) });
    expect(errorOf(() => loadTextLists(folder))).toMatchObject({ code: "RULE_INVALID" });
  });
});

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { changeOf, type ListedRule } from "../../src/cli/rule-story.ts";
import { rulesCommand } from "../../src/cli/rules.ts";
import { ruleChange, ruleItem } from "../../src/rule-items.ts";
import { loadSetup } from "../../src/setup.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { MemoryBackend } from "../serve/memory-backend.ts";
import { runServer, TestClock, TOKEN } from "../serve/running-server.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/rule-list.ts";

const rules = (cwd: string, ...argv: string[]) =>
  commandLine(["rules", ...argv], (context) => [rulesCommand(context)], { cwd });
const json = async (cwd: string, ...argv: string[]) =>
  JSON.parse((await rules(cwd, ...argv, "--json")).stdout);

const SITE = { "sekisho.yaml": "data: data\nlogs: []\nmode: enforce\n" };
const OWN = `title: { en: Teapots, ja: 急須 }
detects: A client that brews.
why: |
  Visitors
  drink tea.
severity: low
events: access
subject: address+vhost
match: { status: 418 }
bucket: { kind: trigger }
ban: none
`;

/** A folder beside which a daemon runs, whose only rule is `repeated-403`, in observe mode. */
async function running(files: Readonly<Record<string, string>> = {}, token = TOKEN): Promise<string> {
  const { server } = await runServer({ backend: new MemoryBackend(new TestClock()) });
  return folderWith({
    ...SITE,
    ...files,
    "data/token": `${token}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: server.url }),
  });
}

describe("without a daemon", () => {
  test("lists every rule of the configuration, also those that are off, and says what is not known", async () => {
    const cwd = folderWith({ ...SITE, "rules.d/crawling.yaml": "mode: off\n", "rules.d/teapots.yaml": OWN });
    const { status, stdout, stderr } = await rules(cwd);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^rule +mode +severity +looks at +fires at\nadmin-probing /);
    expect(stdout).toMatch(/^crawling +off +low +access +\d+ different paths in 1m$/m);
    expect(stdout).toMatch(/^teapots +enforce +low +access +the first$/m);
    expect(stdout).toContain("\nNo daemon answers, so what they led to is not known.\n");
    expect(stdout).not.toContain("observes");
    const { items, next } = await json(cwd);
    expect(next).toBeNull();
    expect(items.map(({ id }: ListedRule) => id)).toEqual(items.map(({ id }: ListedRule) => id).toSorted());
    expect(items.find(({ id }: ListedRule) => id === "crawling")).toMatchObject({
      mode: "off",
      lastDay: null,
      nearMisses: null,
    });
  });

  test("says that nobody is blocked where the configuration observes", async () => {
    const { stdout } = await rules(folderWith({ "sekisho.yaml": "data: data\nlogs: []\n" }));
    expect(stdout).toContain("\nThe configuration observes: whoever they ban is not blocked.\n");
  });

  test("tells all of one rule, with what the site changed and where", async () => {
    const cwd = folderWith({ ...SITE, "rules.d/denied-url.yaml": "bucket: { count: 90 }\n" });
    const { status, stdout } = await rules(cwd, "denied-url");
    expect(status).toBe(0);
    for (const line of [
      /^denied-url: .+ \(.+\)\n\n/,
      /^mode +enforce: it bans$/m,
      /^fires at +90 with the same path in 1h; then it is quiet about the same one for \w+$/m,
      /^file +\/.*\/rules\/denied-url\.yaml$/m,
      /^changed +bucket\.count 90, was 70 in .*\/rules\.d\/denied-url\.yaml$/m,
      /^Detects: \S/m,
      /^Why: \S/m,
      /^May be mistaken:\n {2}- \S/m,
      /^Near misses: no daemon answers that would know\.$/m,
      /^To change it, edit .*\/rules\.d\/denied-url\.yaml, with/m,
      /^ {2}bucket: \{ count: 180 \} +# 90 now$/m,
      /^then: sekisho check$/m,
    ])
      expect(stdout).toMatch(line);
    expect(stdout).not.toMatch(/^(last day|waiting)/m);
  });

  test("a rule of the site's own is changed in its own file, and the first hit of one comes near nothing", async () => {
    const cwd = folderWith({ ...SITE, "rules.d/teapots.yaml": OWN });
    const { stdout } = await rules(cwd, "teapots");
    expect(stdout).toContain(`\nTo change it, edit ${join(cwd, "rules.d/teapots.yaml")}; then`);
    expect(stdout).toContain("\nWhy: Visitors drink tea.\n");
    expect(stdout).toMatch(/^bans +nobody$/m);
    expect(stdout).not.toContain("Near misses");
  });

  test("what a story proposes to write is a change that works, for every rule", () => {
    const cwd = folderWith({ ...SITE, "rules.d/lists/none.txt": "" });
    const setup = loadSetup({ cwd });
    for (const rule of setup.rules) {
      const { waiting, ...change } = changeOf(setup, {
        ...ruleItem(rule),
        change: ruleChange(setup, rule.id, rule.spec),
        lastDay: null,
        nearMisses: null,
      });
      expect(waiting).toBeNull();
      expect(change).toMatchObject({
        changedBy: join(cwd, `rules.d/${rule.id}.yaml`),
        changes: [],
      });
      const { bucket } = rule.spec;
      expect(change.example).toHaveLength("count" in bucket || bucket.kind === "leaky" ? 3 : 2);
      writeFileSync(change.changedBy!, change.example.join("\n"));
    }
    const changed = loadSetup({ cwd }).rules;
    expect(changed).toHaveLength(setup.rules.length);
    for (const [index, { spec }] of changed.entries()) {
      const before = setup.rules[index]!.spec.bucket;
      expect(spec.mode).toBe("observe");
      if ("count" in before) expect(spec.bucket).toMatchObject({ count: before.count * 2 });
      if (before.kind === "leaky") expect(spec.bucket).toMatchObject({ capacity: before.capacity * 2 });
    }
  });

  test("a name that no rule has is told with the one that was meant", async () => {
    expect(await rules(folderWith(SITE), "repeted-403")).toEqual({
      status: 2,
      stdout: "",
      stderr: "sekisho: there is no rule 'repeted-403'\nhint: did you mean repeated-403?\n",
    });
    expect((await rules(folderWith(SITE), "login")).stderr).toMatch(
      /\nhint: did you mean login-\S+, .*\?\n$/,
    );
    expect((await rules(folderWith(SITE), "anything")).stderr).toMatch(/\nhint: sekisho rules lists them\n$/);
  });
});

describe("with a daemon", () => {
  test("lists what each rule led to in a day and how many came near it, as the daemon runs it", async () => {
    const { stdout, stderr, status } = await rules(await running());
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^rule +mode +severity +looks at +findings +bans +near +fires at$/m);
    expect(stdout).toMatch(/^repeated-403 +observe +high +access +3 +2 +1 +10 in 5m$/m);
    expect(stdout).toContain("\nFindings, bans and near misses are of the last day.\n");
  });

  test("tells of one who came near it, without sending what is in a name to the terminal, and what to signal", async () => {
    const cwd = await running();
    const { stdout } = await rules(cwd, "repeated-403");
    expect(stdout).toMatch(/^last day +3 findings, 2 bans$/m);
    expect(stdout).toContain("Near misses of the last day\n");
    expect(stdout).toMatch(/^ {2}192\.0\.2\.9 user=\\x1b\[2J +9 of 10 +2026-11-20T11:00:00\.000Z$/m);
    expect(stdout).toContain(`\nthen: sekisho check, and kill -HUP ${process.pid}\n`);
    expect(stdout).not.toContain("\x1b");
    expect(await json(cwd, "repeated-403")).toMatchObject({
      id: "repeated-403",
      lastDay: { findings: 3, bans: 2 },
      nearMisses: [{ count: 9, of: 10 }],
      change: { pid: process.pid, changes: [] },
    });
  });

  test("tells of a change that the daemon has not read yet", async () => {
    const cwd = await running({ "rules.d/repeated-403.yaml": "bucket: { count: 20 }\n" });
    const { stdout } = await rules(cwd, "repeated-403");
    expect(stdout).toMatch(/^fires at +10 in 5m/m);
    expect(stdout).toMatch(
      /^waiting +the files say enforce, 20 with the same userAgent in 5m; the daemon reads them at SIGHUP$/m,
    );
  });

  test("that does not let this user in, tells the configuration and says why that is all", async () => {
    const { status, stdout, stderr } = await rules(await running({}, "another-token-0123456789"));
    expect(status).toBe(0);
    expect(stderr).toMatch(
      /^warning: going on without the daemon: .* does not accept this token\n {3}hint: /,
    );
    expect(stdout).toMatch(/^repeated-403 +enforce +medium +access +10 with the same userAgent in 5m$/m);
  });
});

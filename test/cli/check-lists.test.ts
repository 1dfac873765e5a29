import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { checkCommand } from "../../src/cli/check.ts";
import { checkLists, loadLists } from "../../src/imported-lists.ts";
import { unixMs } from "../../src/model/time.ts";
import { loadSetup } from "../../src/setup.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { webServer } from "../download/web-server.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/check-report.ts";

const NOW = "2026-11-20T12:00:00Z";
const clockAt = (time: string) => ({ now: () => unixMs(Date.parse(time)) });

/** `check` of a configuration with these lists, with the real look at them. */
const check = (cwd: string, lists: string, ...argv: string[]) => {
  writeFileSync(join(cwd, "sekisho.yaml"), `data: data\nlogs: []\nlists: ${lists}\n`);
  return commandLine(
    ["check", ...argv],
    (context) => [
      checkCommand(context, {
        checkFormat: () => {},
        checkRules: () => ({ rules: [], site: [] }),
        shippedRules: "rules",
        detectFormat: () => null,
        probeEnforcers: async () => [],
        checkListen: async () => null,
        checkToken: () => null,
        probeCut: async () => null,
        checkRotation: () => [],
        checkApache: async () => [],
        checkLists: (config) => checkLists(config, context.clock),
      }),
    ],
    { cwd, now: NOW },
  );
};

test("a list in a file is read as a fetch would read it, and nothing is kept", async () => {
  const cwd = folderWith({ "bad.txt": "192.0.2.7\nwhat\n198.51.100.0/24 # theirs\n8.8.8.8\n10.0.0.1\n" });
  const { status, stdout, stderr } = await check(
    cwd,
    "[{ name: bad, from: bad.txt, ownAndPrivate: leave-out }]",
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toMatch(
    /Lists\n +ok +bad +block +3 entries +a file +1 wrong +1 refused +without own and private +first: line \d: .* \S+\/bad\.txt\n/,
  );
  expect(readdirSync(cwd).sort()).toEqual(["bad.txt", "sekisho.yaml"]);
});

test("a list that covers private ranges is a problem with its lines and with what may be set", async () => {
  const cwd = folderWith({ "bad.txt": "8.8.8.8\n10.0.0.1\n" });
  const { status, stdout, stderr } = await check(cwd, "[{ name: bad, from: bad.txt }]");
  expect(status).toBe(1);
  expect(stdout).toMatch(/problem +bad +block +0 entries/);
  expect(stderr).toMatch(/list bad is not taken from \S+: one of its entries covers .*line 2: '10\.0\.0\.1'/);
  expect(stderr).toMatch(/hint: .*set lists\[\]\.ownAndPrivate: leave-out/);
  const allow = await check(cwd, "[{ name: bad, from: bad.txt, kind: allow, ownAndPrivate: leave-out }]");
  expect(allow.status).toBe(2);
  expect(allow.stderr).toContain("lists[0].ownAndPrivate: is only for kind: block; remove it");
});

test("a file that is not there, is none or is no list is named, with what to do", async () => {
  const cwd = folderWith({ "page.txt": "<html>\n<p>Sign in</p>\n</html>\n", "folder/x": "" });
  const away = await check(cwd, "[{ name: away, from: away.txt }]");
  expect(away.status).toBe(3);
  expect(away.stdout).toMatch(/problem +away/);
  expect(away.stderr).toMatch(
    /list away cannot be read from \S+away\.txt: .*\n.*hint: correct lists\[\]\.from/,
  );
  expect((await check(cwd, "[{ name: folder, from: folder }]")).stderr).toMatch(/folder is no file/);
  const page = await check(cwd, "[{ name: page, from: page.txt }]");
  expect(page.status).toBe(1);
  expect(page.stderr).toMatch(/list page is not taken from \S+page\.txt: 3 of its lines are no addresses/);
  const long = folderWith({ "long.txt": "8.8.8.8\n8.8.4.4\n" });
  expect((await check(long, "[{ name: long, from: long.txt, max: 1 }]")).stderr).toMatch(
    /more than 1 entries/,
  );
});

test("of what is at an address the last good copy is looked at, and nobody is asked", async () => {
  using server = await webServer({ "/bad.txt": "8.8.8.8\n8.8.4.4\n", "/other.txt": "1.1.1.1\n" });
  const cwd = folderWith();
  const lists = (path: string, more = "") => `[{ name: bad, from: "${server.url}${path}"${more} }]`;
  const first = await check(cwd, lists("/bad.txt"));
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(/ok +bad +block +0 entries +not fetched yet +http/);
  expect(server.asked).toEqual([]);

  const clock = clockAt("2026-11-20T09:00:00Z");
  using fetched = await loadLists(loadSetup({ file: join(cwd, "sekisho.yaml"), cwd }), clock);
  await fetched.refresh("bad");
  expect(server.asked).toHaveLength(1);
  expect((await check(cwd, lists("/bad.txt"))).stdout).toMatch(/ok +bad +block +2 entries +fetched 3h ago/);

  const over = await check(cwd, lists("/bad.txt", ", keep: 2h"));
  expect(over.stdout).toMatch(/warning:.* the entries of list bad hold no longer/);
  const other = await check(cwd, lists("/other.txt"), "--json");
  expect(JSON.parse(other.stdout)).toMatchObject({
    lists: [{ name: "bad", entries: 0, copy: "unfit", fetchedAt: null, error: null }],
    warnings: [{ message: expect.stringContaining("the copy of list bad is not used") }],
    problems: [],
  });
  expect(server.asked).toHaveLength(1);
});

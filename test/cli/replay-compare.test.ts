import { join } from "node:path";
import { expect, test } from "vitest";
import { replayCommand } from "../../src/cli/replay.ts";
import { progressLine } from "../../src/cli/replay-logs.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";

const line = (client: string, second: number, status: number): string =>
  `${client} - - [20/Nov/2026:12:00:${String(second).padStart(2, "0")} +0000] "GET /x HTTP/1.1" ${status} 1 "-" "-"\n`;
const times = (count: number, client: string, status: number): string[] =>
  Array.from({ length: count }, (_, second) => line(client, second, status));

const site = (changes: Readonly<Record<string, string>> = {}): string =>
  folderWith({
    "sekisho.yaml": "data: data\nlogs: []",
    "access.log": [...times(30, "192.0.2.7", 403), ...times(6, "192.0.2.8", 403)].join(""),
    ...changes,
  });

const replayed = async (cwd: string, ...argv: string[]): Promise<string> => {
  const { stdout, stderr } = await commandLine(
    ["replay", "--no-allowlist", "--rule", "repeated-403", ...argv, join(cwd, "access.log")],
    (context) => [replayCommand(context)],
    { cwd },
  );
  expect(stderr).toBe("");
  return stdout;
};

test("each ban says what it would have stopped, and who of the banned looks innocent", async () => {
  const cwd = site();
  expect(await replayed(cwd)).toMatch(
    /^36 lines .*\n1 finding, 1 ban, which would have stopped 20 requests\n\nTARGET +FROM +UNTIL +STOPPED +RULE +REASON\n192\.0\.2\.7\/32 .* 20 {2}repeated-403/,
  );
  const served = Array.from({ length: 40 }, (_, at) => line("192.0.2.7", 15 + at, 200)).join("");
  const logs = { "access.log": `${times(10, "192.0.2.7", 403).join("")}${served}` };
  const told = await replayed(site(logs));
  expect(told).toContain("Look at this one first: somebody innocent may be among them.\n");
  expect(told).toMatch(
    /192\.0\.2\.7\/32 {2}repeated-403 {2}100 % of 40 requests while it ran were answered\n$/,
  );
  const { decisions } = JSON.parse(await replayed(site(logs), "--json")) as { decisions: unknown };
  expect(decisions).toMatchObject([
    { stopped: 40, served: 40, looksInnocent: "100 % of 40 requests while it ran were answered" },
  ]);
});

test("--compare tells which bans changed rules add and take away", async () => {
  const cwd = site({
    "stricter/repeated-403.yaml": "bucket: { count: 5 }",
    "off/repeated-403.yaml": "mode: observe",
    "same/repeated-403.yaml": "severity: low",
  });
  expect(await replayed(cwd, "--compare", "stricter")).toMatch(
    /With the changed rules: 2 findings, 2 bans; targets that are banned only then 1, no longer 0\.\n\nAdded\nTARGET.*\n192\.0\.2\.8\/32 /,
  );
  expect(await replayed(cwd, "--compare", "off")).toMatch(
    /no longer 1\.\n\nRemoved\nTARGET.*\n192\.0\.2\.7\/32 /,
  );
  expect(await replayed(cwd, "--compare", "same")).toContain(
    "With the changed rules the same targets would have been banned.\n",
  );
  const { compared } = JSON.parse(await replayed(cwd, "--compare", "stricter", "--json")) as {
    readonly compared: { readonly added: { readonly target: string }[]; readonly removed: unknown[] };
  };
  expect([compared.added.map(({ target }) => target), compared.removed]).toEqual([["192.0.2.8/32"], []]);
});

test("--compare with a folder that is missing or wrong says so", async () => {
  const cwd = site({ "wrong/repeated-403.yaml": "bucket: { cuont: 5 }" });
  const errorOf = (folder: string) =>
    commandLine(
      ["replay", "--compare", folder, join(cwd, "access.log")],
      (context) => [replayCommand(context)],
      { cwd },
    );
  expect(await errorOf("nowhere")).toMatchObject({
    status: 3,
    stderr: expect.stringMatching(/nowhere: there is no such folder/),
  });
  expect(await errorOf("wrong")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/did you mean count/),
  });
});

test("the bar of progress has one width from begin to end", () => {
  const widths = [0, 0.004, 0.5, 0.999, 1].map((part) => progressLine(part).length);
  expect(new Set(widths).size).toBe(1);
  expect(progressLine(0.5)).toBe(`\r${"█".repeat(15)}${"░".repeat(15)}  50 %`);
});

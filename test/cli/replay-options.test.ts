import { join } from "node:path";
import { expect, test } from "vitest";
import { replayCommand } from "../../src/cli/replay.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { commandLine } from "./command-line.ts";

const LOG = join(import.meta.dirname, "../rules/repeated-403/fires.log");
const rulesOf = async (...argv: string[]): Promise<unknown> => {
  const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
  const { stdout, stderr } = await commandLine(
    ["replay", "--json", "--no-allowlist", ...argv],
    (context) => [replayCommand(context)],
    { cwd },
  );
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { readonly findings: readonly { readonly rule: string }[] };
  return [...new Set(findings.map(({ rule }) => rule))];
};

test("--rule takes one rule, and a file may follow it", async () => {
  expect(await rulesOf("--rule", "repeated-403", LOG)).toEqual(["repeated-403"]);
  expect(await rulesOf("--rule", "repeated-401", LOG)).toEqual([]);
  expect(await rulesOf("--rule", "repeated-401", "--rule", "repeated-403", LOG)).toEqual(["repeated-403"]);
});

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";

const MAIN = join(import.meta.dirname, "../../dist/main.js");
const NOON = Date.UTC(2026, 10, 20, 12);

const reports = (client: string, event: string, minute: number, times = 5): string =>
  Array.from({ length: times }, (_, second) =>
    JSON.stringify({ time: new Date(NOON + minute * 60_000 + second * 1_000).toISOString(), event, client }),
  ).join("\n");

/** What replay makes of these files in a folder with this configuration. */
function replayed(logs: string, files: Readonly<Record<string, string>>, ...more: string[]) {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "data/audit"), { recursive: true });
  writeFileSync(join(folder.path, "sekisho.yaml"), `data: data\nlogs: ${logs}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder.path, name), `${text}\n`);
  const argv = [MAIN, "replay", ...Object.keys(files), "--no-allowlist", ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: folder.path,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}
const json = (...args: Parameters<typeof replayed>) => {
  const { findings, decisions } = JSON.parse(replayed(...args, "--json")) as {
    findings: { subject: string; spared: string | null }[];
    decisions: { target: string }[];
  };
  return { spared: findings.map(({ spared }) => spared), bans: decisions.map(({ target }) => target) };
};

describe("in a replay", () => {
  test("a configured source bans for what it may only, and its other findings say why not", () => {
    const story = [
      reports("192.0.2.1", "ws.rate_exceeded", 0),
      reports("192.0.2.2", "ws.origin_rejected", 1),
    ].join("\n");
    expect(
      json("[{ kind: audit, path: a.jsonl, mayBan: [ws.rate_exceeded] }]", { "a.jsonl": story }),
    ).toEqual({
      spared: [null, expect.stringMatching(/^source \S+a\.jsonl may not ban for ws\.origin_rejected$/)],
      bans: ["192.0.2.1/32"],
    });
  });

  test("the share holds over the generations of one log, and for what came over a socket", () => {
    const limits = "maxBanShare: 0, bansAlways: 1";
    const files = (name: string) => ({
      [`${name}.1`]: reports("192.0.2.1", "ws.rate_exceeded", 0),
      [name]: reports("192.0.2.2", "ws.rate_exceeded", 1),
    });
    const wanted = (source: string) => ({
      spared: [null, expect.stringContaining(`${source} has caused 1 ban`)],
      bans: ["192.0.2.1/32"],
    });
    expect(json(`[{ kind: audit, path: a.jsonl, ${limits} }]`, files("a.jsonl"))).toEqual(wanted("a.jsonl"));
    expect(
      json(`[{ kind: audit, socket: run/chat.sock, ${limits} }]`, files("data/audit/chat.jsonl")),
    ).toEqual(wanted("source chat"));
  });

  test("a file that the configuration does not name has no limits: nobody has set any", () => {
    const story = Array.from({ length: 30 }, (_, n) => reports(`192.0.2.${n}`, "ws.rate_exceeded", n)).join(
      "\n",
    );
    expect(json("[]", { "other.jsonl": story }).bans).toHaveLength(30);
  });

  test("the text tells how many were spared and why", () => {
    const text = replayed("[{ kind: audit, path: a.jsonl, mayBan: [] }]", {
      "a.jsonl": reports("192.0.2.1", "ws.rate_exceeded", 0),
    });
    expect(text).toMatch(
      /1 finding, 0 bans\n1 spared: source \S+a\.jsonl may not ban for ws\.rate_exceeded\n/,
    );
  });
});

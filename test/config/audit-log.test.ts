import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { trustOf } from "../../src/config/audit-log.ts";
import { loadConfig } from "../../src/config/load.ts";
import { AUDIT_NAMES } from "../../src/model/event.ts";
import { temporaryFolder } from "../temporary-folder.ts";

/** The configuration of a file with these logs, or what is wrong with it. */
function load(logs: string) {
  using folder = temporaryFolder();
  mkdirSync(join(folder.path, "etc"));
  const file = join(folder.path, "etc/sekisho.yaml");
  writeFileSync(file, `data: ../data\nlogs: ${logs}\n`);
  try {
    const { config } = loadConfig({ file, cwd: "/", checkFormat: () => {} });
    return { folder: folder.path, logs: config.logs, problems: [] as string[] };
  } catch (error) {
    const problems = (error as Error).message.replaceAll(`${file}:`, "").split("\n");
    return { folder: folder.path, logs: [], problems };
  }
}

test("what comes over a socket is read from a file in the data folder that is called as the socket", () => {
  const { folder, logs } = load(
    '[{ kind: audit, socket: /run/sekisho/audit/chat.sock, group: www, mode: "0600" }, { kind: audit, socket: s/shop.sock }]',
  );
  expect(logs).toMatchObject([
    { socket: "/run/sekisho/audit/chat.sock", path: join(folder, "data/audit/chat.jsonl"), mode: 0o600 },
    { socket: join(folder, "etc/s/shop.sock"), path: join(folder, "data/audit/shop.jsonl") },
  ]);
});

test("without further words a source may ban for every name of the contract, for half of the bans, and for twenty", () => {
  const { logs } = load("[{ kind: audit, path: /x.jsonl }, { path: /access.log }]");
  expect(logs.map(trustOf)).toEqual([
    { name: "/x.jsonl", mayBan: AUDIT_NAMES, maxBanShare: 0.5, bansAlways: 20 },
    null,
  ]);
});

test("what a source may cause is what is written", () => {
  const { logs } = load(
    "[{ kind: audit, socket: /s/chat.sock, mayBan: [app.*, auth.failed, app.fraud], maxBanShare: 0.1, bansAlways: 0 }]",
  );
  expect(logs.map(trustOf)).toEqual([
    { name: "chat", mayBan: ["app.*", "auth.failed", "app.fraud"], maxBanShare: 0.1, bansAlways: 0 },
  ]);
});

describe("refused is", () => {
  const long = `/${"x".repeat(100)}/chat.sock`;
  test.each([
    ["a source of nothing", "[{ kind: audit }]", "logs[0].path: is missing; write the path of a log"],
    ["a source of two", "[{ kind: audit, path: /x, socket: /y.sock }]", "path: cannot stand beside socket"],
    [
      "a socket that rotates elsewhere",
      "[{ kind: audit, socket: /y.sock, rotatedTo: old }]",
      "logs[0].rotatedTo: cannot stand beside socket; remove it",
    ],
    ["a socket of Apache's logs", "[{ socket: /y.sock }]", "logs[0].socket: is only for kind: audit"],
    ["trust in Apache's logs", "[{ path: /y, mayBan: [] }]", "logs[0].mayBan: is only for kind: audit"],
    ["a group of a file", "[{ kind: audit, path: /y, group: www }]", "logs[0].group: is only for a socket"],
    [
      "a strange name",
      "[{ kind: audit, socket: /y/chat.1.sock }]",
      "'chat.1.sock' is not the name of a socket",
    ],
    [
      "a path too long for a socket",
      `[{ kind: audit, socket: ${long} }]`,
      "the folder of a socket has 95 bytes",
    ],
    [
      "a path that is too long with its name",
      `[{ kind: audit, socket: /${"x".repeat(80)}/${"n".repeat(30)}.sock }]`,
      "the path of a socket has 107 bytes",
    ],
    [
      "a second socket of one name",
      "[{ kind: audit, socket: /a/chat.sock }, { kind: audit, socket: /b/chat.sock }]",
      "logs[1].socket: logs[0] has a socket of that name: call this one otherwise than 'chat'",
    ],
    ["a share of more than all", "[{ kind: audit, path: /y, maxBanShare: 2 }]", "a number from 0 to 1"],
    [
      "a socket for everybody",
      '[{ kind: audit, socket: /y.sock, mode: "0662" }]',
      "mode that keeps others out",
    ],
    ["a mode that YAML takes for a number", "[{ kind: audit, socket: /y.sock, mode: 0660 }]", "logs[0].mode"],
  ])("%s", (_, logs, message) => expect(load(logs).problems.join("\n")).toContain(message));
});

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { commandsFor } from "../../src/cli/commands.ts";
import { RULE } from "../config/denied-rule.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { TOKEN } from "../serve/running-server.ts";
import { incident, list, socket } from "../serve/samples.ts";
import { commandLine, type Outcome } from "./command-line.ts";
import { daemon, enforcer, PANIC } from "./daemon.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/replay-logs.ts";
import "../../src/cli/explain-lines.ts";
import "../../src/cli/explain-address.ts";
import "../../src/cli/rule-list.ts";
import "../../src/cli/init-steps.ts";
import "../../src/cli/database-copy.ts";

/** What steers a terminal, turns text around, hides it or begins a line of its own. */
const HOSTILE = "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e\u2066\u200b\u2028\r\ninjected: yes";
const SENT_RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|^injected/m;

function expectSafe({ stdout, stderr }: Outcome): void {
  expect(stdout + stderr).not.toMatch(SENT_RAW);
  expect(stdout + stderr).toMatch(/\\x1b\[2J|\\u001b\[2J/);
}

/** Strings that choose what is shown, and are never shown by themselves. */
const CHOOSING = ["mode", "kind", "next", "code", "at", "by"];

/** The same JSON with hostile text behind every other string that is no time. */
function hostile(value: unknown, key = ""): unknown {
  if (typeof value === "string")
    return CHOOSING.includes(key) || /^\d{4}-\d\d-\d\dT/.test(value) ? value : value + HOSTILE;
  if (Array.isArray(value)) return value.map((each) => hostile(each, key));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, hostile(each, name)]));
}

/** One rule, as all of them take long to compile. */
const FOLDER = { "sekisho.yaml": "data: data\nlogs: []\nrules: rules", "rules/repeated-403.yaml": RULE };

/** The folder of a daemon that says everything with hostile text in it. */
async function hostileDaemon(): Promise<string> {
  const { server, backend } = await daemon({
    enforcers: [{ ...enforcer("failed"), note: "waits" }],
    halts: [PANIC, { ...PANIC, name: "breaker" }],
    problems: [{ message: "a problem", hint: "a hint" }],
  });
  backend.allLists.push({ ...list("drop"), error: "away", hint: "wait" });
  backend.allIncidents.push(incident(1, "open", []), incident(2, "closed", []));
  backend.allSockets.push(socket(1, "open", "192.0.2.7"), socket(2, "closed", "192.0.2.8"));
  const between = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const answer = await fetch(server.url + request.url, {
      method: request.method!,
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body.length > 0 && { "content-type": "application/json" }),
      },
      ...(body.length > 0 && { body }),
    });
    const text = await answer.text();
    response.writeHead(answer.status).end(text === "" ? "" : JSON.stringify(hostile(JSON.parse(text))));
  });
  await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void between.close());
  const { port } = between.address() as AddressInfo;
  return folderWith({
    ...FOLDER,
    "data/token": `${TOKEN}\n`,
    "data/daemon.json": JSON.stringify({ pid: process.pid, url: `http://127.0.0.1:${port}` }),
  });
}

const sekisho = (cwd: string, ...argv: string[]): Promise<Outcome> =>
  commandLine(argv, (context) => commandsFor(argv, context), { cwd });

describe("hostile text reaches no terminal raw", () => {
  test("from what the daemon says", async () => {
    const cwd = await hostileDaemon();
    await sekisho(cwd, "ban", "192.0.2.7");
    for (const name of ["status", "bans", "incidents", "sockets", "lists"])
      expectSafe(await sekisho(cwd, name, "--json"));
    const shown = [
      ["status"],
      ["bans", "--all"],
      ["incidents", "--all"],
      ["sockets"],
      ["sockets", "--each"],
      ["sockets", "--all"],
      ["lists"],
      ["lists", "nosuch"],
      ["allow"],
      ["breaker", "reset"],
      ["unban", "192.0.2.99"],
      ["panic"],
      ["rules"],
    ];
    for (const argv of shown) expectSafe(await sekisho(cwd, ...argv));
    for (const argv of [["ban", "192.0.2.66"], ["allow", "192.0.2.9"], ["breaker"]]) {
      const { stdout, stderr } = await sekisho(cwd, ...argv);
      expect(stdout + stderr).not.toMatch(SENT_RAW);
    }
  });

  test("from logs, in replay and explain", async () => {
    const line = (last: number, path: string) =>
      `203.0.113.9 - \x1b[2Jme [20/Nov/2026:12:00:${10 + last} +0000] "GET ${path}\x1b[2J\u202e HTTP/1.1" 403 9 "\x1b[2J" "sqlmap\x1b[2J\u009b"`;
    const cwd = folderWith({
      "access.log": `${Array.from({ length: 20 }, (_, last) => line(last, "/.env")).join("\n")}\n\x1b[2J what\x07\n`,
      ...FOLDER,
    });
    for (const argv of [
      ["replay", "access.log"],
      ["replay", "access.log", "--json"],
      ["explain", "--file", "access.log"],
      ["explain", "--file", "access.log", "--json"],
      ["explain", "--line", line(1, "/x")],
    ]) {
      const { stdout, stderr } = await sekisho(cwd, ...argv);
      expect(stdout + stderr).not.toMatch(SENT_RAW);
      expect(stdout).not.toBe("");
    }
  });

  test.each([
    [[HOSTILE]],
    [["ban", HOSTILE]],
    [["ban", "192.0.2.1", "--for", HOSTILE]],
    [["ban", `--${HOSTILE}`]],
    [["status", "--config", HOSTILE]],
    [["replay", HOSTILE.replaceAll("/", "")]],
    [["replay", "x", "--rule", HOSTILE]],
    [["export", "--format", HOSTILE]],
    [["breaker", HOSTILE]],
    [["help", HOSTILE]],
    [["explain", HOSTILE]],
    [["init", "--apache-config", HOSTILE]],
  ])("from the command line itself: %j", async (argv) => {
    const cwd = folderWith({ ...FOLDER, x: "" });
    const outcome = await sekisho(cwd, ...argv);
    expect(outcome.status).toBeGreaterThan(0);
    expectSafe(outcome);
  });
});

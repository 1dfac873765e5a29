import { expect, test } from "vitest";
import { DaemonLog } from "../../src/observe/log.ts";

test("on a terminal every line is a time and what happened, a server's warning with its cause too", () => {
  const lines: string[] = [];
  const log = new DaemonLog((line) => lines.push(line), true);
  log.say("info", "ban.lifted", "unban 192.0.2.7/32", { target: "192.0.2.7/32" });
  log.warnings.info("answered");
  log.warnings.error({ err: new Error("no such column") }, "request failed");
  expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d UTC /, ""))).toEqual([
    "unban 192.0.2.7/32\n",
    "error: request failed: no such column\n",
  ]);
});

test.each([true, false])(
  "what is hostile in a message is shown and not sent, on a terminal: %s",
  (isTerminal) => {
    const lines: string[] = [];
    const log = new DaemonLog((line) => lines.push(line), isTerminal);
    log.say("warn", "problem.appeared", "/var/log/\x1b[2J\u009b1m\u202e.log", { path: "\u{e0041}\u2028" });
    log.warnings.error({ err: new Error("no \x07such\u200b column") }, "request failed");
    expect(lines).toHaveLength(2);
    for (const line of lines) expect(line.slice(0, -1)).toMatch(/^[ -~]*$/);
    if (!isTerminal) expect(JSON.parse(lines[0]!)).toMatchObject({ path: "\u{e0041}\u2028" });
  },
);

test("for a journal every line is JSON with the level's name and an RFC 3339 time", () => {
  const lines: string[] = [];
  const log = new DaemonLog((line) => lines.push(line), false);
  log.say("warn", "problem.appeared", "the disk is full");
  log.warnings.warn({ remote: "192.0.2.7" }, "denied");
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "warn", time, signal: "problem.appeared", msg: "the disk is full" },
    { level: "warn", time, remote: "192.0.2.7", msg: "denied" },
  ]);
});

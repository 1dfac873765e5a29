import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { explainCommand } from "../../src/cli/explain.ts";
import { loadLists } from "../../src/imported-lists.ts";
import type { Decision } from "../../src/model/decision.ts";
import type { Finding } from "../../src/model/finding.ts";
import { parseTarget, type Subject, type Target } from "../../src/model/ip.ts";
import { NEVER, unixMs } from "../../src/model/time.ts";
import { loadSetup } from "../../src/setup.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { asNobody } from "../config/as-nobody.ts";
import { folderWith } from "../config/temporary-folder.ts";
import { access } from "../evaluate/events.ts";
import { commandLine } from "./command-line.ts";
// What the command loads when it is called: here before the time of the first test counts.
import "../../src/cli/explain-address.ts";

const now = unixMs(Date.parse("2026-11-20T12:00:00Z"));
const target = (text: string): Target => parseTarget(text)!;
const decided = (kind: Decision["kind"], text: string): Decision => ({
  kind,
  target: target(text),
  rule: null,
  by: "person",
  reason: `${kind} of ${text}`,
  at: now,
  until: NEVER,
  reportedBy: null,
});
const finding = (subject: string): Finding => ({
  rule: "repeated-403",
  title: "Repeated 403",
  severity: "medium",
  subject: subject as Subject,
  firstSeen: now,
  lastSeen: now,
  count: 5,
  evidence: [`${subject} was \x1b[31mhere`],
  ban: "default",
  eventIndex: 0,
  report: null,
});

/** A configuration whose store has a few incidents, bans and an allowlist. */
function knowing(): string {
  const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []\nallowlist: [203.0.113.0/24]\n" });
  mkdirSync(join(cwd, "data"));
  using writer = new StoreWriter(join(cwd, "data/sekisho.sqlite"), 1_000, { now: () => now });
  const source = writer.register({ path: "/access.log", kind: "access", format: "auto", timezone: null });
  const subjects = ["192.0.2.7", "192.0.2.8", "198.51.100.1"];
  writer.commit({
    sockets: [],
    events: [
      access("192.0.2.7", 0, { path: "/first" }),
      access("192.0.2.7", 1, { path: "/second", query: "id=1'--" }),
    ],
    findings: subjects.map(finding),
    judgements: subjects.map(() => ({ kind: "none" })),
    checkpoint: {
      source: source.id,
      fingerprint: { device: 1, inode: 2, head: "", headLength: 0 },
      offset: 1,
      tail: "",
    },
  });
  for (const text of ["192.0.2.0/24", "2001:db8::/32", "2001:db8:1::/48"])
    writer.decide(decided("ban", text));
  writer.decide(decided("allow", "192.0.2.8"));
  return cwd;
}

const explain = (cwd: string, ...argv: string[]) =>
  commandLine(["explain", ...argv], (context) => [explainCommand(context)], { cwd });

describe("explain ADDRESS", () => {
  test("tells of a range that stands for many bans and blocks others with them, and of none where somebody is spared", async () => {
    const blocked = /^blocked with 192\.0\.3\.0\/24, which stands for 2 bans /m;
    const asked = async (config: string, address: string) => {
      const cwd = folderWith({ "sekisho.yaml": `data: data\nlogs: []\n${config}` });
      mkdirSync(join(cwd, "data"));
      const writer = new StoreWriter(join(cwd, "data/sekisho.sqlite"), 1_000, { now: () => now });
      for (const each of ["192.0.3.1", "192.0.3.2"]) writer.decide(decided("ban", each));
      writer[Symbol.dispose]();
      return explain(cwd, address);
    };
    const enforce = "mode: enforce\npolicy: { aggregate: { ipv4: { atLeast: 2 } } }\n";
    expect(await asked(enforce, "192.0.3.9")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(blocked),
    });
    expect((await asked(enforce, "192.0.3.1")).stdout).toMatch(blocked);
    expect((await asked(enforce, "192.0.4.9")).status).toBe(1);
    expect((await asked(`${enforce}allowlist: [192.0.3.77]\n`, "192.0.3.9")).status).toBe(1);
    expect((await asked(enforce.replace("mode: enforce", "mode: observe"), "192.0.3.9")).status).toBe(1);
  });

  test("shows covering bans, the rule's reasons, the evidence, and the latest events in the order of time", async () => {
    const { status, stdout } = await explain(knowing(), "192.0.2.7");
    expect(status).toBe(0);
    expect(stdout).toContain(
      "ban of 192.0.2.0/24: active, by a person, 2026-11-20 12:00 UTC, permanent: ban of 192.0.2.0/24\n" +
        "to let it in: sekisho unban 192.0.2.0/24; so that no ban comes back: sekisho allow 192.0.2.7/32\n",
    );
    expect(stdout).toMatch(
      /^incident 1 of 192\.0\.2\.7\/32: .*\n {2}repeated-403: 5 hits\n {4}why: \S.*\n(?: {6}\S.*\n)* {4}may be mistaken: \S/m,
    );
    for (const line of stdout.split("\n").filter((each) => /^ {4}(why|may be)|^ {6}/.test(each)))
      expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toContain("192.0.2.7 was \\x1b[31mhere");
    expect(stdout).not.toMatch(/never banned|198\.51\.100/);
    expect(stdout).toMatch(/^ {2}\S+ access GET \/first .*\n {2}\S+ access GET \/second\?id=1'-- /m);
  });

  test("of a range shows what is known of everybody in it", async () => {
    const { stdout } = await explain(knowing(), "192.0.2.0/24");
    expect(stdout).toContain("incident 1 of 192.0.2.7/32");
    expect(stdout).toContain("incident 2 of 192.0.2.8/32");
    expect(stdout).not.toContain("incident 3");
    expect(stdout).toContain(
      "never banned: 192.0.2.8/32 is on the allowlist since 2026-11-20 12:00 UTC: allow of 192.0.2.8\n",
    );
  });

  test("tells of a ban or an allowlist entry alone, with status 0", async () => {
    const cwd = knowing();
    const banned = await explain(cwd, "2001:db8:1::5");
    expect(banned.status).toBe(0);
    expect(banned.stdout.match(/^ban of \S+:/gm)).toEqual([
      "ban of 2001:db8:1::/48:",
      "ban of 2001:db8::/32:",
    ]);
    const allowed = await explain(cwd, "203.0.113.9");
    expect(allowed).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("never banned: 203.0.113.0/24"),
    });
  });

  test("names the imported lists that have it", async () => {
    const cwd = knowing();
    const list = join(cwd, "bad.txt");
    writeFileSync(list, "198.51.100.64/26\n");
    writeFileSync(
      join(cwd, "sekisho.yaml"),
      "data: data\nlogs: []\nlists: [{ name: drop, from: bad.txt }]\n",
    );
    using lists = await loadLists(loadSetup({ cwd }), { now: () => now });
    await lists.refresh("drop");
    expect(await explain(cwd, "198.51.100.77")).toMatchObject({
      status: 0,
      stdout: "198.51.100.77/32\non a blocklist: 198.51.100.64/26 of drop\n",
    });
  });

  test("ends with 1 only where nothing at all is known", async () => {
    expect(await explain(knowing(), "100.64.0.1")).toEqual({
      status: 1,
      stdout: "100.64.0.1/32: nothing is known of it\n",
      stderr: "",
    });
  });

  test("as JSON has all of it, with the rules that fired", async () => {
    const { stdout } = await explain(knowing(), "192.0.2.7", "--json");
    const known = JSON.parse(stdout) as Record<string, readonly Record<string, unknown>[]>;
    expect(known.bans).toMatchObject([{ target: "192.0.2.0/24", state: "active" }]);
    expect(known.incidents).toMatchObject([{ id: 1, findings: [{ count: 5 }] }]);
    expect(known.rules).toMatchObject([{ id: "repeated-403", why: expect.stringMatching(/\S/) }]);
    expect(known.events!.map(({ path }) => path)).toEqual(["/first", "/second"]);
  });

  test("where there is no database says so", async () => {
    const cwd = folderWith({ "sekisho.yaml": "data: data\nlogs: []" });
    const { status, stderr } = await explain(cwd, "192.0.2.7");
    expect(status).toBe(3);
    expect(stderr).toMatch(/there is no database at .*\nhint: sekisho run makes it/);
  });

  test("of another user's daemon says who may ask", () => {
    const cwd = knowing();
    writeFileSync(join(cwd, "data/daemon.json"), "{}", { mode: 0o600 });
    const module = join(import.meta.dirname, "../../src/cli/explain-address.ts");
    const setup = `{ config: { data: ${JSON.stringify(join(cwd, "data"))}, allowlist: [] }, rules: [] }`;
    const body = `try { await explainAddress({}, ${setup}, "192.0.2.7", false) } catch ({ code, hint }) { return { code, hint } }`;
    expect(asNobody(module, "explainAddress", body)).toEqual({
      code: "DATA_DIRECTORY",
      hint: expect.stringContaining("sudo -u sekisho"),
    });
  });
});

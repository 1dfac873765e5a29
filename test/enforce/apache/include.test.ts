import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ApacheInclude, type ApacheIncludeOptions } from "../../../src/enforce/apache/include.ts";
import {
  chooseTargets,
  parseInclude,
  requireLines,
  targetsIn,
} from "../../../src/enforce/apache/include-file.ts";
import { lingeringProcesses } from "../../../src/enforce/apache/processes.ts";
import { apacheSnippet } from "../../../src/enforce/apache/snippet.ts";
import type { Block } from "../../../src/model/decision.ts";
import { type UnixMs, unixMs } from "../../../src/model/time.ts";
import { type Apache, startApache } from "../../apache.ts";
import { asNobody } from "../../config/as-nobody.ts";
import { missing } from "../../requirements.ts";
import { blocks, target } from "../blocks.ts";
import { failure } from "../failure.ts";

const { signal } = new AbortController();
const OLD = "198.51.100.1";
const NEW = "198.51.100.2";

const listedIn = (path: string) => targetsIn(parseInclude(readFileSync(path, "utf8"))!.lines);

describe("the list", () => {
  test("names ranges first, a hundred a line, in the same order whatever order they come in", () => {
    const want = blocks(
      ...Array.from({ length: 150 }, (_, n) => `198.51.100.${n}`),
      "203.0.113.0/24",
      "2001:db8::/64",
    );
    const lines = requireLines(chooseTargets(want, 1_000).listed);
    expect(requireLines(chooseTargets(want.toReversed(), 1_000).listed)).toBe(lines);
    expect(lines).toMatch(/^Require not ip 2001:db8::\/64 203\.0\.113\.0\/24 198\.51\.100\.0 /);
    expect(
      lines
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ").length - 3),
    ).toEqual([100, 52]);
    expect(targetsIn(lines)).toEqual(new Set(want.map((block) => block.target)));
  });

  test("beyond the limit, keeps ranges and what stays longest, and names the rest", () => {
    const until = (text: string, time: number): Block => ({ target: target(text), until: unixMs(time) });
    const want = [
      until("198.51.100.1", 5),
      until("198.51.100.2", 9),
      until("198.51.100.3", 7),
      until("203.0.113.0/24", 1),
    ];
    const { listed, unenforced } = chooseTargets([...want, ...blocks("198.51.100.4")], 3);
    expect(listed).toEqual(["203.0.113.0/24", "198.51.100.2/32", "198.51.100.4/32"]);
    expect(unenforced).toEqual(["198.51.100.3/32", "198.51.100.1/32"]);
  });

  test("beyond the limit, keeps bans before what lists ask for", () => {
    const ofList = blocks("203.0.113.1", "192.0.2.0/24", "203.0.113.2").map((block) => ({
      ...block,
      list: "drop",
    }));
    const ban: Block = { target: target("198.51.100.1"), until: unixMs(5) };
    const { listed, unenforced } = chooseTargets([...ofList, ban], 3);
    expect(listed).toEqual(["192.0.2.0/24", "198.51.100.1/32", "203.0.113.1/32"]);
    expect(unenforced).toEqual(["203.0.113.2/32"]);
  });
});

describe.skipIf(missing("root", "apache2", "netns"))("the include and Apache", () => {
  let apache: Apache;
  let file: string;
  let broken: string;
  beforeAll(async () => {
    const inRoot = (root: string): string => join(root, "sekisho", "blocklist.conf");
    apache = await startApache({
      config: (root) =>
        `${apacheSnippet({ directory: null, includeFile: inRoot(root), logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" })}IncludeOptional ${root}/broken.conf\n`,
    });
    file = inRoot(apache.root);
    broken = join(apache.root, "broken.conf");
  });
  afterAll(() => apache[Symbol.asyncDispose]());
  /** Apache runs with a list of OLD alone. */
  beforeEach(async () => {
    rmSync(broken, { force: true });
    rmSync(join(apache.root, "sekisho"), { recursive: true, force: true });
    const enforcer = make();
    await enforcer.reconcile(blocks(OLD), false, signal);
    await enforcer.apply(signal);
  });

  const make = (more: Partial<ApacheIncludeOptions> = {}): ApacheInclude =>
    new ApacheInclude({
      file,
      control: apache.control,
      schedule: "17 * * * *",
      limit: 1_000,
      clock: { now: (): UnixMs => unixMs(Date.UTC(2026, 10, 20, 12)) },
      ...more,
    });
  const status = async (from: string): Promise<number> => (await apache.request({ from, path: "/" })).status;
  /** To be polled behind a reload: a process of before may take one more connection. */
  const statuses = async () => [await status(OLD), await status(NEW)];
  /** A program in the place of apache2ctl that answers as real ones do in trouble. */
  const control = (script: string): string => {
    const path = join(apache.root, "trouble");
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  test("a reconciliation writes and waits; one reload brings everything that waits into force", async () => {
    const enforcer = make();
    const before = apache.reloads();
    const enforced = await enforcer.reconcile(blocks(NEW, "203.0.113.0/24"), false, signal);
    expect(enforced).toEqual({
      inForce: new Set(),
      waiting: new Set(["198.51.100.2/32", "203.0.113.0/24"]),
      lingering: new Set(["198.51.100.1/32"]),
      unenforced: [],
      pending: true,
      drift: 0,
    });
    expect(await status(OLD), "what is lifted waits as well").toBe(403);
    await enforcer.reconcile(blocks(NEW), false, signal);
    expect(apache.reloads()).toBe(before);
    expect(await enforcer.apply(signal)).toMatchObject({
      pending: false,
      inForce: new Set(["198.51.100.2/32"]),
    });
    await expect.poll(statuses).toEqual([200, 403]);
    await enforcer.apply(signal);
    expect(apache.reloads()).toBe(before + 1);
  });

  test("a set that returns to what Apache runs with needs no reload", async () => {
    const enforcer = make();
    await enforcer.reconcile(blocks(OLD, NEW), false, signal);
    const before = apache.reloads();
    expect(await enforcer.reconcile(blocks(OLD), false, signal)).toMatchObject({ pending: false });
    await enforcer.apply(signal);
    expect(apache.reloads()).toBe(before);
  });

  test("a set that returns to what Apache ran with needs one where somebody else has reloaded Apache meanwhile, as logrotate does", async () => {
    const pidFile = join(apache.root, "apache.pid");
    utimesSync(pidFile, 1, 1);
    const enforcer = make({ pidFile });
    await enforcer.reconcile(blocks(OLD, NEW), false, signal);
    expect(await enforcer.reconcile(blocks(OLD), false, signal)).toMatchObject({ pending: false });
    await enforcer.reconcile(blocks(OLD, NEW), false, signal);
    execFileSync(apache.control, ["graceful"], { stdio: "ignore" });
    await expect.poll(statuses).toEqual([403, 403]);
    for (const again of [enforcer, make()])
      expect(await again.reconcile(blocks(OLD), true, signal)).toMatchObject({
        pending: true,
        inForce: new Set([`${OLD}/32`]),
        lingering: new Set([`${NEW}/32`]),
      });
    await enforcer.apply(signal);
    await expect.poll(statuses).toEqual([403, 200]);
    expect(existsSync(`${file}.doubtful`)).toBe(false);
  });

  test("is not reloaded while too many old processes hold WebSockets, but for what lifts everything", async () => {
    const pidFile = join(apache.root, "apache.pid");
    const enforcer = make({ lingering: 2, pidFile });
    const lingering = (count: number) =>
      expect.poll(() => lingeringProcesses(pidFile), { interval: 100 }).toBe(count);
    const holdSocket = async (): Promise<void> => {
      const answer = await apache.request({ from: "203.0.113.5", path: "/ws/", upgrade: true, hold: true });
      expect(answer.status).toBe(101);
      // Processes that start within 0.2 s of a reload count as its own, and this one may have started just now.
      await sleep(500);
    };
    await lingering(0);
    for (const [old, banned] of [NEW, OLD].entries()) {
      await holdSocket();
      await enforcer.reconcile(blocks(banned), true, signal);
      expect(enforcer.note()).toBe(
        old === 0 ? null : "old Apache processes that hold WebSockets: 1; from 2 on it is not reloaded",
      );
      await enforcer.apply(signal);
      await lingering(old + 1);
    }
    const before = apache.reloads();
    await enforcer.reconcile(blocks(NEW), true, signal);
    expect(await failure(enforcer.apply(signal))).toMatchObject({
      code: "APACHE_LINGERING",
      message: expect.stringContaining("2 old Apache processes still hold WebSockets, 2 are the limit"),
    });
    expect(enforcer.note()).toContain("not reloaded: 2 old Apache processes");
    expect([apache.reloads(), await status(OLD), await status(NEW)]).toEqual([before, 403, 200]);
    await enforcer.reconcile([], false, signal);
    await enforcer.apply(signal);
    await expect.poll(() => status(OLD)).toBe(200);
    expect(apache.reloads()).toBe(before + 1);
    await apache.closeSockets();
    await lingering(0);
    await enforcer.reconcile(blocks(NEW), true, signal);
    await enforcer.apply(signal);
    await expect.poll(() => status(NEW)).toBe(403);
    expect(enforcer.note()).toBeNull();
  });

  test("where Apache writes its number elsewhere, or does not run, nobody knows how many linger", async () => {
    expect(await lingeringProcesses(join(apache.root, "no.pid"))).toBeNull();
    const wrong = join(apache.root, "wrong.pid");
    for (const text of ["", "no number", "-1", "4194305"]) {
      writeFileSync(wrong, `${text}\n`);
      expect(await lingeringProcesses(wrong), text).toBeNull();
    }
  });

  test("the probe makes no folder, and is content when one can be made", async () => {
    const folder = join(apache.root, "not", "yet");
    await make({ file: join(folder, "blocklist.conf") }).probe();
    expect(existsSync(join(apache.root, "not"))).toBe(false);
  });

  test("the file says who made it, when, and how many it holds", async () => {
    await make().reconcile(blocks(NEW), false, signal);
    expect(readFileSync(file, "utf8")).toBe(
      `# Generated by Sekisho; changes are overwritten.\n# Generation 2, 2026-11-20T12:00:00.000Z, 1 targets\n# From these Sekisho itself asks whether Apache runs with this list.\nRequire not ip 127.83.0.3 127.83.1.2\nRequire not ip 198.51.100.2\n`,
    );
  });

  test("when Apache's own configuration is broken, the last good list is back and the error says whose fault it is", async () => {
    writeFileSync(broken, "NoSuchDirective on\n");
    const error = await failure(make().reconcile(blocks(OLD, NEW), false, signal));
    expect(error.code).toBe("APACHE_CONFIGTEST_FAILED");
    expect(error.message).toContain(
      "Apache's configuration is broken, with Sekisho's last good list as well",
    );
    expect(error.message).toContain("NoSuchDirective");
    expect(listedIn(file)).toEqual(new Set(["198.51.100.1/32"]));
    await failure(make().reconcile(blocks(NEW), false, signal));
    expect(listedIn(file), "whoever is let in is not put back").toEqual(new Set());
    rmSync(broken);
    expect(await make().reconcile(blocks(NEW), true, signal)).toMatchObject({ pending: true });
  });

  test("when Apache refuses the list itself, the last good list is back and the error says so", async () => {
    // The list in a place where it may not be: `Require not` outside RequireAll.
    const wrong = join(apache.root, "sekisho", "misplaced.conf");
    writeFileSync(broken, `<Location "/">\nIncludeOptional ${wrong}\n</Location>\n`);
    const error = await failure(make({ file: wrong }).reconcile(blocks(NEW), false, signal));
    expect(error.code).toBe("APACHE_CONFIGTEST_FAILED");
    expect(error.message).toContain("Apache refused the new list");
    expect(error.message).toContain("negative Require directive");
    expect(error.hint).toContain("RequireAll");
    expect(listedIn(wrong)).toEqual(new Set());
  });

  test("a reload that fails is an error, and is still due after a restart", async () => {
    const trouble = control('[ "$1" = configtest ] || { printf "no\\033[31m pid file\\n" >&2; exit 1; }');
    const failing = make({ control: trouble });
    await failing.reconcile(blocks(NEW), false, signal);
    const error = await failure(failing.apply(signal));
    expect(error).toMatchObject({
      code: "APACHE_RELOAD_FAILED",
      message: "Apache did not reload: no [31m pid file",
    });
    const next = make();
    expect(await next.reconcile(blocks(NEW), true, signal)).toMatchObject({ pending: true, drift: 0 });
    await next.apply(signal);
    await expect.poll(statuses).toEqual([200, 403]);
  });

  test("a configuration that broke since is not reloaded", async () => {
    const enforcer = make();
    await enforcer.reconcile(blocks(NEW), false, signal);
    const before = apache.reloads();
    writeFileSync(broken, "NoSuchDirective on\n");
    expect(await failure(enforcer.apply(signal))).toMatchObject({ code: "APACHE_CONFIGTEST_FAILED" });
    expect(apache.reloads()).toBe(before);
    expect(await status(OLD)).toBe(403);
  });

  test("endless output of the control program is cut", async () => {
    const noisy = control("yes configuration | head -c 10000000; exit 1");
    const error = await failure(make({ control: noisy }).reconcile(blocks(NEW), false, signal));
    expect(error.message.length).toBeLessThan(2_200);
  });

  test("stopping Sekisho ends a configtest that hangs, with all that it started", async () => {
    const pidFile = join(apache.root, "hanging");
    const stop = new AbortController();
    const hanging = make({ control: control(`sleep 600 & echo $! > ${pidFile}; wait`) });
    const result = hanging.reconcile(blocks(NEW), false, stop.signal).catch((error: unknown) => error);
    await expect.poll(() => existsSync(pidFile) && readFileSync(pidFile, "utf8")).toMatch(/\d/);
    stop.abort();
    expect(await result).toMatchObject({ name: "AbortError" });
    const sleeping = `/proc/${readFileSync(pidFile, "utf8").trim()}/cmdline`;
    await expect.poll(() => existsSync(sleeping) && readFileSync(sleeping, "utf8")).toBeFalsy();
  });

  test("a file that Sekisho did not make is neither read as ours nor overwritten", async () => {
    writeFileSync(file, "Require ip 203.0.113.0/24\n");
    expect(await failure(make().reconcile(blocks(NEW), true, signal))).toMatchObject({
      code: "INCLUDE_UNWRITABLE",
    });
    expect(readFileSync(file, "utf8")).toBe("Require ip 203.0.113.0/24\n");
  });

  test("without root nobody is told to open root's list, but what has root take it over", () => {
    const module = join(import.meta.dirname, "../../../src/enforce/apache/include-file.ts");
    const hint = (path: string): unknown =>
      asNobody(module, "IncludeFile", `return new IncludeFile("${path}").probe().catch(({ hint }) => hint)`);
    expect(hint("/var/lib/sekisho-apache/blocklist.conf")).toMatch(
      /^this list is root's: write control: \/opt/,
    );
    expect(hint("/var/lib/other/blocklist.conf")).toMatch(/^let the user that runs Sekisho write there/);
  });

  test("a list that was removed by hand is lifted from Apache by the next reload", async () => {
    rmSync(file);
    await make().apply(signal);
    await expect.poll(() => status(OLD)).toBe(200);
  });

  // What kill -9, or somebody else, leaves (beside what test/e2e/killed-applying.test.ts has). Each time: OLD is in force, NEW alone is wanted.
  const leave = (path: string, lines: string): void =>
    writeFileSync(
      path,
      `# Generated by Sekisho; changes are overwritten.\n# 2026-11-20T11:59:00.000Z, 1 targets\n${lines}`,
    );
  test.for([
    [
      "half of the new file is written beside the old one",
      (): void => leave(join(apache.root, "sekisho/.blocklist.conf.new"), "Requi"),
    ],
    ["another new file is in place, not tested", (): void => leave(file, "Require not ip 203.0.113.77\n")],
    ["a new file is in place that Apache refuses", (): void => leave(file, "Require not ip nonsense\n")],
    [
      "the generations are gone",
      (): void => {
        rmSync(`${file}.tested`);
        rmSync(`${file}.applied`);
      },
    ],
    ["everything is gone", (): void => rmSync(join(apache.root, "sekisho"), { recursive: true })],
  ] as const)("after a crash when %s, the next start heals", async ([, crash]) => {
    await crash();
    const enforcer = make();
    const enforced = await enforcer.reconcile(blocks(NEW), true, signal);
    expect(enforced).toMatchObject({ pending: true, waiting: new Set(["198.51.100.2/32"]), drift: 0 });
    expect(readFileSync(file, "utf8")).toContain(`\nRequire not ip ${NEW}\n`);
    expect(readdirSync(dirname(file)).filter((name) => name.endsWith(".new"))).toEqual([]);
    const before = apache.reloads();
    expect(await enforcer.apply(signal)).toMatchObject({
      pending: false,
      inForce: new Set(["198.51.100.2/32"]),
    });
    expect(apache.reloads()).toBe(before + 1);
    await expect.poll(statuses).toEqual([200, 403]);
  });

  test("half of a file that nobody wants any more is taken away by the next full look", async () => {
    leave(join(dirname(file), ".blocklist.conf.new"), "Requi");
    await make().reconcile(blocks(OLD), true, signal);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("after a crash with an untested list in place and a broken Apache, the last tested list comes back", async () => {
    leave(file, "Require not ip nonsense\n");
    writeFileSync(broken, "NoSuchDirective on\n");
    await failure(make().reconcile(blocks(OLD, NEW), true, signal));
    expect(listedIn(file)).toEqual(new Set(["198.51.100.1/32"]));
  });

  test("a list that somebody changed, and perhaps reloaded, is put right with a reload", async () => {
    const enforcer = make();
    await enforcer.reconcile(blocks(OLD), true, signal);
    writeFileSync(file, readFileSync(file, "utf8").replace(OLD, NEW));
    execFileSync(apache.control, ["graceful"], { stdio: "ignore" });
    await expect.poll(statuses).toEqual([200, 403]);
    expect(await enforcer.reconcile(blocks(OLD), true, signal)).toMatchObject({ pending: true, drift: 2 });
    await enforcer.apply(signal);
    await expect.poll(statuses).toEqual([403, 200]);
  });

  test("the folder is made when it is missing, and a control program that is missing has its code", async () => {
    rmSync(join(apache.root, "sekisho"), { recursive: true });
    mkdirSync(join(apache.root, "sekisho"));
    const error = await failure(make({ control: "no-such-apache2ctl" }).reconcile(blocks(NEW), true, signal));
    expect(error.code).toBe("APACHE_CONTROL_MISSING");
  });
});

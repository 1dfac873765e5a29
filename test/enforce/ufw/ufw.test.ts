import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../../../src/enforce/program.ts";
import { UfwTurn } from "../../../src/enforce/ufw/turn.ts";
import { newUfw, type Ufw } from "../../../src/enforce/ufw/ufw.ts";
import type { SekishoError } from "../../../src/model/errors.ts";
import { type UnixMs, unixMs } from "../../../src/model/time.ts";
import { type Apache, startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";
import { TcpClient } from "../../tcp-client.ts";
import { startUfw, type Ufw as UfwProgram } from "../../ufw.ts";
import { block } from "../blocks.ts";
import { failure } from "../failure.ts";

const { signal } = new AbortController();
const clock = { now: (): UnixMs => unixMs(Date.now()) };
const ECHO = 2222;
const A = "198.51.100.7";
const B = "2001:db8:1:2::7";

describe.skipIf(missing("root", "apache2", "netns", "ufw", "nft"))("ufw", () => {
  let apache: Apache;
  let client: TcpClient;
  let ufw: UfwProgram;
  const enforcer = (more: { limit?: number; without?: "nft" | "ufw"; patienceMs?: number } = {}): Ufw => {
    const { limit = 3, without, patienceMs = 60_000 } = more;
    const programs = { ...ufw.programs, ...(without === undefined ? {} : { [without]: "/nowhere/program" }) };
    return newUfw({ ports: [80, 443], limit, rest: 0 }, clock, { ...ufw, programs, patienceMs });
  };
  const file = (path: string): string => `/proc/${ufw.process}/root${path}`;
  /** Our rules, as `ufw status` shows them. */
  const listed = (): string[] =>
    ufw
      .shell("ufw status")
      .split("\n")
      .filter((line) => line.includes("# sekisho"))
      .map((line) => line.replaceAll(/ +/g, " ").trim());

  beforeAll(async () => {
    apache = await startApache();
    [ufw, client] = await Promise.all([startUfw(apache), TcpClient.beside(apache, ECHO)]);
    ufw.shell(`ufw allow ${ECHO}/tcp`);
  });
  afterEach(async () => {
    await enforcer().reconcile([], true, signal);
    for (const from of [A, B]) await client.close(from);
  });
  afterAll(() => apache[Symbol.asyncDispose]());

  test("shows whom it denies and until when, and denies the web server's ports only", async () => {
    const until = unixMs(Date.UTC(2099, 0, 1));
    await enforcer().reconcile([block(A, until), block(B)], false, signal);
    expect(listed()).toEqual([
      `80,443/tcp DENY ${A} # sekisho until 2099-01-01T00:00:00Z`,
      "80,443/tcp DENY 2001:db8:1:2::/64 # sekisho permanent",
    ]);
    for (const from of [A, B]) {
      expect(await client.connects(from, 80)).toBe(false);
      expect(await client.connects(from, ECHO)).toBe(true);
    }
    expect(ufw.shell("nft list tables")).not.toContain("sekisho");
  });

  test("a connection that is open stays open, as ufw lets it", async () => {
    expect(await client.open(A, ECHO)).toBe(true);
    const all = newUfw({ ports: [80, ECHO], limit: 3, rest: 0 }, clock, ufw);
    await all.reconcile([block(A)], false, signal);
    await client.send(A, "still there");
    await expect.poll(async () => (await client.look(A)).heard).toBe("still there");
  });

  test("a ban that lasts longer changes its rule's comment", async () => {
    const ours = enforcer();
    const until = unixMs(Date.UTC(2099, 0, 1));
    await ours.reconcile([block(A, until)], false, signal);
    expect(await ours.reconcile([block(A)], false, signal)).toMatchObject({ drift: 0 });
    expect(listed()).toEqual([`80,443/tcp DENY ${A} # sekisho permanent`]);
  });

  describe("above its limit", () => {
    const many = Array.from({ length: 150 }, (_, n) => block(`203.0.113.${n}`, unixMs(Date.UTC(2099, 0, 1))));

    test("a set has what its list has no room for, through reloads, and ufw itself loads it at a start", async () => {
      const ended = block("198.51.100.99", unixMs(clock.now() + 60_000));
      const enforced = await enforcer().reconcile([...many, block(B), ended], false, signal);
      expect(enforced.inForce.size).toBe(152);
      expect(enforced.unenforced).toEqual([]);
      expect(listed()).toHaveLength(3);
      const tried = [B, "203.0.113.0", "203.0.113.77", "203.0.113.149"];
      const refused = async () => {
        const refusals: string[] = [];
        for (const from of [...tried, A]) if (!(await client.connects(from))) refusals.push(from);
        return refusals;
      };
      expect(await refused()).toEqual(tried);
      ufw.shell("ufw reload");
      expect(await refused()).toEqual(tried);
      // As after a boot, when no Sekisho runs yet, and a ban has ended meanwhile.
      const list = file("/etc/ufw/sekisho.list");
      writeFileSync(list, readFileSync(list, "utf8").replace(/^\d+(?= .*198\.51\.100\.99)/m, "1"));
      ufw.shell("ufw --force disable");
      expect(await refused()).toEqual([]);
      expect(ufw.shell("nft list tables")).not.toContain("sekisho");
      ufw.shell("ufw --force enable");
      expect(await refused()).toEqual(tried);
      expect(ufw.shell("nft list table inet sekisho_ufw")).not.toContain("198.51.100.99");
    });

    test("a list that ufw could not load takes no other's place, and is told of", async () => {
      const list = file("/etc/ufw/sekisho.list");
      await enforcer().reconcile(many, false, signal);
      const before = readFileSync(list, "utf8");
      // One for which time-outs are an error, in lists only: the set itself it takes.
      const nft = join(apache.root, "fastidious-nft");
      const isList = "grep -q '^add element inet sekisho_ufw .* timeout'";
      writeFileSync(
        nft,
        `#!/bin/sh\n[ "$1" = --check ] || exec ${ufw.programs.nft} "$@"\ntext=$(cat)\nif echo "$text" | ${isList}; then echo no time-outs here >&2; exit 1; fi\necho "$text" | ${ufw.programs.nft} "$@"\n`,
        { mode: 0o755 },
      );
      const other = newUfw({ ports: [80, 443], limit: 3, rest: 0 }, clock, {
        ...ufw,
        programs: { ...ufw.programs, nft },
      });
      const late = block("198.51.100.9", unixMs(Date.UTC(2099, 0, 1)));
      expect(await failure(other.reconcile([...many, late], true, signal))).toMatchObject({
        code: "UFW_FAILED",
        message: expect.stringMatching(
          /could not load .*sekisho\.list, so it stays as it was: no time-outs here/,
        ),
      });
      expect(readFileSync(list, "utf8")).toBe(before);
      // Who was to be blocked is, and after ufw's next start those of before are.
      expect(await client.connects("198.51.100.9")).toBe(false);
      ufw.shell("ufw reload");
      expect(await client.connects("203.0.113.77")).toBe(false);
    });

    test("without nft the rest is not enforced, and said to be", async () => {
      const enforced = await enforcer({ limit: 2, without: "nft" }).reconcile(many.slice(0, 4), true, signal);
      expect(enforced.inForce).toEqual(new Set(["203.0.113.0/32", "203.0.113.1/32"]));
      expect(enforced.unenforced).toEqual(["203.0.113.2/32", "203.0.113.3/32"]);
    });
  });

  describe("rules of others", () => {
    test("one that is the same as ours would be is enough, and stays", async () => {
      ufw.shell(`ufw prepend deny proto tcp from ${A} to any port 80,443 comment 'my own'`);
      const ours = enforcer();
      expect((await ours.reconcile([block(A)], false, signal)).inForce.size).toBe(1);
      await ours.reconcile([], false, signal);
      expect(ufw.shell("ufw status")).toContain("# my own");
      expect(await client.connects(A)).toBe(false);
      ufw.shell(`ufw delete deny proto tcp from ${A} to any port 80,443`);
    });

    test("one before ours that lets everybody in takes its effect, so ours comes to the front again", async () => {
      const ours = enforcer();
      await ours.reconcile([block(A)], false, signal);
      ufw.shell("ufw prepend allow 443/tcp && ufw delete allow 80/tcp && ufw prepend allow 80/tcp");
      expect(await client.connects(A)).toBe(true);
      expect((await ours.reconcile([block(A)], true, signal)).drift).toBe(1);
      expect(await client.connects(A)).toBe(false);
      ufw.shell("ufw delete allow 443/tcp");
    });

    test("a rule of ours that is gone from the kernel only comes back", async () => {
      const ours = enforcer();
      await ours.reconcile([block(A), block("198.51.100.8")], false, signal);
      ufw.shell(`iptables -D ufw-user-input -s ${A} -p tcp -m multiport --dports 80,443 -j DROP`);
      expect(await client.connects(A)).toBe(true);
      expect((await ours.reconcile([block(A), block("198.51.100.8")], true, signal)).drift).toBe(1);
      expect(await client.connects(A)).toBe(false);
    });

    test("commands that the administrator gives meanwhile are not lost, nor are ours", async () => {
      const bans = Array.from({ length: 6 }, (_, n) => block(`203.0.113.${n}`));
      const theirs = [8081, 8082, 8083];
      const working = enforcer({ limit: 6 }).reconcile(bans, false, signal);
      for (const port of theirs) {
        // Of another parent than Sekisho's own ufw.
        const command = spawn("sh", ["-c", `${ufw.programs.ufw} allow ${port}/tcp; :`], { stdio: "ignore" });
        await once(command, "exit");
      }
      // Theirs may undo one of ours, which read the rules before; that one is said, and made again.
      await working.catch((error: SekishoError) => expect(error.code).toMatch(/^UFW_(FAILED|BUSY)$/));
      await enforcer({ limit: 6 }).reconcile(bans, true, signal);
      const status = ufw.shell("ufw status");
      for (const port of theirs) expect(status).toContain(`${port}/tcp`);
      expect(listed()).toHaveLength(6);
      ufw.shell(theirs.map((port) => `ufw delete allow ${port}/tcp`).join(" && "));
    });
  });

  describe("in the way of it", () => {
    test("ufw that is off: said, and not turned on", async () => {
      ufw.shell("ufw --force disable");
      const error = await failure(enforcer().probe());
      expect(error.code).toBe("UFW_INACTIVE");
      expect(error.hint).toContain("ufw enable");
      // What an earlier run left is lifted all the same.
      await enforcer().reconcile([block(A)], true, signal);
      await enforcer().reconcile([], true, signal);
      expect(ufw.tuples().filter((line) => line.includes(A))).toEqual([]);
      expect(ufw.shell("ufw status")).toContain("inactive");
      ufw.shell("ufw --force enable");
    });

    test("no ufw: said where bans are wanted, and nothing to lift", async () => {
      const none = enforcer({ without: "ufw" });
      expect(await failure(none.probe())).toMatchObject({ code: "UFW_MISSING" });
      expect(await none.blocked(signal)).toEqual(new Set());
      expect((await none.reconcile([], true, signal)).inForce.size).toBe(0);
    });

    test("a process that holds ufw's lock: waited for, named, and the ban is in force by the set", async () => {
      const script =
        "import fcntl,sys; f=open('/run/ufw.lock','w'); fcntl.lockf(f,fcntl.LOCK_EX); print('held',flush=True); sys.stdin.read()";
      const enter = [`--target=${ufw.process}`, "--mount", "--net"];
      const holder = spawn("nsenter", [...enter, "python3", "-c", script], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      await once(holder.stdout, "data");
      const ours = enforcer({ patienceMs: 100 });
      const error = await failure(ours.reconcile([block(A)], true, signal));
      expect(error.code).toBe("UFW_BUSY");
      expect(error.message).toContain(`process ${holder.pid} `);
      expect(await client.connects(A)).toBe(false);
      await expect(ours.probe()).resolves.toBeUndefined();
      const patient = enforcer().reconcile([block(A)], true, signal);
      holder.stdin.end();
      expect((await patient).inForce.size).toBe(1);
      expect(await client.connects(A)).toBe(false);
    });

    test("whoever waits for the lock before ours comes first, and nobody is held up", async () => {
      const script =
        "import fcntl; f=open('/run/ufw.lock','w'); fcntl.lockf(f,fcntl.LOCK_EX); print('had it',flush=True)";
      const enter = [`--target=${ufw.process}`, "--mount", "--net"];
      const theirs: string[] = [];
      let ended: Promise<unknown> | null = null;
      let tries = 0;
      const turn = new UfwTurn(`/proc/${ufw.process}`, 10_000, "same");
      await turn.run(async (ending) => {
        if (++tries === 1) {
          const other = spawn("nsenter", [...enter, "python3", "-c", script], {
            stdio: ["ignore", "pipe", "inherit"],
          });
          other.stdout.on("data", (said: Buffer) => theirs.push(String(said)));
          ended = once(other, "close");
          const waits = new RegExp(`-> POSIX .* ${other.pid} `);
          await expect.poll(() => readFileSync("/proc/locks", "latin1")).toMatch(waits);
        }
        return runProgram(ufw.programs.ufw, ["allow", "8084/tcp"], { signal: ending });
      }, signal);
      await ended;
      expect([theirs.join(""), tries]).toEqual(["had it\n", 2]);
      expect(ufw.shell("ufw status && ufw delete allow 8084/tcp")).toContain("8084/tcp");
    });

    test("rules that ufw did not finish writing: never read as if they were all", async () => {
      const rules = file("/etc/ufw/user.rules");
      const whole = readFileSync(rules, "utf8");
      writeFileSync(rules, whole.slice(0, -10));
      expect(await failure(enforcer({ patienceMs: 100 }).blocked(signal))).toMatchObject({
        code: "UFW_FAILED",
      });
      const waiting = enforcer().blocked(signal);
      writeFileSync(rules, whole);
      expect(await waiting).toEqual(new Set());
    });

    test("an end in mid-command: what ufw has begun it finishes, and the rest is not begun", async () => {
      const ending = new AbortController();
      const bans = Array.from({ length: 6 }, (_, n) => block(`203.0.113.${n}`));
      const stored = ufw.tuples().length;
      const work = enforcer({ limit: 6 }).reconcile(bans, false, ending.signal);
      const ended = expect(work).rejects.toThrow();
      await expect.poll(() => ufw.tuples().length).toBeGreaterThan(stored);
      ending.abort();
      await ended;
      expect(readFileSync(file("/etc/ufw/user.rules"), "utf8")).toMatch(/COMMIT\s*$/);
      expect(listed()).toHaveLength(ufw.tuples().length - stored);
      expect(listed().length).toBeLessThan(6);
    });
  });

  describe("the lines in before.init", () => {
    const path = "/etc/ufw/before.init";
    const over = [block(A), block(B)];
    const load = () => ufw.shell("/lib/ufw/ufw-init stop && /lib/ufw/ufw-init start");

    test("are gone without a trace when nothing is banned", async () => {
      const before = readFileSync(file(path), "utf8");
      const { mode } = statSync(file(path));
      const ours = enforcer({ limit: 1 });
      await ours.reconcile(over, false, signal);
      expect(readFileSync(file(path), "utf8")).not.toBe(before);
      await ours.reconcile([], false, signal);
      expect(readFileSync(file(path), "utf8")).toBe(before);
      expect(statSync(file(path)).mode).toBe(mode);
      expect(ufw.shell("ls /etc/ufw")).not.toContain("sekisho");
    });

    test("leave an administrator's own script as it works: one that runs, and one that was put to sleep", async () => {
      for (const [mode, ran] of [
        ["755", "start\n"],
        ["644", ""],
      ]) {
        writeFileSync(file(path), '#!/bin/sh -eu\n[ "$1" != start ] || echo "$1" > /run/ran\n');
        ufw.shell(`chmod ${mode} ${path}; : > /run/ran`);
        const ours = enforcer({ limit: 1 });
        await ours.reconcile(over, false, signal);
        load();
        expect(readFileSync(file("/run/ran"), "utf8")).toBe(ran);
        expect(ufw.shell("nft list table inet sekisho_ufw")).toContain("elements");
        await ours.reconcile([], false, signal);
        expect(readFileSync(file(path), "utf8")).not.toContain("sekisho");
        expect((statSync(file(path)).mode & 0o777).toString(8)).toBe(mode);
      }
    });

    test("never keep ufw from starting, whatever is missing or wrong", async () => {
      await enforcer({ limit: 1 }).reconcile(over, false, signal);
      const list = "/etc/ufw/sekisho.list";
      for (const harm of [
        `echo '- add element inet sekisho_ufw no_set { host.invalid }; nonsense' > ${list}`,
        `rm ${list}`,
      ]) {
        ufw.shell(`${harm}; :`);
        load();
        expect(ufw.shell("ufw status")).toContain("Status: active");
        expect(await client.connects("198.51.100.20")).toBe(true);
      }
    });

    test("are not put into what is no shell script", async () => {
      const foreign = "#!/usr/bin/python3\n";
      writeFileSync(file(path), foreign);
      await enforcer({ limit: 1 }).reconcile(over, false, signal);
      expect(readFileSync(file(path), "utf8")).toBe(foreign);
      expect(await client.connects(B)).toBe(false);
    });
  });
});

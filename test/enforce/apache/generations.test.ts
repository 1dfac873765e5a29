import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ApacheDirectory } from "../../../src/enforce/apache/directory.ts";
import { ApacheInclude, type ApacheIncludeOptions } from "../../../src/enforce/apache/include.ts";
import { IncludeFile } from "../../../src/enforce/apache/include-file.ts";
import { withinHold } from "../../../src/enforce/apache/include-generations.ts";
import { ApacheRequests } from "../../../src/enforce/apache/requests.ts";
import { apacheSnippet } from "../../../src/enforce/apache/snippet.ts";
import type { Block } from "../../../src/model/decision.ts";
import type { Door } from "../../../src/model/door.ts";
import type { Ip } from "../../../src/model/ip.ts";
import { type UnixMs, unixMs } from "../../../src/model/time.ts";
import { type Apache, SERVER_IPV4, startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";
import { blocks, target } from "../blocks.ts";
import { failure } from "../failure.ts";

const { signal } = new AbortController();
const [A, B, C] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"] as const;
const DOOR: Door = { address: SERVER_IPV4 as Ip, port: 80, tls: false, name: null, path: "/robots.txt" };

describe("what a held generation leaves of what is wanted", () => {
  const allowed = (want: Block[], ...held: string[]) => {
    const kept = withinHold(want, { targets: held.map(target) });
    return [kept.allowed.map((block) => block.target), kept.heldBack];
  };

  test("who was blocked in it and still is to be, and nobody else", () => {
    expect(allowed(blocks(A, B), `${B}/32`, `${C}/32`)).toEqual([[`${B}/32`], [`${A}/32`]]);
    expect(allowed(blocks(A))).toEqual([[], [`${A}/32`]]);
    expect(allowed([], `${A}/32`)).toEqual([[], []]);
  });

  test("an address within a range that was blocked stays blocked", () => {
    expect(allowed(blocks(A, "203.0.113.9"), "198.51.100.0/24")).toEqual([[`${A}/32`], ["203.0.113.9/32"]]);
  });

  test("of a range that took the place of addresses, those addresses, with the range's end", () => {
    const range: Block = { target: target("198.51.100.0/24"), until: unixMs(5) };
    const kept = withinHold([range, ...blocks(B)], { targets: [`${A}/32`, `${B}/32`].map(target) });
    expect(kept.allowed).toEqual([...blocks(B), { target: `${A}/32`, until: 5 }]);
    expect(kept.heldBack).toEqual(["198.51.100.0/24"]);
  });
});

describe.skipIf(missing("root", "apache2", "netns"))("generations, and requests as proof", () => {
  let apache: Apache;
  let file: string;
  let snippet: string;
  beforeAll(async () => {
    apache = await startApache({ config: (root) => `IncludeOptional ${root}/snippet.conf\n` });
    file = join(apache.root, "sekisho", "blocklist.conf");
    snippet = join(apache.root, "snippet.conf");
  });
  afterAll(() => apache[Symbol.asyncDispose]());
  beforeEach(async () => {
    rmSync(join(apache.root, "sekisho"), { recursive: true, force: true });
    rmSync(join(apache.root, "banned"), { recursive: true, force: true });
    // What Apache runs with is replaced by the first list of the test.
    if (existsSync(snippet)) return;
    writeFileSync(
      snippet,
      apacheSnippet({
        directory: join(apache.root, "banned"),
        includeFile: file,
        ...{ logFormat: "%a", tlsLogFormat: "%a", openingMessage: "m" },
      }),
    );
    apache.inNamespace(apache.control, ["graceful"], { stdio: "ignore" });
    await expect.poll(statuses).toEqual([200, 200, 200]);
  });

  /** Asks from within the namespace, where this process is not. */
  const requests = (doors: readonly Door[] = [DOOR]) =>
    new ApacheRequests(
      () => doors,
      (door, from) =>
        apache.request({ from, path: door.path, method: "HEAD" }).then(
          ({ status }) => status,
          () => null,
        ),
    );
  const make = (more: Partial<ApacheIncludeOptions> = {}): ApacheInclude =>
    new ApacheInclude({
      ...{ file, control: apache.control, schedule: "17 * * * *", limit: 1_000, requests: requests() },
      clock: { now: (): UnixMs => unixMs(Date.UTC(2026, 10, 20, 12)) },
      ...more,
    });
  /** A program in the place of apache2ctl; `$@` goes to the true one as it says. */
  const control = (script: string): string => {
    const path = join(apache.root, "trouble");
    writeFileSync(path, `#!/bin/sh\nlist=${file}\ntrue=${apache.control}\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const status = async (from: string): Promise<number> =>
    apache.request({ from, path: "/" }).then(
      (answer) => answer.status,
      () => 0,
    );
  const statuses = async () => [await status(A), await status(B), await status(C)];
  const bring = async (enforcer: ApacheInclude, ...targets: string[]) => {
    await enforcer.reconcile(blocks(...targets), true, signal);
    return enforcer.apply(signal);
  };
  const listed = async (enforcer: ApacheInclude) =>
    (await enforcer.generations.list()).items.map(({ number, state, targets, added, removed }) => [
      ...[number, state, targets, added, removed],
    ]);

  test("lists that came into force are kept by number, with what changed; what never did is not", async () => {
    const enforcer = make();
    await bring(enforcer, A);
    await enforcer.reconcile(blocks(A, B, C), false, signal);
    await bring(enforcer, B, C);
    await enforcer.reconcile(blocks(C), false, signal);
    expect(await listed(enforcer)).toEqual([
      [4, "waiting", 1, 0, 1],
      [3, "in-force", 2, 2, 1],
      [1, "former", 1, 1, 0],
    ]);
    expect(await enforcer.generations.changes(3)).toMatchObject({
      at: "2026-11-20T12:00:00.000Z",
      addedTargets: [`${B}/32`, `${C}/32`],
      removedTargets: [`${A}/32`],
    });
    expect(await failure(enforcer.generations.changes(2))).toMatchObject({ code: "NOT_FOUND" });
  });

  test("only the newest are kept, where nobody but Sekisho and root may look", async () => {
    const folder = `${file}.generations`;
    const enforcer = make({ generations: 2 });
    for (const each of [A, B, C]) await bring(enforcer, each);
    expect(readdirSync(folder).toSorted()).toEqual(["2", "3"]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o007).toBe(0);
  });

  test("a person who goes back stays there: new bans are held back, whoever was let in stays in, until it goes on", async () => {
    const enforcer = make();
    await bring(enforcer, A, B);
    await bring(enforcer, B, C);
    await enforcer.generations.hold(1);
    // Whatever is asked for since, by a daemon that was started anew, too.
    for (const again of [enforcer, make()]) {
      expect(await bring(again, B, C)).toMatchObject({
        inForce: new Set([`${B}/32`]),
        unenforced: [`${C}/32`],
        pending: false,
      });
      await expect.poll(statuses).toEqual([200, 403, 200]);
      expect(again.note()).toBe("held to generation 1");
      expect(again.complaint()).toMatchObject({
        code: "APACHE_HELD",
        message: expect.stringContaining(
          `held to generation 1 since 2026-11-20T12:00:00.000Z; held back: ${C}/32`,
        ),
      });
      expect((await again.generations.list()).held).toMatchObject({
        generation: 1,
        cause: null,
        heldBack: 1,
      });
    }
    await enforcer.reconcile(blocks(B), true, signal);
    expect(enforcer.complaint(), "nobody is held back").toBeNull();
    await enforcer.generations.hold(null);
    await bring(enforcer, B, C);
    await expect.poll(statuses).toEqual([200, 403, 403]);
    expect([enforcer.note(), enforcer.complaint()]).toEqual([null, null]);
    expect(await failure(enforcer.generations.hold(null))).toMatchObject({ code: "NOT_FOUND" });
  });

  test("a held generation stays although newer ones push it out, and everything can still be lifted", async () => {
    const enforcer = make({ generations: 1 });
    await bring(enforcer, A, B, C);
    await enforcer.generations.hold(1);
    await bring(enforcer, A, B);
    await bring(enforcer, A);
    expect(readdirSync(`${file}.generations`)).toContain("1");
    await bring(enforcer);
    await expect.poll(statuses).toEqual([200, 200, 200]);
  });

  test("a list that refuses whoever asks is put back, too", async () => {
    await bring(make(), A);
    const enforcer = make({ servesWithinMs: 4_000 });
    expect(await failure(bring(enforcer, A, "127.0.0.0/8"))).toMatchObject({
      code: "APACHE_HELD",
      message: expect.stringContaining("held back: 127.0.0.0/8"),
    });
    expect((await enforcer.generations.list()).held).toMatchObject({
      cause: "Apache did not serve with generation 2",
    });
    await expect.poll(() => status("127.0.0.77")).toBe(200);
    await expect.poll(statuses).toEqual([403, 200, 200]);
  });

  test("a reload that only says that it happened is an error, and is still due", async () => {
    await bring(make(), A);
    const enforcer = make({
      control: control('[ "$1" = graceful ] || exec "$true" "$@"'),
      servesWithinMs: 500,
    });
    expect(await failure(bring(enforcer, A, B))).toMatchObject({
      code: "APACHE_RELOAD_FAILED",
      message: expect.stringContaining("it still runs with generation 1"),
    });
    expect(await enforcer.reconcile(blocks(A, B), true, signal)).toMatchObject({ pending: true });
    expect(await bring(make(), A, B)).toMatchObject({ pending: false });
    await expect.poll(statuses).toEqual([403, 403, 200]);
  });

  // What kill -9 leaves between the steps of putting a list back. Generation 2 is the one that Apache runs with and does not like.
  test.for([
    ["the hold is written", { isHeld: true, isBack: false }],
    ["the hold is written and the list of before is in place", { isHeld: true, isBack: true }],
    ["the disk had no room for the hold", { isHeld: false, isBack: true }],
  ] as const)("after a crash when %s, the next start knows what to do", async ([, { isHeld, isBack }]) => {
    const enforcer = make();
    await bring(enforcer, A);
    await enforcer.reconcile(blocks(A, C), false, signal);
    await new IncludeFile(file).doubt();
    execFileSync(apache.control, ["graceful"], { stdio: "ignore" });
    await expect.poll(statuses).toEqual([403, 200, 403]);
    if (isHeld) await enforcer.generations.hold(1);
    if (isBack) await enforcer.reconcile(blocks(A), false, signal);
    const again = make();
    const enforced = await again.reconcile(blocks(A, C), true, signal);
    expect(enforced).toMatchObject({ pending: true, unenforced: isHeld ? [`${C}/32`] : [] });
    await again.apply(signal);
    await expect.poll(statuses).toEqual([403, 200, isHeld ? 200 : 403]);
  });

  test("a folder of generations that was removed is begun anew with what is in force", async () => {
    await bring(make(), A);
    rmSync(`${file}.generations`, { recursive: true });
    const enforcer = make();
    await bring(enforcer, A);
    expect(await listed(enforcer)).toEqual([[1, "in-force", 1, 1, 0]]);
    writeFileSync(`${file}.held`, "nonsense");
    expect(await failure(enforcer.reconcile(blocks(A), true, signal))).toMatchObject({
      code: "INCLUDE_UNWRITABLE",
      message: expect.stringContaining(".held"),
    });
  });

  test("a full disk keeps no list from coming into force; its generation is kept when there is room, and no hold is half written", async () => {
    const folder = join(apache.root, "sekisho");
    mkdirSync(folder);
    // Room for the list, the two beside it, and the next one while it is written.
    execFileSync("mount", ["-t", "tmpfs", "-o", "nr_inodes=5,mode=755", "sekisho-test", folder]);
    try {
      const enforcer = make();
      expect(await bring(enforcer, A)).toMatchObject({ pending: false, inForce: new Set([`${A}/32`]) });
      expect(await listed(enforcer)).toEqual([]);
      execFileSync("mount", ["-o", "remount,nr_inodes=6", folder]);
      await enforcer.reconcile(blocks(A), true, signal);
      expect(await listed(enforcer)).toEqual([[1, "in-force", 1, 1, 0]]);
      expect(await failure(enforcer.generations.hold(1))).toMatchObject({ code: "INCLUDE_UNWRITABLE" });
      expect((await enforcer.generations.list()).held).toBeNull();
    } finally {
      execFileSync("umount", ["--lazy", folder]);
    }
  });

  test("a list of an earlier version of Sekisho is taken over, and numbered with its next change", async () => {
    const old = "# Generated by Sekisho; changes are overwritten.\n# 2026-11-20T11:00:00.000Z, 1 targets\n";
    mkdirSync(join(apache.root, "sekisho"));
    for (const each of ["", ".tested", ".applied"])
      writeFileSync(`${file}${each}`, `${old}Require not ip ${A}\n`);
    const enforcer = make();
    expect(await enforcer.reconcile(blocks(A), true, signal)).toMatchObject({ pending: false, drift: 0 });
    expect(readFileSync(file, "utf8")).toContain(old);
    expect(await enforcer.prove(signal)).toBeNull();
    await bring(enforcer, B);
    expect(await listed(enforcer)).toEqual([[1, "in-force", 1, 1, 0]]);
  });

  test("a request shows that Apache runs with the list; where it does not look at it, that is an error with a hint", async () => {
    const enforcer = make();
    expect(await enforcer.prove(signal), "an empty list refuses nobody").toBeNull();
    await bring(enforcer, A);
    expect(await enforcer.prove(signal)).toEqual({ kind: "refused" });
    expect((await apache.request({ from: "127.0.0.1", path: "/" })).status, "loopback is not blocked").toBe(
      200,
    );
    rmSync(snippet);
    apache.inNamespace(apache.control, ["graceful"], { stdio: "ignore" });
    await expect.poll(statuses).toEqual([200, 200, 200]);
    expect(await enforcer.prove(signal)).toMatchObject({
      kind: "passed",
      error: { code: "BLOCK_WITHOUT_EFFECT", hint: expect.stringContaining("sekisho apache snippet") },
    });
  });

  test("without an address to ask at, nothing is claimed, and the list works as before", async () => {
    const enforcer = make({ requests: requests([]) });
    await bring(enforcer, A);
    await expect.poll(statuses).toEqual([403, 200, 200]);
    expect(await enforcer.prove(signal)).toMatchObject({ kind: "unknown" });
    const silent = make({ requests: null });
    await bring(silent, B);
    await expect.poll(statuses).toEqual([200, 403, 200]);
    expect(await silent.prove(signal)).toBeNull();
  });

  test("the ban directory is shown to work by a file that is there for one request only", async () => {
    const directory = join(apache.root, "banned");
    const enforcer = new ApacheDirectory({ directory, requests: requests() });
    await enforcer.reconcile(blocks(A), true, signal);
    expect(await enforcer.prove(signal)).toEqual({ kind: "refused" });
    expect(readdirSync(directory)).toEqual([A]);
    // What a kill in the middle leaves is nobody's block, and goes with the next proof.
    writeFileSync(join(directory, "127.83.0.1"), "");
    expect(await enforcer.blocked()).toEqual(new Set([`${A}/32`]));
    expect(await enforcer.reconcile(blocks(A), true, signal)).toMatchObject({ drift: 0 });
    await enforcer.prove(signal);
    expect(readdirSync(directory)).toEqual([A]);
    // Apache's user cannot enter it.
    chmodSync(directory, 0o700);
    expect(await enforcer.prove(signal)).toMatchObject({
      kind: "passed",
      error: { code: "BLOCK_WITHOUT_EFFECT", message: expect.stringContaining(directory) },
    });
    rmSync(directory, { recursive: true });
    expect(await enforcer.prove(signal)).toMatchObject({ kind: "unknown" });
  });

  test("when Apache dies of a new list, the one of before is put back by itself, and the list is held to it", async () => {
    const dying = control(
      `if [ "$1" = graceful ] && grep -q '${C}' "$list"; then
         pid=$(cat ${apache.root}/apache.pid); kill -9 $pid $(cat /proc/$pid/task/$pid/children); rm ${apache.root}/apache.pid; exit 0
       fi
       exec "$true" "$@"`,
    );
    await bring(make(), A);
    const enforcer = make({ control: dying, servesWithinMs: 4_000 });
    const error = await failure(bring(enforcer, A, C));
    expect(error).toMatchObject({
      code: "APACHE_HELD",
      message: expect.stringMatching(
        /^Apache did not serve with generation 2; the list is held to generation 1 since .*; held back: 198\.51\.100\.3\/32$/,
      ),
    });
    expect(error.hint).toContain("sekisho apache resume");
    await expect.poll(statuses).toEqual([403, 200, 200]);
    for (const again of [enforcer, make()]) {
      expect(await bring(again, A, C)).toMatchObject({ pending: false, inForce: new Set([`${A}/32`]) });
      expect(again.complaint()).toMatchObject({ code: "APACHE_HELD" });
    }
  });

  /** One from whom Apache is cut off in the moment of the next reload; `answers` ends that. */
  function cutOff() {
    const mark = `${file}.cut`;
    const asking = new ApacheRequests(
      () => [DOOR],
      async (door, from) =>
        existsSync(mark) ? null : (await apache.request({ from, path: door.path })).status,
    );
    const enforcer = make({
      requests: asking,
      servesWithinMs: 200,
      control: control(`[ "$1" = graceful ] && touch ${mark}; exec "$true" "$@"`),
    });
    return { enforcer, answers: () => rmSync(mark) };
  }

  test("when Apache does not serve with any list, nobody is held back, and that is told until it answers", async () => {
    await bring(make(), A);
    const { enforcer, answers } = cutOff();
    const error = await failure(bring(enforcer, A, B));
    expect(error).toMatchObject({
      code: "APACHE_RELOAD_FAILED",
      message: expect.stringContaining(
        "since the reload with generation 2 of the list, with the one of before",
      ),
    });
    expect(await enforcer.reconcile(blocks(A, B), true, signal)).toMatchObject({
      pending: true,
      unenforced: [],
    });
    expect(enforcer.complaint()).toBe(error);
    answers();
    await enforcer.prove(signal);
    expect(enforcer.complaint()).toBeNull();
  });

  test("what a person holds stays held when Apache does not serve with any list", async () => {
    await bring(make(), A, B);
    const { enforcer, answers } = cutOff();
    await enforcer.generations.hold(1);
    expect(await failure(bring(enforcer, A, C))).toMatchObject({ code: "APACHE_RELOAD_FAILED" });
    answers();
    expect((await enforcer.generations.list()).held).toMatchObject({ generation: 1, cause: null });
    expect(await enforcer.reconcile(blocks(A, C), true, signal)).toMatchObject({ unenforced: [`${C}/32`] });
  });
});

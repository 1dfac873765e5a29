import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { UfwAsRoot, type UfwOrders } from "../../../src/enforce/ufw/as-root.ts";
import { UfwByRoot } from "../../../src/enforce/ufw/by-root.ts";
import { MAX_REQUEST_BYTES } from "../../../src/enforce/ufw/request.ts";
import { newUfw } from "../../../src/enforce/ufw/ufw.ts";
import { parseTarget, TargetSet } from "../../../src/model/ip.ts";
import { type UnixMs, unixMs } from "../../../src/model/time.ts";
import { type Apache, startApache } from "../../apache.ts";
import { missing } from "../../requirements.ts";
import { TcpClient } from "../../tcp-client.ts";
import { startUfw, type Ufw as UfwProgram } from "../../ufw.ts";
import { block } from "../blocks.ts";
import { failure } from "../failure.ts";

const { signal } = new AbortController();
const clock = { now: (): UnixMs => unixMs(Date.now()) };
const NODE = join(import.meta.dirname, "../../../bin/node");
const ID = "0123456789abcdef01234567";
const SOMEBODY = 4242;
const [A, B, C] = ["198.51.100.7", "2001:db8:1:2::7", "198.51.100.8"] as const;

describe.skipIf(missing("root", "apache2", "netns", "ufw", "nft"))("ufw without root", () => {
  let apache: Apache;
  let client: TcpClient;
  let ufw: UfwProgram;
  let requests: string;
  let answers: string;
  let request: string;
  /** Ends what starts root's half. */
  let path: AbortController;
  let orders: Partial<UfwOrders>;

  beforeAll(async () => {
    apache = await startApache();
    [ufw, client] = await Promise.all([startUfw(apache), TcpClient.beside(apache, 2222)]);
  });
  afterAll(() => apache[Symbol.asyncDispose]());
  beforeEach(() => {
    [requests, answers] = [join(apache.root, "requests"), join(apache.root, "answers")];
    for (const folder of [requests, answers]) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
    }
    request = join(requests, "request");
    path = new AbortController();
    orders = {};
  });
  afterEach(async () => {
    path.abort();
    await direct().reconcile([], true, signal);
  });

  const direct = (programs = ufw.programs) =>
    newUfw({ ports: [80, 443], limit: 1, rest: 0 }, clock, { ...ufw, programs });
  const byRoot = (patienceMs = 60_000) => new UfwByRoot({ requests, answers, clock, patienceMs });
  const rootsHalf = () =>
    new UfwAsRoot({
      ...{ requests, answers, clock, users: [0, SOMEBODY] },
      orders: async () => ({ ufw: direct(), mayBlock: true, isProtected: () => false, ...orders }),
    });
  /** As sekisho-ufw.path does: starts root's half whenever there is a request, until `path` ends. */
  async function watch(): Promise<void> {
    for (; !path.signal.aborted; await sleep(20)) if (existsSync(request)) await rootsHalf().run(signal);
  }
  /** What becomes of something that stands in the place of a request. */
  async function passedOver(): Promise<void> {
    expect(await rootsHalf().run(signal)).toEqual({ answered: 0, passedOver: 1 });
    expect(existsSync(request)).toBe(false);
    expect(readdirSync(answers)).toEqual(["working"]);
  }
  const asked = (want: readonly unknown[]) => JSON.stringify({ id: ID, action: "reconcile", want });
  const answer = () => JSON.parse(readFileSync(join(answers, ID), "utf8"));

  // That it blocks, heals and lifts as any enforcer is the contract's (test/contract/).
  test("what is the same is asked for once, unless somebody is to look; requests do not stay", async () => {
    void watch();
    const ours = byRoot();
    const want = [block(A), block(B)];
    const first = await ours.reconcile(want, false, signal);
    expect(first).toMatchObject({ inForce: new Set(want.map(({ target }) => target)), drift: 0 });
    expect([await client.connects(A), await client.connects(C)]).toEqual([false, true]);
    expect(statSync(join(answers, "working")).uid).toBe(0);
    expect(readdirSync(requests)).toEqual([]);
    path.abort();
    expect(await ours.reconcile(want, false, signal)).toEqual(first);
    const looking = new AbortController();
    const look = ours.reconcile(want, true, looking.signal);
    const ended = expect(look).rejects.toThrow();
    await expect.poll(() => existsSync(request)).toBe(true);
    looking.abort();
    await ended;
  });

  test("names what cannot be carried, and what root spares whoever asks", async () => {
    const spared = new TargetSet([parseTarget(C)!]);
    orders = { isProtected: (target) => spared.overlapping(target) !== null };
    void watch();
    const all = ["0.0.0.0/0", "::/0", C, "198.51.100.0/24", A];
    const enforced = await byRoot().reconcile(
      all.map((each) => block(each)),
      false,
      signal,
    );
    expect(enforced.unenforced).toEqual(["0.0.0.0/0", "::/0", `${C}/32`, "198.51.100.0/24"]);
    expect(enforced.inForce).toEqual(new Set([`${A}/32`]));
    expect(await client.connects(C)).toBe(true);
  });

  test("an end that came meanwhile is no difference", async () => {
    void watch();
    let ahead = 0;
    const ours = new UfwByRoot({ requests, answers, clock: { now: () => unixMs(clock.now() + ahead) } });
    await ours.reconcile([block(A), block(B, unixMs(clock.now() + 600_000))], false, signal);
    await direct().reconcile([block(A)], true, signal);
    ahead = 600_000;
    expect((await ours.reconcile([block(A)], true, signal)).drift).toBe(0);
  });

  test("where root's configuration asks for no requests, everybody can be let in and nobody blocked", async () => {
    await direct().reconcile([block(A)], true, signal);
    orders = { mayBlock: false };
    void watch();
    const error = await failure(byRoot().reconcile([block(A), block(C)], true, signal));
    expect(error).toMatchObject({ code: "UFW_REFUSED", message: expect.stringContaining("requests") });
    expect((await byRoot().reconcile([], true, signal)).inForce.size).toBe(0);
    expect(await client.connects(A)).toBe(true);
  });

  test("errors of root's half come back with code, message and hint", async () => {
    orders = { ufw: direct({ ...ufw.programs, ufw: "no-such-ufw" }) };
    void watch();
    expect(await failure(byRoot().probe(signal))).toMatchObject({
      code: "UFW_MISSING",
      message: "there is no program 'no-such-ufw'",
      hint: "install the package ufw, or take ufw out of enforcers",
    });
  });

  test("nobody answers: said with what to do, and the request is withdrawn", async () => {
    const error = await failure(byRoot(100).reconcile([block(A)], true, signal));
    expect(error).toMatchObject({ code: "UFW_NO_ANSWER", hint: expect.stringContaining("enable --now") });
    expect(readdirSync(requests)).toEqual([]);
    const taken = failure(byRoot(1_500).probe(signal));
    await expect.poll(() => existsSync(request), { interval: 5 }).toBe(true);
    rmSync(request);
    expect(await taken).toMatchObject({ hint: expect.stringContaining("journalctl -u sekisho-ufw") });
    // One that a killed Sekisho left is not overwritten.
    writeFileSync(request, asked([]));
    expect((await failure(byRoot(100).probe(signal))).message).toContain("an earlier request");
    expect(readFileSync(request, "utf8")).toBe(asked([]));
    // Nor need somebody wait who has no time left.
    rmSync(request);
    const ending = new AbortController();
    const asking = byRoot().reconcile([block(A)], true, ending.signal);
    const ended = expect(asking).rejects.toThrow();
    await expect.poll(() => existsSync(request)).toBe(true);
    ending.abort();
    await ended;
    expect(readdirSync(requests)).toEqual([]);
  });

  test("requests that come at the same time are answered one after the other", async () => {
    void watch();
    const looks = Array.from({ length: 4 }, () => byRoot().blocked(signal));
    expect(await Promise.all([...looks, byRoot().probe(signal)])).toEqual([
      ...Array.from({ length: 4 }, () => new Set()),
      undefined,
    ]);
  });

  test.for([
    ["is no JSON", "{"],
    ["is empty", ""],
    ["has more in it", JSON.stringify({ id: ID, action: "blocked", ports: [22] })],
    ["asks for something else", JSON.stringify({ id: ID, action: "disable" })],
    ["names an answer elsewhere", JSON.stringify({ id: "../../etc/passwd", action: "blocked" })],
    ["has an option for a target", asked([["--help", null, false]])],
    ["has a command for a target", asked([["192.0.2.7/32; id", null, false]])],
    ["writes a target in another way", asked([["192.0.2.7", null, false]])],
    ["ends when no rule can say", asked([["192.0.2.7/32", 9e15, false]])],
  ])("a request that %s is passed over", async ([, text]) => {
    writeFileSync(request, text!);
    await passedOver();
  });

  test("a request that comes at any moment while it looks for another is taken, none is taken away unread", async () => {
    let left = 0;
    let isOver = false;
    const leaving = (async () => {
      for (; left < 100; left++) {
        while (existsSync(request)) await nextTurn();
        // From at once to when it has looked and found nothing.
        for (let turns = left % 10; turns > 0; turns--) await nextTurn();
        writeFileSync(request, "of no Sekisho");
      }
      isOver = true;
    })();
    let taken = 0;
    while (!isOver || existsSync(request)) {
      taken += (await rootsHalf().run(signal)).passedOver;
      await nextTurn();
    }
    await leaving;
    expect(taken).toBe(left);
  });

  test("links, pipes, folders, files of others and files that are too large are passed over", async () => {
    const good = JSON.stringify({ id: ID, action: "blocked" });
    const elsewhere = join(apache.root, "elsewhere");
    writeFileSync(elsewhere, good);
    symlinkSync(elsewhere, request);
    await passedOver();
    expect(readFileSync(elsewhere, "utf8")).toBe(good);

    ufw.shell(`mkfifo ${request}`);
    await passedOver();
    mkdirSync(join(request, "full"), { recursive: true });
    await passedOver();
    writeFileSync(request, good);
    chownSync(request, 12, 12);
    await passedOver();
    writeFileSync(request, good.padEnd(MAX_REQUEST_BYTES + 1));
    await passedOver();
    // While the same of Sekisho's own is answered.
    writeFileSync(request, good);
    chownSync(request, SOMEBODY, SOMEBODY);
    expect(await rootsHalf().run(signal)).toEqual({ answered: 1, passedOver: 0 });
    expect(answer()).toEqual({ blocked: [] });

    rmSync(requests, { recursive: true });
    symlinkSync(answers, requests);
    await expect(rootsHalf().run(signal)).rejects.toThrow("ENOTDIR");
    rmSync(requests);
    mkdirSync(requests);
    chownSync(requests, 12, 12);
    expect(await failure(rootsHalf().run(signal))).toMatchObject({ code: "UFW_REFUSED" });
  });

  test("answers that nobody fetched are deleted, and blocks whose end has passed are not made", async () => {
    const old = join(answers, "f".repeat(24));
    writeFileSync(old, "{}");
    utimesSync(old, 1, 1);
    writeFileSync(request, asked([[`${A}/32`, clock.now() - 1, false]]));
    await rootsHalf().run(signal);
    expect(readdirSync(answers).sort()).toEqual([ID, "working"]);
    expect(answer()).toEqual({ found: [], held: [], unenforced: [] });
  });

  test("root's half is killed at work: whoever was asked for is blocked, and the next one makes the rest", async () => {
    const bans = Array.from({ length: 3 }, (_, n) => block(`203.0.113.${n}`));
    const stored = ufw.tuples().length;
    const { programs, process } = ufw;
    const how = JSON.stringify({ limit: 3, requests, answers, programs, process });
    const start = () =>
      spawn(NODE, [join(import.meta.dirname, "as-root-inside.ts"), how], { stdio: "inherit" });
    writeFileSync(request, asked(bans.map(({ target }) => [target, null, false])));
    const killed = start();
    await expect.poll(() => ufw.tuples().length).toBeGreaterThan(stored);
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(readdirSync(answers)).toEqual(["working"]);
    // All of them are in the set before the first rule.
    for (const { target } of bans) expect(await client.connects(target.replace("/32", ""))).toBe(false);
    const again = byRoot(60_000).reconcile(bans, true, signal);
    await expect.poll(() => existsSync(request)).toBe(true);
    const [status] = await once(start(), "exit");
    expect(status).toBe(0);
    expect(await again).toMatchObject({ drift: 0, unenforced: [] });
    expect(ufw.tuples().length - stored).toBe(3);
  });
});

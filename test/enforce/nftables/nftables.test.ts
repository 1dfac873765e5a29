import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Nftables } from "../../../src/enforce/nftables/nftables.ts";
import type { Block } from "../../../src/model/decision.ts";
import { SekishoError } from "../../../src/model/errors.ts";
import { parseTarget } from "../../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../../src/model/time.ts";
import { type Apache, startApache } from "../../apache.ts";
import { nftIn } from "../../nft.ts";
import { missing } from "../../requirements.ts";
import { TcpClient } from "../../tcp-client.ts";
import { temporaryFolder } from "../../temporary-folder.ts";

const { signal } = new AbortController();
const ECHO = 2222;
const PATIENCE = { timeout: 60_000 };
const A = "198.51.100.7";
const B = "2001:db8:1:2::7";

describe.skipIf(missing("root", "apache2", "netns", "nft"))("nftables", () => {
  let apache: Apache;
  let client: TcpClient;
  let nft: ReturnType<typeof nftIn>;
  let offset = 0;
  const clock = { now: (): UnixMs => unixMs(Date.now() + offset) };
  const until = (seconds: number): UnixMs => unixMs(clock.now() + seconds * 1_000);
  const block = (target: string, ends = NEVER): Block => ({ target: parseTarget(target)!, until: ends });
  const enforcer = (more: Partial<ConstructorParameters<typeof Nftables>[0]> = {}) =>
    new Nftables({ ports: [80, 443], clock, program: nft.program, ...more });

  beforeAll(async () => {
    apache = await startApache();
    client = await TcpClient.beside(apache, ECHO);
    nft = nftIn(apache);
  });
  afterEach(async () => {
    offset = 0;
    await enforcer().reconcile([], true, signal);
    for (const from of [A, B]) await client.close(from);
  });
  afterAll(() => apache[Symbol.asyncDispose]());

  test("blocks the web server's ports and no other, so that nobody is locked out of ssh", async () => {
    await enforcer().reconcile([block(A), block(B)], true, signal);
    for (const from of [A, B]) {
      expect(await client.connects(from, 80)).toBe(false);
      expect(await client.connects(from, ECHO)).toBe(true);
    }
  });

  test("blocks every port where it is asked to", async () => {
    await enforcer({ ports: "all" }).reconcile([block(A)], true, signal);
    expect(await client.connects(A, 80)).toBe(false);
    expect(await client.connects(A, ECHO)).toBe(false);
    expect(await client.connects(B, ECHO)).toBe(true);
  });

  test("takes up other ports when the daemon starts with them, and keeps the blocks meanwhile", async () => {
    await enforcer().reconcile([block(A)], true, signal);
    expect(await client.connects(A, ECHO)).toBe(true);
    await enforcer({ ports: [80, ECHO] }).reconcile([block(A)], true, signal);
    expect(await client.connects(A, ECHO)).toBe(false);
    expect(await client.connects(A, 80)).toBe(false);
  });

  test("blocks connections that are open already, and lets them go on when the ban is lifted", async () => {
    const onEcho = enforcer({ ports: [ECHO] });
    for (const from of [A, B]) {
      expect(await client.open(from, ECHO)).toBe(true);
      await client.send(from, "one ");
      await expect.poll(async () => (await client.look(from)).heard, PATIENCE).toBe("one ");
    }
    await onEcho.reconcile([block(A)], true, signal);
    await client.send(A, "two ");
    await client.send(B, "two ");
    await expect.poll(async () => (await client.look(B)).heard, PATIENCE).toBe("one two ");
    expect((await client.look(A)).heard).toBe("one ");
    await onEcho.reconcile([], false, signal);
    await expect.poll(async () => (await client.look(A)).heard, PATIENCE).toBe("one two ");
  });

  test("a ban may last for years, of which nft takes no milliseconds", async () => {
    const years = 300 * 365 * 86_400;
    await enforcer().reconcile([block(A, until(years))], true, signal);
    expect(Math.abs(nft.elements().get(A)! - years)).toBeLessThan(60);
    expect((await enforcer().reconcile([block(A, until(years))], true, signal)).drift).toBe(0);
  });

  test("what ends is lifted by the kernel, though nobody is there to do it", async () => {
    const monitor = nft.monitor();
    await monitor.listens();
    const ends = until(1);
    await enforcer().reconcile([block(A, ends), block("198.51.100.0/24", ends), block(B)], true, signal);
    expect(await monitor.count(A)).toBeGreaterThan(0);
    expect(await monitor.count("198.51.100.0")).toBeGreaterThan(0);
    await expect.poll(() => client.connects(A), PATIENCE).toBe(true);
    expect(await client.connects(B)).toBe(false);
    monitor.stop();
  });

  test("a longer or shorter ban changes the time-out in the kernel, in one transaction", async () => {
    const nftables = enforcer();
    await nftables.reconcile(
      [block(A, until(60)), block("203.0.113.0/24", until(60)), block(B)],
      true,
      signal,
    );
    const ends = [
      ["198.51.100.7/32", until(7_200)],
      ["203.0.113.0/24", NEVER],
      ["2001:db8:1:2::/64", until(600)],
    ] as const;
    await nftables.reconcile(
      ends.map(([target, end]) => block(target, end)),
      false,
      signal,
    );
    const listed = nft.elements();
    expect(listed.get("203.0.113.0")).toBeNull();
    for (const [address, seconds] of [
      [A, 7_200],
      ["2001:db8:1:2::", 600],
    ] as const) {
      expect(listed.get(address)).toBeGreaterThan(seconds - 60);
      expect(listed.get(address)).toBeLessThanOrEqual(seconds);
    }
  });

  test("lifts at once what the kernel has lifted a moment before", async () => {
    const nftables = enforcer();
    await nftables.reconcile([block(A, until(0.05)), block("198.51.100.8")], true, signal);
    await expect.poll(() => nft.elements().has(A), PATIENCE).toBe(false);
    const enforced = await nftables.reconcile([block("198.51.100.8")], false, signal);
    expect(enforced.drift).toBe(0);
    expect([...nft.elements().keys()]).toEqual(["198.51.100.8"]);
  });

  test("a restart writes nothing that is as it should be, and sets time-outs right after the clock was set", async () => {
    const want = [block(A, until(3_600)), block(B, until(3_600))];
    await enforcer().reconcile(want, true, signal);
    const monitor = nft.monitor();
    await monitor.listens();
    await enforcer().reconcile(want, true, signal);
    expect(await monitor.count(A)).toBe(0);
    offset = 1_800_000;
    const nftables = enforcer();
    await nftables.reconcile(want, true, signal);
    expect(nft.elements().get(A)).toBeLessThanOrEqual(1_800);
    expect((await nftables.reconcile(want, true, signal)).drift).toBe(0);
    monitor.stop();
  });

  test("holds exactly what is wanted after each of many changes, whatever overlaps and whenever it ends", async () => {
    // A generator of its own, so that each run takes the same way.
    let state = 42;
    const random = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const targets = ["10.0.0.0", "10.0.0.1", "10.128.0.0"]
      .flatMap((address) => [8, 9, 17, 24, 31, 32].map((bits) => `${address}/${bits}`))
      .concat(
        ["2001:db8::", "2001:db8::1"].flatMap((address) =>
          [19, 48, 64, 127, 128].map((bits) => `${address}/${bits}`),
        ),
      );
    let nftables = enforcer();
    for (let step = 0; step < 15; step++) {
      const chosen = new Map<string, Block>();
      for (let n = random(20); n > 0; n--) {
        const each = block(targets[random(targets.length)]!, [NEVER, until(600), until(7_200)][random(3)]);
        chosen.set(each.target, each);
      }
      const want = [...chosen.values()];
      if (random(5) === 0) nftables = enforcer();
      expect((await nftables.reconcile(want, random(4) === 0, signal)).drift).toBe(0);
      expect(await enforcer().blocked(signal)).toEqual(new Set(want.map(({ target }) => target)));
    }
    expect((await nftables.reconcile([], true, signal)).drift).toBe(0);
  });

  // Each is what an administrator may do to our table by hand, or another program to all tables.
  test.for([
    ["flush ruleset", 2],
    ["delete table inet sekisho", 2],
    ["flush chain inet sekisho input", 1],
    ["insert rule inet sekisho input tcp dport 80 accept", 1],
    ["add chain inet sekisho mine; add rule inet sekisho mine drop", 1],
    ["add set inet sekisho ipv4_24 { type ipv4_addr; flags interval; }", 1],
    ["add element inet sekisho ipv6_64 { 2001:db8:9::1 }", 1],
    ["flush set inet sekisho ipv4_32", 1],
    ["add element inet sekisho ipv4_32 { 198.51.100.99 }", 1],
    [`delete element inet sekisho ipv4_32 { ${A} }; add element inet sekisho ipv4_32 { ${A} timeout 5s }`, 1],
    ["delete table inet sekisho; add table inet sekisho", 3],
  ] as const)("heals and counts: %s", async ([command, drift]) => {
    const nftables = enforcer();
    const want = [block(A), block(B)];
    await nftables.reconcile(want, true, signal);
    nft.run(command);
    expect((await nftables.reconcile(want, true, signal)).drift).toBe(drift);
    expect((await nftables.reconcile(want, true, signal)).drift).toBe(0);
    expect([...nft.elements()]).toEqual([
      [A, null],
      ["2001:db8:1:2::", null],
    ]);
    for (const from of [A, B]) expect(await client.connects(from)).toBe(false);
    expect(await client.connects("198.51.100.99")).toBe(true);
  });

  test("after somebody flushed all tables a change fails, and the next full look puts everything back", async () => {
    const nftables = enforcer();
    await nftables.reconcile([block(A)], true, signal);
    nft.run("flush ruleset");
    await expect(nftables.reconcile([block(A), block(B)], false, signal)).rejects.toMatchObject({
      code: "NFT_FAILED",
    });
    await nftables.reconcile([block(A), block(B)], true, signal);
    for (const from of [A, B]) expect(await client.connects(from)).toBe(false);
  });

  test("a table of somebody else's with the same name of another family is not ours", async () => {
    nft.run("add table ip sekisho; add chain ip sekisho input; add table inet sekisho2");
    const nftables = enforcer();
    await nftables.reconcile([block(A)], true, signal);
    await nftables.reconcile([], true, signal);
    expect(nft.tables()).toEqual(["ip sekisho", "inet sekisho2"]);
    nft.run("delete table ip sekisho; delete table inet sekisho2");
  });

  test("a table that has to be made anew lets nobody through meanwhile", async () => {
    const nftables = enforcer();
    const want = [block(A)];
    await nftables.reconcile(want, true, signal);
    let isDone = false;
    let passed = 0;
    let asked = 0;
    const attacker = (async () => {
      for (; !isDone || asked < 20; asked++) if (await client.connects(A)) passed++;
    })();
    for (let round = 0; round < 10; round++) {
      nft.run("add chain inet sekisho mine");
      await nftables.reconcile(want, true, signal);
    }
    isDone = true;
    await attacker;
    expect(passed).toBe(0);
  });

  test("a daemon that is killed leaves its table, and one that blocks nobody has none", async () => {
    const nftables = enforcer();
    expect(nft.tables()).toEqual([]);
    await nftables.reconcile([block(A)], true, signal);
    expect(nft.tables()).toEqual(["inet sekisho"]);
    const stop = new AbortController();
    stop.abort();
    await expect(nftables.reconcile([], true, stop.signal)).rejects.toThrow();
    expect(await client.connects(A)).toBe(false);
    await nftables.reconcile([], true, signal);
    expect(nft.tables()).toEqual([]);
  });

  describe("says what is in the way:", () => {
    const thrownBy = async (nftables: Nftables): Promise<SekishoError> => {
      const thrown = await nftables.probe(signal).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(SekishoError);
      return thrown as SekishoError;
    };
    /** A program in the place of nft, for what this machine's nft and kernel do not do. */
    const like = (folder: string, script: string): string => {
      const program = join(folder, "nft");
      writeFileSync(program, `#!/bin/sh\n${script}\n`);
      chmodSync(program, 0o755);
      return program;
    };

    test("no nft; then nothing of ours can be left either", async () => {
      const nftables = enforcer({ program: "/nowhere/nft" });
      expect((await thrownBy(nftables)).code).toBe("NFT_MISSING");
      expect(await nftables.blocked(signal)).toEqual(new Set());
    });

    test("no permission", async () => {
      using folder = temporaryFolder();
      chmodSync(folder.path, 0o755);
      const powerless = like(
        folder.path,
        `exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin ${nft.program} "$@"`,
      );
      const error = await thrownBy(enforcer({ program: powerless }));
      expect(error.code).toBe("NFT_PERMISSION");
      expect(error.hint).toContain("CAP_NET_ADMIN");
    });

    test("a kernel without nf_tables", async () => {
      using folder = temporaryFolder();
      const program = like(
        folder.path,
        "echo 'Error: cache initialization failed: Protocol not supported' >&2; exit 1",
      );
      const error = await thrownBy(enforcer({ program }));
      expect(error.code).toBe("NFT_UNSUPPORTED");
      expect(error.message).toContain("Protocol not supported");
    });

    test("an nft that hangs, or answers with something else", async () => {
      using folder = temporaryFolder();
      const hanging = enforcer({ program: like(folder.path, "sleep 1000"), timeoutMs: 200 });
      expect((await thrownBy(hanging)).code).toBe("NFT_FAILED");
      await expect(hanging.blocked(signal)).rejects.toMatchObject({ code: "NFT_FAILED" });
      const odd = enforcer({ program: like(folder.path, "echo surprise") });
      await expect(odd.blocked(signal)).rejects.toMatchObject({ code: "NFT_FAILED" });
    });
  });
});

import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { banFiles } from "../../src/enforce/apache/ban-files.ts";
import { ApacheDirectory } from "../../src/enforce/apache/directory.ts";
import { ApacheInclude } from "../../src/enforce/apache/include.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import { DryRun } from "../../src/enforce/dry-run.ts";
import { Enforcement } from "../../src/enforce/enforcement.ts";
import type { Enforced, Enforcer } from "../../src/enforce/enforcer.ts";
import { Nftables } from "../../src/enforce/nftables/nftables.ts";
import { setOf } from "../../src/enforce/nftables/script.ts";
import type { Block } from "../../src/model/decision.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { parseIp, parseTarget, type Target, TargetSet } from "../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../src/model/time.ts";
import { type Apache, startApache } from "../apache.ts";
import { nftIn } from "../nft.ts";
import { missing } from "../requirements.ts";
import { TcpClient } from "../tcp-client.ts";
import { execWorld } from "./exec-world.ts";
import { guardWorld } from "./guard-world.ts";
import { ufwWorld } from "./ufw-world.ts";

const clock = { now: (): UnixMs => unixMs(Date.now()) };
const { signal } = new AbortController();
const target = (text: string): Target => parseTarget(text)!;
const blocks = (...targets: string[]): Block[] =>
  targets.map((text) => ({ target: target(text), until: NEVER }));

/** An enforcer's world, and how to look at it from outside. */
interface World extends AsyncDisposable {
  /** A new one on the same world, as after a restart of the daemon. */
  enforcer(): Enforcer;
  /** Whether a client with this address is turned away. */
  refuses(address: string): Promise<boolean>;
  /** For those whose world somebody else can touch. */
  readonly outside: {
    /** Takes this block away and adds one that nobody asked for. */
    tamper(lifted: string, added: string): void;
    /** Puts something there that is not ours; returns a look at it. */
    addForeign(): () => string;
    /** Changes when the block of this target is written again. */
    trace(block: string): string | Promise<string>;
  } | null;
  /** What it cannot carry, and why. */
  readonly cannotCarry: readonly string[];
  /** An enforcer whose blocks would have no effect, and the code that says so. */
  readonly broken: readonly { readonly enforcer: () => Enforcer; readonly code: string }[];
}

async function directoryWorld(): Promise<World> {
  const inRoot = (root: string): string => join(root, "banned");
  const apache = await startApache({
    config: (root) =>
      apacheSnippet({
        directory: inRoot(root),
        includeFile: null,
        logFormat: "%a",
        tlsLogFormat: "%a",
        openingMessage: "m",
      }),
  });
  const directory = inRoot(apache.root);
  const closed = join(apache.root, "closed");
  mkdirSync(closed, { mode: 0o700 });
  const fileOf = (block: string): string => join(directory, banFiles(target(block))![0]!);
  return {
    enforcer: () => new ApacheDirectory({ directory }),
    refuses: (address) => isRefused(apache, address),
    outside: {
      tamper(lifted, added) {
        rmSync(fileOf(lifted));
        writeFileSync(fileOf(added), "");
      },
      addForeign() {
        mkdirSync(directory, { recursive: true });
        writeFileSync(join(directory, "README"), "of the administrator");
        return () => readFileSync(join(directory, "README"), "utf8");
      },
      trace: (block) => {
        // They are names of one file: one that is made anew is told from it only when it had a file of its own.
        if (statSync(fileOf(block)).nlink > 1) {
          const own = join(apache.root, "own");
          writeFileSync(own, "");
          renameSync(own, fileOf(block));
        }
        return traceOf(fileOf(block));
      },
    },
    cannotCarry: ["2001:db8::/49", "2001:db8::/32"],
    broken: [
      {
        enforcer: () => new ApacheDirectory({ directory: join(closed, "banned") }),
        code: "BAN_DIRECTORY_UNREACHABLE",
      },
      {
        enforcer: () => new ApacheDirectory({ directory, user: "nobody-of-that-name" }),
        code: "BAN_DIRECTORY_UNREACHABLE",
      },
      {
        enforcer: () => new ApacheDirectory({ directory: join(apache.root, "apache.conf") }),
        code: "BAN_DIRECTORY_UNWRITABLE",
      },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}

async function includeWorld(): Promise<World> {
  const inRoot = (root: string): string => join(root, "sekisho", "blocklist.conf");
  const apache = await startApache({
    config: (root) =>
      apacheSnippet({
        directory: null,
        includeFile: inRoot(root),
        logFormat: "%a",
        tlsLogFormat: "%a",
        openingMessage: "m",
      }),
  });
  const file = inRoot(apache.root);
  const make = (with_: { file?: string; control?: string }): Enforcer =>
    new ApacheInclude({
      file,
      control: apache.control,
      schedule: "17 * * * *",
      limit: 1_000,
      clock,
      ...with_,
    });
  return {
    enforcer: () => make({}),
    refuses: (address) => isRefused(apache, address),
    outside: {
      tamper(lifted, added) {
        const text = readFileSync(file, "utf8").replace(lifted.replace("/32", ""), added.replace("/32", ""));
        writeFileSync(file, text);
      },
      addForeign() {
        const foreign = join(dirname(file), "other.conf");
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(foreign, "of the administrator");
        return () => readFileSync(foreign, "utf8");
      },
      trace: () => traceOf(file),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
    broken: [
      { enforcer: () => make({ control: "no-such-apache2ctl" }), code: "APACHE_CONTROL_MISSING" },
      { enforcer: () => make({ control: "/nowhere/apache2ctl" }), code: "APACHE_CONTROL_MISSING" },
      { enforcer: () => make({ file: join(apache.root, "apache.conf") }), code: "INCLUDE_UNWRITABLE" },
      {
        enforcer: () => make({ file: join(apache.root, "apache.conf", "list") }),
        code: "INCLUDE_UNWRITABLE",
      },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}

async function nftablesWorld(): Promise<World> {
  const apache = await startApache();
  const client = await TcpClient.beside(apache, 2222);
  const nft = nftIn(apache);
  const monitor = nft.monitor();
  await monitor.listens();
  const make = (program = nft.program): Enforcer => new Nftables({ ports: [80], clock, program });
  const powerless = join(apache.root, "powerless");
  writeFileSync(
    powerless,
    `#!/bin/sh\nexec setpriv --bounding-set=-net_admin --inh-caps=-net_admin ${nft.program} "$@"\n`,
    { mode: 0o755 },
  );
  const element = (block: string): string => {
    const address = block.slice(0, block.indexOf("/"));
    return `element inet sekisho ${setOf(target(block))} { ${address} }`;
  };
  return {
    enforcer: () => make(),
    refuses: async (address) => !(await client.connects(address)),
    outside: {
      tamper(lifted, added) {
        nft.run(`delete ${element(lifted)}; add ${element(added)}`);
      },
      addForeign() {
        nft.run('add table inet theirs { comment "of the administrator"; }');
        return () => /comment "(.*)"/.exec(nft.run("list", "table", "inet", "theirs"))![1]!;
      },
      trace: async (block) => String(await monitor.count(block.replace("/32", ""))),
    },
    cannotCarry: ["0.0.0.0/0", "::/0"],
    broken: [
      { enforcer: () => make("/nowhere/nft"), code: "NFT_MISSING" },
      { enforcer: () => make(powerless), code: "NFT_PERMISSION" },
    ],
    [Symbol.asyncDispose]: () => apache[Symbol.asyncDispose](),
  };
}

async function dryRunWorld(): Promise<World> {
  const enforcer = new DryRun();
  return {
    enforcer: () => enforcer,
    refuses: async (address) => {
      const held = new TargetSet(await enforcer.blocked());
      return held.covering(`${parseIp(address)!}/${address.includes(":") ? 128 : 32}` as Target) !== null;
    },
    outside: null,
    cannotCarry: [],
    broken: [],
    [Symbol.asyncDispose]: async () => {},
  };
}

async function isRefused(apache: Apache, from: string): Promise<boolean> {
  const { status } = await apache.request({ from, path: "/" });
  if (status !== 200 && status !== 403) throw new Error(`${from} got ${status}`);
  return status === 403;
}

function traceOf(file: string): string {
  const { ino, mtimeNs } = statSync(file, { bigint: true });
  return `${basename(file)} ${ino} ${mtimeNs}`;
}

/** Beside each banned prefix: clients in it, by every way in which Apache can spell them, and clients next to it. */
const RANGES = [
  {
    range: "2001:db8:1:2::/64",
    inside: ["2001:db8:1:2::", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:0:4::"],
    outside: ["2001:db8:1:3::1", "2001:db8:1:20::1", "2001:db8:1::2:0:0:1", "2001:db8:1::2"],
  },
  {
    range: "2001:db8::/64",
    inside: ["2001:db8::", "2001:db8::1", "2001:db8::1:2:3:4", "2001:db8::1:0:0:2", "2001:db8:0:0:1::"],
    outside: ["2001:db8:0:1::", "2001:db8::1:0:0:0:2", "2001:db8:1::1", "2001:db9::1", "2001::db8:0:0:0:1"],
  },
  {
    range: "2001:db8:1::/64",
    inside: ["2001:db8:1::1", "2001:db8:1:0:1::", "2001:db8:1:0:1:0:0:1", "2001:db8:1:0:1:2:3:4"],
    outside: ["2001:db8:1:1::", "2001:db8:0:1::1", "2001:db8::1:0:0:1"],
  },
  {
    range: "2001:0:0:5::/64",
    inside: ["2001:0:0:5::1", "2001::5:1:2:3:4", "2001:0:0:5:6::", "2001::5:0:6:7:8"],
    outside: ["2001:0:5::1", "2001::5", "2001::5:1:2:3", "2001::6:1:2:3:4", "2001:5::1:2:3:4"],
  },
  {
    range: "0:0:0:9::/64",
    inside: ["0:0:0:9::1", "::9:1:2:3:4", "::9:1:2:3:0"],
    outside: ["::9:1:2:3", "0:0:9::1:2:3", "::a:1:2:3:4", "0:9::1:2:3:4"],
  },
  {
    range: "2001:db8:7::/48",
    inside: ["2001:db8:7::1", "2001:db8:7:1::1", "2001:db8:7:ffff:1:2:3:4", "2001:db8:7:0:1::2"],
    outside: ["2001:db8:8::1", "2001:db8::7:0:1", "2001:db8:70::1"],
  },
  {
    range: "2001:db8:9:10::/60",
    inside: ["2001:db8:9:10::1", "2001:db8:9:1f::1"],
    outside: ["2001:db8:9:f::1", "2001:db8:9:20::1", "2001:db8:9:1::1"],
  },
  {
    range: "2001:db8::a:b/128",
    inside: ["2001:db8::a:b"],
    outside: ["2001:db8::a:c", "2001:db8::a", "2001:db8:0:0:a::b"],
  },
  {
    range: "::c000:20a/128",
    inside: ["::192.0.2.10"],
    outside: ["::192.0.2.11", "192.0.2.10", "::c000:20a:0"],
  },
  {
    range: "198.51.100.0/24",
    inside: ["198.51.100.0", "198.51.100.255"],
    outside: ["198.51.101.0", "198.51.10.0", "19.8.51.100"],
  },
  {
    range: "198.51.100.128/30",
    inside: ["198.51.100.128", "198.51.100.131"],
    outside: ["198.51.100.127", "198.51.100.132"],
  },
  {
    range: "198.48.0.0/14",
    inside: ["198.48.0.1", "198.51.100.9"],
    outside: ["198.52.0.1", "198.47.0.1"],
  },
  { range: "203.0.0.0/8", inside: ["203.0.113.9", "203.255.0.1"], outside: ["204.0.0.1", "20.3.0.1"] },
] as const;

/** `ranges`: every third is tried where a ban takes a slow program, and addresses are no texts. */
const WORLDS = [
  { name: "apache-directory", ranges: 1, make: directoryWorld, needs: missing("root", "apache2", "netns") },
  { name: "apache-include", ranges: 1, make: includeWorld, needs: missing("root", "apache2", "netns") },
  { name: "nftables", ranges: 1, make: nftablesWorld, needs: missing("root", "apache2", "netns", "nft") },
  {
    name: "ufw",
    ranges: 3,
    make: () => ufwWorld(clock),
    needs: missing("root", "apache2", "netns", "ufw", "nft"),
  },
  { name: "exec", ranges: 3, make: execWorld, needs: missing("root", "apache2", "netns", "python3") },
  { name: "guard", ranges: 1, make: guardWorld, needs: null },
  { name: "dry-run", ranges: 1, make: dryRunWorld, needs: null },
] as const;

describe.for(WORLDS.filter(({ needs }) => needs === null))("the enforcer $name", ({ make, ranges }) => {
  let world: World;
  let enforcer: Enforcer;
  beforeAll(async () => {
    world = await make();
    enforcer = world.enforcer();
  });
  afterEach(async () => {
    await bring();
    enforcer = world.enforcer();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** Makes the world equal these blocks, in force. */
  async function bring(...want: Block[]): Promise<Enforced> {
    await enforcer.reconcile(want, false, signal);
    return enforcer.apply(signal);
  }

  /** Addresses of the list that are refused. */
  async function refusedOf(addresses: readonly string[]): Promise<string[]> {
    const refused: string[] = [];
    for (const address of addresses) if (await world.refuses(address)) refused.push(address);
    return refused;
  }

  test("finds nothing wrong with a world in which its blocks have an effect", async () => {
    await expect(enforcer.probe(signal)).resolves.toBeUndefined();
  });

  test("refuses a banned IPv4 address and not its neighbours", async () => {
    expect(await refusedOf(["198.51.100.7"])).toEqual([]);
    const enforced = await bring(...blocks("198.51.100.7"));
    expect(enforced.inForce).toEqual(new Set(["198.51.100.7/32"]));
    expect(enforced.pending).toBe(false);
    const tried = [
      "198.51.100.7",
      "198.51.100.8",
      "198.51.100.70",
      "98.51.100.7",
      "203.0.113.7",
      "2001:db8::7",
    ];
    expect(await refusedOf(tried)).toEqual(["198.51.100.7"]);
  });

  test.for(RANGES.filter((_, row) => row % ranges === 0))(
    "refuses exactly the addresses of $range",
    async ({ range, inside, outside }) => {
      await bring(...blocks(range));
      expect(await refusedOf([...inside, ...outside])).toEqual(inside);
    },
  );

  test("an unban lifts the block and no other", async () => {
    await bring(...blocks("198.51.100.7", "198.51.100.8", "2001:db8:1:2::/64"));
    const enforced = await bring(...blocks("198.51.100.8"));
    expect(enforced.inForce).toEqual(new Set(["198.51.100.8/32"]));
    expect(await refusedOf(["198.51.100.7", "198.51.100.8", "2001:db8:1:2::3"])).toEqual(["198.51.100.8"]);
  });

  test("a range that is lifted leaves the address in it that is banned for itself", async () => {
    await bring(...blocks("198.51.100.0/30", "198.51.100.1"));
    await bring(...blocks("198.51.100.1"));
    expect(await refusedOf(["198.51.100.0", "198.51.100.1", "198.51.100.2"])).toEqual(["198.51.100.1"]);
  });

  test("a block whose time has passed is lifted without anybody asking", async () => {
    await using enforcement = new Enforcement({
      mode: "enforce",
      enforcers: [enforcer],
      clock,
      onChange() {},
    });
    const both = ["198.51.100.7", "198.51.100.8"];
    // On a busy machine a slow program may need longer than that for the block itself.
    let soon = clock.now();
    for (let length = 1_500; ; length *= 2) {
      soon = unixMs(clock.now() + length);
      await enforcement.start([{ target: target("198.51.100.7"), until: soon }, ...blocks("198.51.100.8")]);
      await enforcement.apply(enforcer.name);
      const refused = await refusedOf(both);
      if (clock.now() >= soon) continue;
      expect(refused).toEqual(both);
      break;
    }
    await sleep(soon - clock.now() + 50);
    await enforcement.settled();
    await enforcement.apply(enforcer.name);
    expect(await refusedOf(both)).toEqual(["198.51.100.8"]);
    expect(enforcement.enforcedBy(target("198.51.100.7"))).toEqual([]);
    expect(enforcement.enforcedBy(target("198.51.100.8"))).toEqual([enforcer.name]);
  });

  test("the same set again changes nothing, in whatever order it comes", async () => {
    const want = blocks("198.51.100.7", "203.0.113.0/24", "2001:db8:1:2::/64");
    const first = await bring(...want);
    const trace = await world.outside?.trace("198.51.100.7");
    for (const verify of [false, true]) {
      const again = await enforcer.reconcile(want.toReversed(), verify, signal);
      expect(again).toEqual(first);
    }
    expect(await world.outside?.trace("198.51.100.7")).toBe(trace);
  });

  test("a block that stays is never taken away while others come and go", async () => {
    const stays = blocks("198.51.100.7");
    await bring(...stays);
    let passed = 0;
    let asked = 0;
    const stop = new AbortController();
    const attacker = (async () => {
      for (; !stop.signal.aborted; asked++) {
        if (!(await world.refuses("198.51.100.7"))) passed++;
        await breathe();
      }
    })();
    for (let round = 0; round < 8; round++) {
      const others = Array.from({ length: 30 }, (_, n) => `203.0.113.${round * 30 + n}`);
      await enforcer.reconcile([...stays, ...blocks(...others)], round % 2 === 0, signal);
      if (round % 4 === 3) await enforcer.apply(signal);
      await sleep(5);
    }
    stop.abort();
    await attacker;
    expect(passed).toBe(0);
    expect(asked).toBeGreaterThan(5);
  });

  test("knows after a restart what is in force, and asks for nothing twice", async () => {
    const want = blocks("198.51.100.7", "2001:db8::/64");
    await bring(...want);
    const trace = await world.outside?.trace("198.51.100.7");
    enforcer = world.enforcer();
    expect(await enforcer.blocked(signal)).toEqual(new Set(["198.51.100.7/32", "2001:db8::/64"]));
    const enforced = await enforcer.reconcile(want, true, signal);
    expect(enforced.inForce).toEqual(new Set(["198.51.100.7/32", "2001:db8::/64"]));
    expect(enforced).toMatchObject({ pending: false, drift: 0, unenforced: [] });
    expect(await world.outside?.trace("198.51.100.7")).toBe(trace);
  });

  test("lifts after a restart what is no longer wanted", async () => {
    await bring(...blocks("198.51.100.7", "198.51.100.0/24"));
    enforcer = world.enforcer();
    await enforcer.reconcile(blocks("203.0.113.1"), true, signal);
    await enforcer.apply(signal);
    expect(await refusedOf(["198.51.100.7", "198.51.100.9", "203.0.113.1"])).toEqual(["203.0.113.1"]);
  });

  test("heals what somebody changed by hand", async () => {
    const want = blocks("198.51.100.7", "203.0.113.0/24");
    await bring(...want);
    world.outside?.tamper("198.51.100.7/32", "198.51.100.99/32");
    const { drift } = await enforcer.reconcile(want, true, signal);
    await enforcer.apply(signal);
    expect(drift).toBe(world.outside === null ? 0 : 2);
    expect(await refusedOf(["198.51.100.7", "198.51.100.99", "203.0.113.5"])).toEqual([
      "198.51.100.7",
      "203.0.113.5",
    ]);
    expect((await enforcer.reconcile(want, true, signal)).drift).toBe(0);
  });

  test("leaves alone what it did not make", async () => {
    const look = world.outside?.addForeign();
    await bring(...blocks("198.51.100.7"));
    await bring();
    expect(look?.()).toBe(world.outside === null ? undefined : "of the administrator");
    expect(await enforcer.blocked(signal)).toEqual(new Set());
  });

  test("names what it cannot carry, and carries the rest", async () => {
    const enforced = await bring(...blocks(...world.cannotCarry, "198.51.100.7"));
    expect(enforced.unenforced).toEqual(world.cannotCarry);
    expect(enforced.inForce).toEqual(new Set(["198.51.100.7/32"]));
    expect(await refusedOf(["198.51.100.7", "198.51.100.8", "2001:db8::1"])).toEqual(["198.51.100.7"]);
  });

  test("says with code and hint why blocks would have no effect", async () => {
    for (const { enforcer: make, code } of world.broken) {
      const error = await make()
        .probe(signal)
        .then(
          () => null,
          (thrown: unknown) => thrown,
        );
      expect(error).toBeInstanceOf(SekishoError);
      expect(error).toMatchObject({ code });
      expect((error as SekishoError).hint).not.toBe("");
    }
  });

  test("holds a thousand addresses, and lifts them", async () => {
    const addresses = Array.from({ length: 1_000 }, (_, n) => `10.1.${n >> 8}.${n & 255}`);
    const enforced = await bring(...blocks(...addresses));
    expect(enforced.inForce.size).toBe(1_000);
    expect((await enforcer.blocked(signal)).size).toBe(1_000);
    expect(await refusedOf(["10.1.0.0", "10.1.3.231", "10.1.3.232"])).toEqual(["10.1.0.0", "10.1.3.231"]);
    await bring();
    expect(await refusedOf(["10.1.0.0", "10.1.3.231"])).toEqual([]);
  });
});

test.skipIf(missing("root", "apache2", "netns", "ufw", "nft", "python3"))(
  "every enforcer is under the contract",
  () => {
    expect(WORLDS.filter(({ needs }) => needs === null)).toHaveLength(7);
  },
);

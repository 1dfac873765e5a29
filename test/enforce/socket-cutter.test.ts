import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DryRun } from "../../src/enforce/dry-run.ts";
import { Enforcement } from "../../src/enforce/enforcement.ts";
import type { Enforcer } from "../../src/enforce/enforcer.ts";
import { Nftables } from "../../src/enforce/nftables/nftables.ts";
import { SocketCutter } from "../../src/enforce/socket-cutter.ts";
import type { Mode } from "../../src/model/api.ts";
import type { Block } from "../../src/model/decision.ts";
import { TargetSet } from "../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../src/model/time.ts";
import { type Apache, startApache } from "../apache.ts";
import { nftIn } from "../nft.ts";
import { missing } from "../requirements.ts";
import { TcpClient } from "../tcp-client.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { target } from "./blocks.ts";

const { signal } = new AbortController();
const ECHO = 2222;
const PATIENCE = { timeout: 60_000 };
const A = "198.51.100.7";
const B = "2001:db8:1:2::7";
const NEIGHBOUR = "198.51.100.8";

/** A program in the place of ss; it stays where root may look. */
function like(folder: string, script: string): string {
  const program = join(folder, "ss");
  chmodSync(folder, 0o755);
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return program;
}

const canCut = missing("root", "apache2", "netns", "nft") === null;

describe.skipIf(!canCut)("open connections of banned clients", () => {
  let apache: Apache;
  let client: TcpClient;
  /** ss in the namespace of the Apache. */
  let ss: string;
  const isOpen = async (from: string): Promise<boolean> => (await client.look(from)).isOpen;
  const open = async (...from: string[]): Promise<void> => {
    const opened = await Promise.all(from.map((each) => client.open(each, ECHO)));
    expect(opened).toEqual(from.map(() => true));
  };

  beforeAll(async () => {
    apache = await startApache();
    client = await TcpClient.beside(apache, ECHO);
    ss = like(apache.root, `exec nsenter --net=/run/netns/${apache.namespace} ss "$@"`);
  });
  afterEach(async () => {
    for (const from of [A, B, NEIGHBOUR]) await client.close(from);
  });
  afterAll(() => apache[Symbol.asyncDispose]());

  test("are closed, those of IPv4 clients at an IPv6 socket too; others' and other ports' are not", async () => {
    const cutter = new SocketCutter({ ports: [ECHO, 443], program: ss });
    await open(A, B, NEIGHBOUR);
    expect(await client.open("203.0.113.9", 80)).toBe(true);
    // Apache takes a connection over when its first bytes come.
    await client.send("203.0.113.9", "GET / HTTP/1.1\r\n");
    const banned = new TargetSet([A, B, "203.0.113.0/24"].map(target));
    expect(await cutter.cut(banned, signal)).toEqual({ closed: 2, left: 0 });
    await expect.poll(() => isOpen(A), PATIENCE).toBe(false);
    await expect.poll(() => isOpen(B), PATIENCE).toBe(false);
    expect(await isOpen("203.0.113.9")).toBe(true);
    await client.send(NEIGHBOUR, "still here");
    await expect.poll(async () => (await client.look(NEIGHBOUR)).heard, PATIENCE).toBe("still here");
    const onApache = new SocketCutter({ ports: [80], program: ss });
    await expect.poll(() => onApache.cut(banned, signal), PATIENCE).toEqual({ closed: 1, left: 0 });
    await expect.poll(() => isOpen("203.0.113.9"), PATIENCE).toBe(false);
  });

  test("are found among a hundred thousand bans, and closed in groups", async () => {
    const clients = Array.from({ length: 300 }, (_, n) => `10.9.${n >> 8}.${n & 255}`);
    const bans = Array.from({ length: 100_000 }, (_, n) =>
      target(`10.${8 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`),
    );
    await open(...clients, NEIGHBOUR);
    const cutter = new SocketCutter({ ports: [ECHO], program: ss });
    expect(await cutter.cut(new TargetSet(bans), signal)).toEqual({ closed: 300, left: 0 });
    expect(await isOpen(NEIGHBOUR)).toBe(true);
    await Promise.all(clients.map((each) => client.close(each)));
  });

  describe("with enforcers", () => {
    const clock = { now: (): UnixMs => unixMs(Date.now()) };
    const blocks = (...targets: string[]): Block[] =>
      targets.map((text) => ({ target: target(text), until: NEVER }));
    const nftables = (program = nftIn(apache).program) => new Nftables({ ports: [80, ECHO], clock, program });
    /** Its own sockets are in the namespace of the test, so nothing is probed there. */
    class Cutter extends SocketCutter {
      override async probe(): Promise<void> {}
    }
    const enforce = (enforcer: Enforcer, program = ss, mode: Mode = "enforce") =>
      new Enforcement({
        mode,
        enforcers: [enforcer],
        clock,
        onChange() {},
        cutter: new Cutter({ ports: [ECHO], program }),
      });

    test("are closed when a ban is in force, at the start and later, and stay with no ban", async () => {
      await open(A, B, NEIGHBOUR);
      await using enforcement = enforce(nftables());
      await enforcement.start(blocks(A));
      await expect.poll(() => isOpen(A), PATIENCE).toBe(false);
      expect(await isOpen(B)).toBe(true);
      enforcement.want(blocks(A, B));
      await expect.poll(() => isOpen(B), PATIENCE).toBe(false);
      expect(await isOpen(NEIGHBOUR)).toBe(true);
      await expect
        .poll(() => enforcement.cutStatus(), PATIENCE)
        .toEqual({ state: "on", closed: 2, error: null, hint: null, note: null });
      // Whose ban ended and comes again is cut again.
      enforcement.want([]);
      await enforcement.settled();
      await open(A);
      enforcement.want(blocks(A));
      await expect.poll(() => isOpen(A), PATIENCE).toBe(false);
      enforcement.want([]);
      await enforcement.settled();
    });

    test.for([
      ["no enforcer has the ban in force", () => enforce(nftables("/nowhere/nft"))],
      ["the only enforcer blocks nobody", () => enforce(new DryRun())],
      ["nothing is enforced at all", () => enforce(nftables(), ss, "observe")],
    ] as const)("stay open while %s", async ([, make]) => {
      await open(A);
      await using enforcement = make();
      await enforcement.start(blocks(A));
      enforcement.verify();
      await enforcement.settled();
      await client.send(A, "still here");
      await expect.poll(async () => (await client.look(A)).heard, PATIENCE).toBe("still here");
      expect(enforcement.cutStatus().closed).toBe(0);
    });

    test("that could not be closed are told of, and closed by the next full look", async () => {
      await open(A);
      using folder = temporaryFolder();
      const flag = join(folder.path, "works");
      const program = like(
        folder.path,
        `case "$*" in *--kill*) [ -e ${flag} ] || exit 0 ;; esac; exec ${ss} "$@"`,
      );
      await using enforcement = enforce(nftables(), program);
      await enforcement.start(blocks(A));
      await expect.poll(() => enforcement.cutStatus().state, PATIENCE).toBe("failed");
      expect(enforcement.cutStatus()).toMatchObject({
        error: "1 connection of banned clients could not be closed",
        closed: 0,
      });
      expect(enforcement.statuses()[0]!.state).toBe("in-sync");
      writeFileSync(flag, "");
      enforcement.verify();
      await expect
        .poll(() => enforcement.cutStatus(), PATIENCE)
        .toMatchObject({ state: "on", closed: 1, error: null });
      enforcement.want([]);
      await enforcement.settled();
    });
  });
});

describe.skipIf(missing("root") !== null || spawnSync("ss", ["-V"]).status !== 0)(
  "whether it can cut",
  () => {
    const probe = (program?: string) =>
      new SocketCutter({ ports: [80], ...(program === undefined ? {} : { program }) }).probe(signal);

    test("is tried on a connection of its own", async () => {
      await expect(probe()).resolves.toBeUndefined();
    });

    test("without permission it cannot, and says what to grant", async () => {
      using folder = temporaryFolder();
      const powerless = "exec setpriv --bounding-set=-net_admin --inh-caps=-net_admin ss";
      await expect(probe(like(folder.path, `${powerless} "$@"`))).rejects.toMatchObject({
        code: "CUT_UNAVAILABLE",
        message: expect.stringContaining("Operation not permitted"),
      });
    });

    test("without ss it cannot", async () => {
      await expect(probe("/nowhere/ss")).rejects.toMatchObject({
        code: "CUT_UNAVAILABLE",
        hint: expect.stringContaining("iproute2"),
      });
    });

    test("an ss that fails is told of", async () => {
      using folder = temporaryFolder();
      await expect(probe(like(folder.path, "echo broken >&2; exit 1"))).rejects.toMatchObject({
        code: "CUT_FAILED",
        message: expect.stringContaining("broken"),
      });
    });
  },
);

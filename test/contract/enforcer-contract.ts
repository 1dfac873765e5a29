import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Enforcement } from "../../src/enforce/enforcement.ts";
import type { Enforced, Enforcer } from "../../src/enforce/enforcer.ts";
import type { Block } from "../../src/model/decision.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { NEVER, unixMs } from "../../src/model/time.ts";
import { missing } from "../requirements.ts";
import { RANGES } from "./ranges.ts";
import { clock, type World } from "./world.ts";
import { WORLDS, type WorldName } from "./worlds.ts";

const { signal } = new AbortController();
const target = (text: string): Target => parseTarget(text)!;
const blocks = (...targets: string[]): Block[] =>
  targets.map((text) => ({ target: target(text), until: NEVER }));

/** What every enforcer has to do, against the real program that it blocks with. */
export function enforcerContract(name: WorldName): void {
  const { make, needs, ranges, rounds = 8 } = WORLDS[name];
  describe.skipIf(missing(...needs))(`the enforcer ${name}`, () => {
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

    test("what an earlier run left and nobody wants any more is lifted, also where the world was read ahead", async () => {
      const both = ["198.51.100.7", "198.51.100.8"];
      await bring(...blocks(...both));
      enforcer = world.enforcer();
      enforcer.lookAhead?.(signal);
      await enforcer.reconcile(blocks("198.51.100.8"), true, signal);
      await enforcer.apply(signal);
      expect(await refusedOf(both)).toEqual(["198.51.100.8"]);
      // What was read ahead is of that time only.
      await enforcer.reconcile(blocks("198.51.100.7"), true, signal);
      await enforcer.apply(signal);
      expect(await refusedOf(both)).toEqual(["198.51.100.7"]);
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
          // Long enough for the program under test to get on, far shorter than any program takes to block anew.
          await sleep(2);
        }
      })();
      for (let round = 0; round < rounds; round++) {
        const others = Array.from({ length: 30 }, (_, n) => `203.0.113.${round * 30 + n}`);
        await enforcer.reconcile([...stays, ...blocks(...others)], round % 2 === 0, signal);
        if (round % 4 === 3) await enforcer.apply(signal);
        // However busy the machine is: the attacker is there in each round.
        const before = asked;
        await vi.waitFor(() => expect(asked).toBeGreaterThan(before), { timeout: 60_000, interval: 2 });
      }
      stop.abort();
      await attacker;
      expect(passed).toBe(0);
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
}

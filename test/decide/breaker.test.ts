import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Breaker, type BreakerSettings } from "../../src/decide/breaker.ts";
import { Ledger } from "../../src/decide/ledger.ts";
import { Policy } from "../../src/decide/policy.ts";
import { Protected } from "../../src/decide/protected.ts";
import { ServedClients } from "../../src/decide/served.ts";
import { unlimited } from "../../src/model/audit.ts";
import type { Halt } from "../../src/model/halt.ts";
import { network, parseIp } from "../../src/model/ip.ts";
import { type DurationMs, NEVER } from "../../src/model/time.ts";
import { access, at } from "../evaluate/events.ts";
import { addresses, finding, target } from "../evaluate/findings.ts";
import { runs } from "../property.ts";

const HOUR = 3_600_000 as DurationMs;
const OPEN = "the circuit breaker is open";
const settings: BreakerSettings = { bans: 5, share: 0.2, hits: 3 };

/** Bans one after the other, each in force for an hour; what became of each. */
function banning(breaker: Breaker, targets: readonly string[], seconds = 0, now = at(seconds)) {
  return targets.map((text) => breaker.objection(target(text), at(seconds), at(seconds + 3_600), now));
}

describe("too many bans within a minute", () => {
  test("stop at the limit: the next is not made, nor is any after it, however late", () => {
    const breaker = new Breaker(settings);
    expect(banning(breaker, addresses(7))).toEqual([null, null, null, null, null, OPEN, OPEN]);
    expect(banning(breaker, ["198.51.100.1"], 86_400)).toEqual([OPEN]);
    expect(breaker.halts).toEqual([
      {
        name: "breaker",
        since: at(0),
        reason: "rules made more than 5 bans in a minute",
        from: at(-60),
      },
    ]);
  });

  test("are counted over any minute, on the time of the lines", () => {
    const breaker = new Breaker(settings);
    const all = addresses(30).map((text, n) => banning(breaker, [text], n * 12, at(500))[0]);
    expect(all, "five a minute").toEqual(Array(30).fill(null));
    expect(banning(breaker, ["198.51.100.1"], 29 * 12 + 1, at(500))).toEqual([OPEN]);
  });

  test("do not count when their time had passed before they were decided", () => {
    const breaker = new Breaker(settings);
    const old = addresses(50).map((text) => breaker.objection(target(text), at(0), at(10), at(11)));
    expect(old).toEqual(Array(50).fill(null));
    expect(breaker.halts).toEqual([]);
  });

  test("may be made again once a person has looked, counted anew", () => {
    const breaker = new Breaker(settings);
    banning(breaker, addresses(7));
    breaker.end("breaker");
    expect(banning(breaker, addresses(6, "198.51.100."))).toEqual([null, null, null, null, null, OPEN]);
  });
});

describe("bans of those who are served", () => {
  const serving = (count: number): Breaker => {
    const breaker = new Breaker({ ...settings, bans: 1_000 });
    breaker.note(addresses(count).map((client) => access(client, 0)));
    return breaker;
  };

  test("stop when they would hit more than the share", () => {
    const breaker = serving(20);
    expect(banning(breaker, addresses(5))).toEqual([null, null, null, null, OPEN]);
    expect(breaker.halts[0]).toMatchObject({
      reason: "bans by rules would hit 5 of the 20 clients that were served of late",
      from: at(-3_600),
    });
  });

  test("of few clients never stop, whatever part of a small site's they are", () => {
    expect(banning(serving(4), addresses(3))).toEqual([null, null, OPEN]);
    expect(banning(serving(2), addresses(2))).toEqual([null, null]);
  });

  test("are not those of attackers who got nothing, nor of clients served long ago", () => {
    const breaker = serving(20);
    const refused = addresses(100, "198.51.100.");
    breaker.note(refused.map((client) => access(client, 1, { status: 404 })));
    expect(banning(breaker, refused)).toEqual(Array(100).fill(null));
    breaker.note(addresses(20, "203.0.113.").map((client) => access(client, 3_700)));
    expect(banning(breaker, addresses(20), 3_700)).toEqual(Array(20).fill(null));
  });

  test("count by everybody whom a range covers", () => {
    expect(banning(serving(20), ["192.0.2.0/29"])).toEqual([OPEN]);
    expect(banning(serving(20), ["192.0.2.0/31", "198.51.100.0/24", "2001:db8::/32"])).toEqual([
      null,
      null,
      null,
    ]);
    const groups = Array.from({ length: 20 }, (_, n) => `2001:db8:0:${n}::1`);
    const breaker = new Breaker(settings);
    breaker.note(groups.map((client) => access(client, 0)));
    expect(banning(breaker, ["2001:db8:0:4::/62"])).toEqual([null]);
    expect(banning(breaker, ["2001:db8::/48"])).toEqual([OPEN]);
  });
});

test("replay tells when it would have opened, and bans on", () => {
  const breaker = new Breaker(settings, [], false);
  expect(banning(breaker, addresses(9), 0, NEVER)).toEqual(Array(9).fill(null));
  expect(breaker.takeTripped()).toMatchObject({ name: "breaker", since: at(0) });
  expect(breaker.takeTripped()).toBeNull();
});

test("what was stored holds after a restart, a panic before the rest", () => {
  const halt = (name: Halt["name"]): Halt => ({ name, since: at(0), reason: "r", from: at(0) });
  expect(banning(new Breaker(settings, [halt("breaker")]), ["192.0.2.1"])).toEqual([OPEN]);
  const breaker = new Breaker(null, [halt("panic"), halt("breaker")]);
  expect(banning(breaker, ["192.0.2.1"])).toEqual(["a person stopped all banning (sekisho panic)"]);
  breaker.end("panic");
  expect(banning(breaker, ["192.0.2.1"])).toEqual([OPEN]);
});

test("policy spares what the open breaker stops, and a person bans all the same", () => {
  const ledger = new Ledger(HOUR, () => true);
  const lengths = { ban: HOUR, factor: 1, max: HOUR, memory: HOUR };
  const breaker = new Breaker({ ...settings, bans: 1 });
  const policy = new Policy(lengths, ledger, Protected.nobody, unlimited, undefined, breaker);
  const judged = policy.decide([finding("192.0.2.1", 1), finding("192.0.2.2", 1)], at(1));
  expect(judged).toMatchObject([{ kind: "ban" }, { kind: "spared", why: OPEN }]);
  expect(ledger.bannedBy(target("192.0.2.2"), at(2))).toBeNull();
  expect(policy.banByPerson(target("192.0.2.2"), HOUR, "", at(2))).toMatchObject({ by: "person" });
});

describe("the clients that were served", () => {
  test("are remembered for half an hour to an hour, up to a bound, those who come back for longer", () => {
    const served = new ServedClients();
    const visit = (from: number, count: number, seconds: number): void =>
      served.note(
        Array.from({ length: count }, (_, n) => from + n).map((n) =>
          access(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, seconds),
        ),
      );
    visit(0, 10, 0);
    served.hit(target("10.0.0.0/30"));
    visit(0, 2, 1_801);
    expect([served.size, served.hits]).toEqual([10, 4]);
    visit(0, 1, 3_602);
    expect([served.size, served.hits], "who came back is still known as hit").toEqual([2, 2]);
    visit(0, 1, 20_000);
    expect([served.size, served.hits], "after a quiet night nobody is").toEqual([1, 0]);
    visit(1_000, 130_000, 20_001);
    expect(served.size).toBeGreaterThan(50_000);
    expect(served.size).toBeLessThan(100_000);
    expect(served.wouldHit(target("10.0.0.0/8"))).toBe(served.size);
  });

  test("are let go of though a line bore a time far ahead", () => {
    const served = new ServedClients();
    served.note([access("192.0.2.1", 1e8), access("192.0.2.2", 0), access("192.0.2.3", 3_600)]);
    expect(served.size).toBe(1);
  });

  test("of one IPv6 /64 are one", () => {
    const served = new ServedClients();
    served.note(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"].map((client) => access(client, 0)));
    expect(served.size).toBe(2);
    expect(served.wouldHit(target("2001:db8::/64"))).toBe(1);
  });

  test("lie in a range when the range holds them", () => {
    const bytes = fc.integer({ min: 0, max: 0xffff });
    const ipv4 = fc.ipV4();
    const ipv6 = fc
      .array(bytes, { minLength: 8, maxLength: 8 })
      .map((groups) => groups.map((group) => group.toString(16)).join(":"));
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), fc.oneof(ipv4, ipv6), fc.nat(64), (client, other, bits) => {
        const [from, base] = [parseIp(client)!, parseIp(other)!];
        // Half of the ranges are around the client, or nearly none would hold it.
        for (const ip of [base, from]) {
          const isFour = !ip.includes(":");
          const length = isFour ? Math.min(bits, 32) : bits;
          const range = network(ip, length);
          const served = new ServedClients();
          served.note([access(client, 0)]);
          const same = isFour === !from.includes(":");
          expect(served.wouldHit(range)).toBe(same && network(from, length) === range ? 1 : 0);
        }
      }),
      { numRuns: runs(300) },
    );
  });
});

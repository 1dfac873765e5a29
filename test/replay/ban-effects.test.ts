import { describe, expect, test } from "vitest";
import type { Decision } from "../../src/model/decision.ts";
import type { LogEvent } from "../../src/model/event.ts";
import { parseTarget } from "../../src/model/ip.ts";
import { BanEffects, looksInnocent } from "../../src/replay/ban-effects.ts";
import { access, at, audit } from "../evaluate/events.ts";

const ban = (target: string, from: number, until: number): Decision => ({
  kind: "ban",
  target: parseTarget(target)!,
  rule: "r",
  by: "rule",
  reason: "",
  at: at(from),
  until: at(until),
  reportedBy: null,
});

function effectsOn(events: readonly LogEvent[], ...bans: Decision[]) {
  const effects = new BanEffects();
  for (const each of bans) effects.note(each);
  effects.count(events);
  return bans.map((each) => effects.of(each));
}

describe("what a ban would have stopped", () => {
  test("is what came from there after it began and before it ended", () => {
    const requests = [9, 10, 11, 12, 20, 21].map((second) => access("192.0.2.7", second, { status: 404 }));
    const others = [access("192.0.2.8", 11), access("2001:db8::7", 11)];
    expect(effectsOn([...requests, ...others], ban("192.0.2.7/32", 10, 20))).toEqual([
      { decision: expect.anything(), stopped: 2, served: 0, signedIn: 0 },
    ]);
  });

  test("is counted for a whole /64 and for ranges, and for the ban that ran of several", () => {
    const events = [
      access("2001:db8::7", 11),
      access("2001:db8:0:0:1::9", 12, { status: 301 }),
      access("2001:db8:0:1::1", 13),
      access("192.0.2.7", 31, { status: 500 }),
    ];
    const bans = [
      ban("2001:db8::/64", 10, 20),
      ban("2001:db8::/48", 10, 20),
      ban("192.0.2.7/32", 10, 20),
      ban("192.0.2.7/32", 30, 40),
    ];
    expect(effectsOn(events, ...bans).map(({ stopped, served }) => [stopped, served])).toEqual([
      [2, 2],
      [3, 3],
      [0, 0],
      [1, 0],
    ]);
  });

  test("tells who had signed in", () => {
    const events = [
      access("192.0.2.7", 11, { user: "alice" }),
      access("192.0.2.7", 12, { user: "root", status: 401 }),
      audit("192.0.2.7", 13, "auth.succeeded"),
      audit("192.0.2.7", 14, "auth.failed"),
    ];
    expect(effectsOn(events, ban("192.0.2.7/32", 10, 20))).toMatchObject([
      { stopped: 2, served: 1, signedIn: 2 },
    ]);
  });
});

describe("who looks innocent", () => {
  const effect = (stopped: number, served: number, signedIn = 0) => ({ stopped, served, signedIn });

  test("is whoever signed in, or is served nearly always", () => {
    expect(looksInnocent(effect(1, 1, 1))).toBe("signed in once while it ran");
    expect(looksInnocent(effect(9, 2, 3))).toBe("signed in 3 times while it ran");
    expect(looksInnocent(effect(300, 290))).toBe("96 % of 300 requests while it ran were answered");
  });

  test("is nobody of whom little is known, or who is refused often", () => {
    expect(looksInnocent(effect(19, 19))).toBeNull();
    expect(looksInnocent(effect(300, 200))).toBeNull();
    expect(looksInnocent(effect(0, 0))).toBeNull();
  });
});

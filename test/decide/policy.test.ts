import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/decide/ledger.ts";
import { Policy } from "../../src/decide/policy.ts";
import { Protected, protectedBy } from "../../src/decide/protected.ts";
import type { StoredDecision } from "../../src/model/decision.ts";
import { PackedTargets } from "../../src/model/packed-targets.ts";
import { type DurationMs, NEVER, PERMANENT, parseDuration, type UnixMs } from "../../src/model/time.ts";
import { access, at, errorEvent } from "../evaluate/events.ts";
import { finding, target } from "../evaluate/findings.ts";

const HOUR = parseDuration("1h") as DurationMs;
const lengths = {
  ban: HOUR,
  factor: 2,
  max: parseDuration("5h") as DurationMs,
  memory: parseDuration("1d") as DurationMs,
};

function policyWith({
  allowlist = [] as string[],
  proxies = [] as string[],
  present = [] as string[],
  enforcing = true,
  grace = 0,
} = {}) {
  const ledger = new Ledger(lengths.memory, () => enforcing, grace as DurationMs);
  const spared = protectedBy(allowlist.map(target), proxies.map(target), present.map(target));
  return { ledger, policy: new Policy(lengths, ledger, spared) };
}
const lengthOf = (judgement: ReturnType<Policy["decide"]>[number]) =>
  judgement.kind === "ban" ? judgement.decision.until - judgement.decision.at : judgement.kind;

test("a rule in observe mode bans nobody, and the finding says why", () => {
  const { policy, ledger } = policyWith();
  const observed = finding("192.0.2.7", 0, { ban: "observe" });
  expect(policy.decide([observed], NEVER)).toEqual([{ kind: "spared", why: "rule is in observe mode" }]);
  expect(ledger.bannedBy(target("192.0.2.7"), at(1))).toBeNull();
});

describe("bans", () => {
  test("run from the event that led to them, with a reason that can be read", () => {
    const { policy } = policyWith();
    expect(policy.decide([finding("192.0.2.7", 100)], at(500))).toEqual([
      {
        kind: "ban",
        decision: {
          kind: "ban",
          target: "192.0.2.7/32",
          rule: "r",
          by: "rule",
          reason: "Title: 5 in 10s",
          at: at(100),
          until: at(3_700),
          reportedBy: null,
        },
      },
    ]);
  });

  test("for a single hit name the rule, and no rate", () => {
    const { policy } = policyWith();
    const reasons = policy
      .decide([finding("192.0.2.7", 100, { count: 1 }), finding("192.0.2.8", 100, { count: 2 })], at(500))
      .map((judgement) => judgement.kind === "ban" && judgement.decision.reason);
    expect(reasons).toEqual(["Title", "Title: 2 in 10s"]);
  });

  test("of a line from the future begin now", () => {
    const [judgement] = policyWith().policy.decide([finding("192.0.2.7", 9_999)], at(0));
    expect(judgement).toMatchObject({ decision: { at: at(0), until: at(3_600) } });
  });

  test("are not decided twice while one runs, and double after each that has ended, up to the longest", () => {
    const { policy } = policyWith();
    const decided = [0, 10, 3_601, 3_602, 20_000, 80_000].map((seconds) =>
      lengthOf(policy.decide([finding("2001:db8::/64", seconds)], NEVER)[0]!),
    );
    expect(decided).toEqual([HOUR, "none", 2 * HOUR, "none", 4 * HOUR, 5 * HOUR]);
  });

  test("that ended before the memory do not lengthen the next", () => {
    const { policy } = policyWith();
    policy.decide([finding("192.0.2.7", 0)], NEVER);
    expect(lengthOf(policy.decide([finding("192.0.2.7", 100_000)], NEVER)[0]!)).toBe(HOUR);
  });

  test("that had passed when their lines were read do not lengthen the next", () => {
    const lengthAfter = (late: number): unknown => {
      const { policy } = policyWith();
      policy.decide([finding("192.0.2.7", 100_000 - late)], at(100_000));
      return lengthOf(policy.decide([finding("192.0.2.7", 104_000)], at(104_000))[0]!);
    };
    expect([0, 3_599, 3_600, 80_000].map(lengthAfter)).toEqual([2 * HOUR, 2 * HOUR, HOUR, HOUR]);
  });

  test("are no longer by old times that an app writes, nor after a restart", () => {
    const { policy, ledger } = policyWith();
    const now = at(100_000);
    const stored: StoredDecision[] = [];
    const decided = [20_000, 40_000, 60_000, 80_000, 100_000].map((seconds) => {
      const [judgement] = policy.decide([finding("192.0.2.7", seconds)], now);
      if (judgement?.kind === "ban")
        stored.push({ ...judgement.decision, id: 0, revokedAt: null, incident: null, decidedAt: now });
      return lengthOf(judgement!);
    });
    expect(decided).toEqual(Array(5).fill(HOUR));
    const restarted = new Ledger(lengths.memory, () => true);
    restarted.load(stored);
    for (const each of [ledger, restarted])
      expect(each.earlierBans(target("192.0.2.7"), at(103_600))).toBe(1);
  });

  test("that a person took back do not lengthen the next", () => {
    const { policy, ledger } = policyWith();
    policy.decide([finding("192.0.2.7", 0)], NEVER);
    ledger.revoke(target("192.0.2.7"), at(5));
    expect(lengthOf(policy.decide([finding("192.0.2.7", 10)], NEVER)[0]!)).toBe(HOUR);
  });

  test("are not decided for lines from before one that runs or was taken back, which are read late", () => {
    const { policy, ledger } = policyWith();
    ledger.record({ target: target("192.0.2.0/24"), at: at(100), until: at(1_000) }, at(100));
    expect(policy.decide([finding("192.0.2.7", 90)], at(101))).toEqual([{ kind: "none" }]);
    ledger.revoke(target("192.0.2.0/24"), at(200));
    expect(policy.decide([finding("192.0.2.7", 199)], at(201))).toEqual([{ kind: "none" }]);
    expect(lengthOf(policy.decide([finding("192.0.2.7", 201)], at(201))[0]!)).toBe(HOUR);
  });

  test("of a person take the place of what runs: when a shorter one has ended, rules ban again", () => {
    const { policy, ledger } = policyWith();
    policy.decide([finding("192.0.2.7", 0)], at(0));
    ledger.replace(policy.banByPerson(target("192.0.2.7"), parseDuration("1m"), "", at(10)));
    expect(lengthOf(policy.decide([finding("192.0.2.7", 60)], at(60))[0]!)).toBe("none");
    expect(lengthOf(policy.decide([finding("192.0.2.7", 90)], at(90))[0]!)).toBe(2 * HOUR);
  });

  test("of a rule that only reports, or asks for a permanent one, are none and permanent", () => {
    const { policy } = policyWith();
    const judgements = policy.decide(
      [finding("192.0.2.7", 0, { ban: null }), finding("192.0.2.8", 0, { ban: PERMANENT })],
      NEVER,
    );
    expect(judgements.map(lengthOf)).toEqual(["none", Number.POSITIVE_INFINITY]);
  });
});

describe("nobody is banned who", () => {
  test.each([
    ["is on the allowlist", "192.0.2.7", "allowlisted"],
    ["is in an allowed range", "198.51.100.200", "allowlisted"],
    ["is a trusted proxy", "203.0.113.9", "a trusted proxy"],
    ["shares a /64 with an allowed address", "2001:db8::/64", "allowlisted"],
    ["is loopback", "127.0.0.53", "loopback"],
    ["is this host", "127.0.0.1", "loopback"],
    ["is signed in", "198.18.0.5", "where somebody is signed in from"],
  ])("%s", (_, subject, why) => {
    const { policy } = policyWith({
      allowlist: ["192.0.2.7", "198.51.100.0/24", "2001:db8::9/128"],
      proxies: ["203.0.113.9"],
      present: ["198.18.0.5"],
    });
    expect(policy.decide([finding(subject, 0)], NEVER)).toEqual([{ kind: "spared", why }]);
  });

  test("a person cannot ban a range that holds somebody protected", () => {
    const { policy } = policyWith({ allowlist: ["192.0.2.7"] });
    for (const text of ["192.0.2.0/24", "0.0.0.0/0", "::/0"]) {
      expect(() => policy.banByPerson(target(text), null, "", at(0)), text).toThrowError(
        expect.objectContaining({ code: "TARGET_PROTECTED" }) as Error,
      );
    }
    expect(policy.banByPerson(target("192.0.2.8"), PERMANENT, "x", at(0)).until).toBe(NEVER);
  });

  test.each([
    ["192.0.2.7", "it is allowlisted", "take 192.0.2.7/32 off the allowlist"],
    ["192.0.2.0/24", "it covers 192.0.2.7/32, which is allowlisted", "allow --remove 192.0.2.7/32"],
    ["127.0.0.1", "it is part of 127.0.0.0/8, which is loopback", "must get in"],
    [
      "10.0.0.0/8",
      "it covers 10.1.0.0/16, which is a trusted proxy",
      "narrower ranges that leave out 10.1.0.0/16",
    ],
  ])("a person who would ban %s is told whom it hits, and what can be done", (text, message, hint) => {
    const { policy } = policyWith({ allowlist: ["192.0.2.7"], proxies: ["10.1.0.0/16"] });
    let refusal: unknown;
    try {
      policy.banByPerson(target(text), null, "", at(0));
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    });
    if (text.startsWith("127")) expect((refusal as { hint: string }).hint).not.toContain("narrower");
  });

  test("replay can be asked to spare nobody", () => {
    const policy = new Policy(lengths, new Ledger(lengths.memory, () => false), Protected.nobody);
    expect(policy.decide([finding("127.0.0.1", 0)], NEVER)[0]!.kind).toBe("ban");
  });
});

describe("after an unban", () => {
  const grace = 600_000;
  /** The client's ban is lifted at second 100. */
  const unbanned = () => {
    const made = policyWith({ grace });
    made.policy.decide([finding("192.0.2.7", 0)], at(0));
    made.ledger.revoke(target("192.0.2.7"), at(100));
    return made;
  };

  test("rules leave the target alone for the grace, and say so, then ban again", () => {
    const { policy } = unbanned();
    const judged = (seconds: number) => policy.decide([finding("192.0.2.7", seconds)], at(seconds))[0]!;
    const why = "a person lifted the ban of 192.0.2.7/32 a short while ago";
    expect(judged(101)).toEqual({ kind: "spared", why });
    expect(judged(699)).toEqual({ kind: "spared", why });
    expect(lengthOf(judged(700))).toBe(HOUR);
  });

  test("no wider range is banned by a rule either, but everybody else is", () => {
    const { policy } = unbanned();
    const judged = ["192.0.2.0/24", "192.0.2.8"].map(
      (subject) => policy.decide([finding(subject, 200)], at(200))[0]!.kind,
    );
    expect(judged).toEqual(["spared", "ban"]);
  });

  test("a person may ban again at once, which ends the grace", () => {
    const { policy, ledger } = unbanned();
    ledger.replace(policy.banByPerson(target("192.0.2.7"), parseDuration("1m"), "", at(110)));
    expect(lengthOf(policy.decide([finding("192.0.2.7", 180)], at(180))[0]!)).toBe(2 * HOUR);
  });

  test("the grace does not last until the time of a clock that was ahead and was set back", () => {
    const { policy, ledger } = unbanned();
    ledger.revoke(target("192.0.2.7"), at(90_000_000));
    ledger.purge(at(5_000));
    expect(lengthOf(policy.decide([finding("192.0.2.7", 5_000)], at(5_000))[0]!)).toBe(HOUR);
  });

  test("the grace goes on over a restart, and a purge ends it no sooner", () => {
    const ledger = new Ledger(lengths.memory, () => true, grace as DurationMs);
    const ban = { id: 1, kind: "ban", rule: "r", by: "rule", reason: "", incident: null } as const;
    const decided = { at: at(0), until: at(3_600), decidedAt: at(0), reportedBy: null };
    ledger.load([{ ...ban, ...decided, target: target("192.0.2.7"), revokedAt: at(100) }]);
    ledger.purge(at(699));
    expect(ledger.inGrace(target("192.0.2.7"), at(699))).toBe("192.0.2.7/32");
    ledger.purge(at(700));
    expect(ledger.inGrace(target("192.0.2.7"), at(699))).toBeNull();
  });
});

describe("refusals", () => {
  const events = () => [
    access("192.0.2.7", 10, { status: 403 }),
    access("192.0.2.7", 11, { status: 404 }),
    access("192.0.2.8", 12, { status: 403 }),
    access("192.0.2.7", 9_999, { status: 403 }),
    errorEvent("192.0.2.7", 13, "AH01630"),
    errorEvent("192.0.2.7", 14, "AH01617"),
  ];
  const marked = (enforcing: boolean) => {
    const { policy, ledger } = policyWith({ enforcing });
    policy.decide([finding("192.0.2.7", 0)], NEVER);
    const all = events();
    ledger.markRefusals(all, NEVER);
    return all.map(({ refused }) => refused);
  };

  test("are the 403s and denials of a banned client while its ban runs, and nothing else", () => {
    expect(marked(true)).toEqual([true, false, false, false, true, false]);
  });

  test("are those of a client on an imported list too, by its own address", () => {
    const refused = (enforcing: boolean) => {
      const { ledger } = policyWith({ enforcing });
      ledger.setListed(PackedTargets.of([target("192.0.2.8"), target("2001:db8::1/128")]));
      const clients = ["192.0.2.7", "192.0.2.8", "2001:db8::1", "2001:db8::2"];
      const all = clients.map((client) => access(client, 10, { status: 403 }));
      ledger.markRefusals(all, NEVER);
      return all.map((event) => event.refused);
    };
    expect(refused(true)).toEqual([false, true, true, false]);
    expect(refused(false)).toEqual([false, false, false, false]);
  });

  test("are known as such when their lines are read after the ban has ended, or was taken back", () => {
    const refusedAt = (seconds: number, ended: (ledger: Ledger) => void): boolean => {
      const { policy, ledger } = policyWith();
      policy.decide([finding("192.0.2.7", 0)], at(0));
      ended(ledger);
      const event = access("192.0.2.7", seconds, { status: 403 });
      ledger.markRefusals([event], NEVER);
      return event.refused;
    };
    const passed = (ledger: Ledger) => ledger.purge(at(3_700));
    const takenBack = (ledger: Ledger) => ledger.revoke(target("192.0.2.7"), at(100));
    expect([3_599, 3_602, 3_606].map((seconds) => refusedAt(seconds, passed))).toEqual([true, true, false]);
    expect([99, 102, 106].map((seconds) => refusedAt(seconds, takenBack))).toEqual([true, true, false]);
  });

  test("are known as such after a restart too", () => {
    const ledger = new Ledger(lengths.memory, () => true);
    const ban = {
      id: 1,
      kind: "ban",
      target: target("192.0.2.7"),
      rule: null,
      by: "person",
      reason: "",
      incident: null,
      reportedBy: null,
      decidedAt: null,
    } as const;
    ledger.load([{ ...ban, at: at(0), until: NEVER, revokedAt: at(100) }]);
    const events = [99, 106].map((seconds) => access("192.0.2.7", seconds, { status: 403 }));
    ledger.markRefusals(events, NEVER);
    expect(events.map(({ refused }) => refused)).toEqual([true, false]);
    expect(ledger.earlierBans(target("192.0.2.7"), at(200))).toBe(0);
  });

  test("may bear a time from before the ban, as formats write whole seconds", () => {
    const { policy, ledger } = policyWith();
    ledger.replace(policy.banByPerson(target("192.0.2.7"), HOUR, "", (at(10) + 700) as UnixMs));
    const event = access("192.0.2.7", 10, { status: 403 });
    ledger.markRefusals([event], NEVER);
    expect(event.refused).toBe(true);
  });

  test("are known by when they are read where their times lie in the future", () => {
    const { policy, ledger } = policyWith();
    policy.decide([finding("192.0.2.7", 36_000)], at(0));
    const event = access("192.0.2.7", 36_005, { status: 403 });
    ledger.markRefusals([event], at(5));
    expect(event.refused).toBe(true);
  });

  test("are not assumed in observe mode, where bans refuse nothing", () => {
    expect(marked(false)).toEqual(Array(6).fill(false));
  });
});

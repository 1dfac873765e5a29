import { beforeEach, describe, expect, test } from "vitest";
import { IneffectiveBans } from "../../src/enforce/ineffective-bans.ts";
import { ineffectiveProblem, type Surroundings } from "../../src/enforce/ineffective-problem.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import type { Passed } from "../../src/model/passed.ts";
import { type UnixMs, unixMs } from "../../src/model/time.ts";

const TARGET = parseTarget("192.0.2.7")!;
const HOUR = 3_600_000;
let now: UnixMs;
let world: { wanted: boolean; enforcedBy: string[]; waiting: string[]; answersEarly: boolean };
let bans: IneffectiveBans;
/** Requests of the banned client that began a while ago, in seconds. */
const pass = (requests = 1, ago = 0, target: Target = TARGET, certain = requests): boolean => {
  const time = unixMs(now - ago * 1_000);
  const passed: Passed = {
    target,
    requests,
    certain,
    earliest: time,
    latest: time,
    path: "/x",
    vhost: "site.example",
  };
  return bans.note([passed]);
};
const counted = (): number[] => bans.list().map(({ requests }) => requests);

beforeEach(() => {
  now = unixMs(Date.UTC(2026, 10, 20, 12));
  world = { wanted: true, enforcedBy: ["apache-directory"], waiting: [], answersEarly: false };
  bans = new IneffectiveBans(
    {
      wants: () => world.wanted,
      enforcedBy: () => world.enforcedBy,
      waitingFor: () => world.waiting,
      levelOf: (name) => (name === "nftables" ? "packet" : "request"),
    },
    { now: () => now },
    () => world.answersEarly,
  );
});
const wait = (seconds: number): void => {
  now = unixMs(now + seconds * 1_000);
};

describe("a ban is ineffective", () => {
  test("when requests come through that began well after it was seen in force", () => {
    expect(pass(50)).toBe(false);
    wait(4);
    pass(50);
    wait(60);
    pass(50, 60);
    expect([counted(), bans.passed(TARGET)], "what was under way").toEqual([[], 0]);
    expect(pass(2)).toBe(true);
    expect([counted(), bans.passed(TARGET)]).toEqual([[], 2]);
    pass(5);
    expect([counted(), bans.passed(TARGET)]).toEqual([[7], 7]);
  });

  test.for([
    { enforcedBy: ["apache-directory"], answersEarly: false, counts: true },
    { enforcedBy: ["apache-directory", "guard"], answersEarly: true, counts: false },
    { enforcedBy: ["apache-directory", "nftables"], answersEarly: true, counts: true },
    { enforcedBy: [], answersEarly: true, counts: true },
  ])("by 404s alone only where no vhost gives them to anybody: $enforcedBy, $answersEarly", (given) => {
    world.enforcedBy = given.enforcedBy;
    world.answersEarly = given.answersEarly;
    pass();
    wait(10);
    pass(5, 0, TARGET, 0);
    expect([counted(), bans.passed(TARGET)]).toEqual(given.counts ? [[5], 5] : [[], 0]);
    pass(1);
    expect([counted(), bans.passed(TARGET)]).toEqual([[6], 6]);
    pass(1, 0, TARGET, 0);
    expect(counted()).toEqual([7]);
  });

  test("by 404s, where Apache's configuration was changed a while ago", () => {
    pass();
    wait(10);
    world.answersEarly = true;
    pass(5, 0, TARGET, 0);
    expect(counted()).toEqual([]);
    world.answersEarly = false;
    wait(61);
    expect(counted()).toEqual([5]);
  });

  test("when nothing enforces it, until something does", () => {
    world.enforcedBy = [];
    pass();
    wait(10);
    pass(5);
    expect(bans.list()).toMatchObject([{ requests: 5, enforcedBy: [] }]);
    world.enforcedBy = ["apache-directory"];
    pass(5);
    expect(counted(), "counted anew from when it is in force").toEqual([]);
  });

  test.each([
    ["it waits for its scheduled reload", () => ({ enforcedBy: [], waiting: ["apache-include"] })],
    ["somebody is spared who is signed in", () => ({ wanted: false })],
    ["only the dry run has it", () => ({ enforcedBy: ["dry-run"] })],
  ])("not when %s", (_, change) => {
    pass();
    wait(10);
    pass(5);
    expect(counted()).toEqual([5]);
    Object.assign(world, change());
    pass(5);
    expect(counted()).toEqual([]);
  });

  test("no more when nobody has come through for an hour, or the ban has ended", () => {
    pass();
    wait(10);
    pass(5);
    now = unixMs(now + HOUR - 1);
    expect(counted()).toEqual([5]);
    now = unixMs(now + 2);
    expect(counted()).toEqual([]);
    pass();
    wait(10);
    pass(3);
    expect(counted()).toEqual([3]);
    world.wanted = false;
    expect(counted()).toEqual([]);
  });
});

test("however many bans let their clients through, the newest thousand are watched", () => {
  const targets = Array.from({ length: 1_500 }, (_, n) => parseTarget(`10.0.${n >> 8}.${n & 255}`)!);
  for (const target of targets) pass(1, 0, target);
  wait(10);
  for (const target of targets.toReversed()) pass(9, 0, target);
  expect(counted().length).toBeLessThanOrEqual(1_000);
  expect(bans.passed(targets[1_499]!)).toBe(9);
});

describe("the likely cause", () => {
  const status = (name: string, error: string | null = null): Surroundings["enforcers"][number] => ({
    ...{ name, state: error === null ? "in-sync" : "failed", blocks: 0, unenforced: [], error },
    ...{ lastReconciledAt: null, nextApplyAt: null, hint: error === null ? null : "do this", note: null },
  });
  const cause = (enforcedBy: string[], around: Partial<Surroundings>) => {
    const ban = { target: TARGET, requests: 12, latest: now, path: "/x", vhost: "site.example", enforcedBy };
    const enforcers = [status("apache-directory")];
    return ineffectiveProblem([ban, ban], {
      enforcers,
      levelOf: () => "request",
      hasProxies: false,
      ...around,
    })!;
  };

  test.each([
    [
      "a section that lets them in",
      ["apache-directory"],
      {},
      /a section of site\.example that covers \/x/,
      /sekisho check/,
    ],
    [
      "a proxy whose address Apache sees",
      ["apache-directory"],
      { hasProxies: true },
      /address of the proxy/,
      /mod_remoteip/,
    ],
    [
      "a firewall that sees others",
      ["nftables"],
      { levelOf: () => "packet" as const },
      /a proxy is in front, or they use another port/,
      /trustedProxies/,
    ],
    ["no enforcer", [], { enforcers: [] }, /no enforcer is configured/, /apache-directory: \{\}/],
    [
      "one that failed",
      [],
      { enforcers: [status("ufw"), status("nftables", "no room")] },
      /nftables failed: no room/,
      /do this/,
    ],
    ["no room", [], {}, /apache-directory cannot carry it/, /unenforced/],
  ] as const)("is %s", (_, enforcedBy, around, why, todo) => {
    const { code, message, hint } = cause([...enforcedBy], around);
    expect(code).toBe("BAN_INEFFECTIVE");
    expect(message).toMatch(
      /^12 requests of 192\.0\.2\.7\/32 \(and of 1 other ban\) came through though it is banned, the last for site\.example\/x at 2026-/,
    );
    expect(message).toMatch(why);
    expect(hint).toMatch(todo);
  });

  test("is asked for nobody when all are kept out", () => {
    expect(ineffectiveProblem([], { enforcers: [], levelOf: () => null, hasProxies: false })).toBeNull();
  });
});

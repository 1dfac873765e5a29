import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DryRun } from "../../src/enforce/dry-run.ts";
import { Enforcement, type EnforcementOptions } from "../../src/enforce/enforcement.ts";
import { type Enforced, NOTHING_ENFORCED } from "../../src/enforce/enforcer.ts";
import { SocketCutter } from "../../src/enforce/socket-cutter.ts";
import type { Block } from "../../src/model/decision.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { parseTarget, type Target, type TargetSet } from "../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../src/model/time.ts";

const clock = { now: (): UnixMs => unixMs(Date.now()) };
const target = (text: string): Target => parseTarget(text)!;
const block = (text: string, until: UnixMs = NEVER): Block => ({ target: target(text), until });
const FIRST = "198.51.100.1/32";
const SECOND = "198.51.100.2/32";

/** A dry run that can be slow, failing, undone by somebody, or scheduled, and that remembers what it was asked. */
class Trying extends DryRun {
  readonly asked: { readonly want: readonly Target[]; readonly verify: boolean }[] = [];
  override schedule: string | null = null;
  override level: "packet" | "request" = "request";
  applied = 0;
  failing: Error | null = null;
  drift: number[] = [];
  gate: Promise<void> = Promise.resolve();

  override async reconcile(want: readonly Block[], verify = false): Promise<Enforced> {
    this.asked.push({ want: want.map((wanted) => wanted.target), verify });
    await this.gate;
    if (this.failing !== null) throw this.failing;
    return { ...(await super.reconcile(want)), drift: verify ? (this.drift.shift() ?? 0) : 0 };
  }

  override async apply(): Promise<Enforced> {
    this.applied++;
    return super.apply();
  }
}
let enforcer: Trying;
let enforcement: Enforcement;
const make = (more: Partial<EnforcementOptions> = {}): Enforcement => {
  enforcement = new Enforcement({ mode: "enforce", enforcers: [enforcer], clock, onChange() {}, ...more });
  return enforcement;
};
const state = (at = 0): string => enforcement.statuses()[at]!.state;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 10, 20, 12) });
  enforcer = new Trying();
});
afterEach(async () => {
  await enforcement[Symbol.asyncDispose]();
  vi.useRealTimers();
});

describe("the wanted set", () => {
  test("reaches the enforcer, with a full look at the world first", async () => {
    await make().start([block(FIRST)]);
    expect(enforcer.asked).toEqual([{ want: [FIRST], verify: true }]);
    expect(enforcement.enforcedBy(target(FIRST))).toEqual(["dry-run"]);
    expect(enforcement.enforcedBy(target(SECOND))).toEqual([]);
    expect(enforcement.statuses()).toEqual([
      {
        name: "dry-run",
        state: "in-sync",
        blocks: 1,
        unenforced: [],
        lastReconciledAt: "2026-11-20T12:00:00.000Z",
        nextApplyAt: null,
        error: null,
        hint: null,
        note: null,
        provenAt: null,
      },
    ]);
  });

  test("is coalesced: while one reconciliation is under way only the newest set waits", async () => {
    await make().start([]);
    let open!: () => void;
    enforcer.gate = new Promise((resolve) => {
      open = resolve;
    });
    for (let count = 1; count <= 50; count++) {
      enforcement.want(Array.from({ length: count }, (_, n) => block(`198.51.100.${n}`)));
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(state()).toBe("pending");
    open();
    await enforcement.settled();
    expect(enforcer.asked.map(({ want }) => want.length)).toEqual([0, 1, 50]);
    expect(enforcement.statuses()[0]).toMatchObject({ blocks: 50, state: "in-sync" });
  });

  test("a scheduled enforcer rests between two sets, and sees the newest at once when it is applied", async () => {
    enforcer.schedule = "17 * * * *";
    await make().start([]);
    enforcement.want([block(FIRST)]);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(enforcer.asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(enforcer.asked.at(-1)).toEqual({ want: [FIRST], verify: false });
    enforcement.want([block(SECOND)]);
    expect(await enforcement.apply("dry-run")).toBe(true);
    expect(enforcer.asked.at(-1)).toEqual({ want: [SECOND], verify: true });
    expect(enforcer.applied).toBe(1);
  });

  test("applying an enforcer that is not there is answered with false", async () => {
    await make().start([]);
    expect(await enforcement.apply("apache-include")).toBe(false);
  });
});

describe("expiry", () => {
  test("drops each block when its time has passed, and not before", async () => {
    const now = clock.now();
    await make().start([block(FIRST, unixMs(now + 60_000)), block(SECOND, unixMs(now + 90_000))]);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(enforcement.enforcedBy(target(FIRST))).toEqual(["dry-run"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
    expect(enforcement.enforcedBy(target(SECOND))).toEqual(["dry-run"]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(enforcement.statuses()[0]!.blocks).toBe(0);
  });

  test("a block whose time had passed before the start is never enforced", async () => {
    await make().start([block(FIRST, unixMs(clock.now() - 1)), block(SECOND, clock.now())]);
    expect(enforcer.asked).toEqual([{ want: [], verify: true }]);
  });

  test("a block of 60 days, longer than any timer, stays for 60 days and is then lifted", async () => {
    const day = 86_400_000;
    await make().start([block(FIRST, unixMs(clock.now() + 60 * day))]);
    await vi.advanceTimersByTimeAsync(60 * day - 1);
    expect(enforcement.enforcedBy(target(FIRST))).toEqual(["dry-run"]);
    expect(enforcer.asked.length).toBeLessThan(5);
    await vi.advanceTimersByTimeAsync(1);
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
  });

  test("one that hangs is waited for no longer than a person waits, and the others go on", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const hanging = Object.assign(new Trying(), { gate });
    make({ enforcers: [hanging, enforcer] });
    const started = enforcement.start([block(FIRST)], 10_000);
    await vi.advanceTimersByTimeAsync(10_000);
    await started;
    expect(enforcement.enforcedBy(target(FIRST))).toEqual(["dry-run"]);
    expect(hanging.asked).toHaveLength(1);
    open();
  });

  test("a clock that was set back keeps nobody waiting who was let in", async () => {
    const held = { ...NOTHING_ENFORCED, lingering: new Set([target(FIRST)]) };
    enforcer = Object.assign(new Trying(), { current: () => held });
    await make().start([]);
    await enforcement.apply("dry-run");
    vi.setSystemTime(Date.now() - 24 * 3_600_000);
    await enforcement.applyLifts();
    expect(enforcer.applied).toBe(2);
  });

  test("whoever is let in need not wait until an enforcer that failed would try again", async () => {
    await make().start([block(FIRST)]);
    enforcer.failing = new Error("busy");
    enforcement.want([block(FIRST), block(SECOND)]);
    await vi.advanceTimersByTimeAsync(600_000);
    enforcer.failing = null;
    enforcement.want([]);
    await enforcement.settled();
    expect(state()).toBe("failed");
    await enforcement.applyLifts();
    await enforcement.settled();
    expect(state()).toBe("in-sync");
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
  });

  test("a clock that was set forward lifts what has expired at the next look", async () => {
    await make().start([block(FIRST, unixMs(clock.now() + 3_600_000))]);
    vi.setSystemTime(Date.now() + 7_200_000);
    enforcement.verify();
    await enforcement.settled();
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
  });
});

describe("a failing enforcer", () => {
  const broken = new SekishoError("BAN_DIRECTORY_UNWRITABLE", "no space", "make some");

  test("is tried again after 1 s, doubling to 5 minutes, each time with a full look", async () => {
    enforcer.failing = broken;
    await make().start([block(FIRST)]);
    const tries: number[] = [];
    const start = Date.now();
    for (let seen = enforcer.asked.length; tries.length < 11; ) {
      await vi.advanceTimersByTimeAsync(500);
      if (enforcer.asked.length > seen) tries.push((Date.now() - start) / 1_000);
      seen = enforcer.asked.length;
    }
    expect(tries).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1_111]);
    expect(enforcer.asked.every(({ verify }) => verify)).toBe(true);
  });

  test("shows its error and hint, keeps to its waiting time under new bans, and recovers", async () => {
    await make().start([block(FIRST)]);
    enforcer.failing = broken;
    enforcement.want([block(SECOND)]);
    await enforcement.settled();
    expect(enforcement.statuses()[0]).toMatchObject({
      state: "failed",
      error: "no space",
      hint: "make some",
      blocks: 1,
    });
    const before = enforcer.asked.length;
    for (let n = 0; n < 20; n++) enforcement.want([block(FIRST), block(SECOND)]);
    await enforcement.settled();
    expect(enforcer.asked).toHaveLength(before);
    enforcer.failing = null;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(enforcer.asked.at(-1)).toEqual({ want: [FIRST, SECOND], verify: true });
    expect(enforcement.statuses()[0]).toMatchObject({ state: "in-sync", error: null, hint: null, blocks: 2 });
    enforcer.failing = broken;
    enforcement.want([]);
    await enforcement.settled();
    const failedAgain = enforcer.asked.length;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(enforcer.asked, "the back-off starts anew after a success").toHaveLength(failedAgain + 1);
  });

  test("does not hold up the others", async () => {
    enforcer.failing = broken;
    const other = new Trying();
    await make({ enforcers: [enforcer, other] }).start([block(FIRST)]);
    expect([state(0), state(1)]).toEqual(["failed", "in-sync"]);
    enforcement.want([block(SECOND)]);
    await enforcement.settled();
    expect(await other.blocked()).toEqual(new Set([SECOND]));
  });

  test("is tried at once when a person asks, who gets the error", async () => {
    enforcer.failing = broken;
    await make().start([block(FIRST)]);
    await expect(enforcement.apply("dry-run")).rejects.toBe(broken);
    enforcer.failing = null;
    expect(await enforcement.apply("dry-run")).toBe(true);
    expect(state()).toBe("in-sync");
  });
});

describe("drift", () => {
  test("is repaired, counted, and no reason for alarm", async () => {
    await make().start([block(FIRST)]);
    enforcer.drift = [3];
    enforcement.verify();
    await enforcement.settled();
    expect(state()).toBe("in-sync");
    expect(enforcement.drift()).toBe(3);
  });

  test("that is there again right after its repair shows as drifted, until a look finds none", async () => {
    await make().start([block(FIRST)]);
    enforcer.drift = [3, 3];
    enforcement.verify();
    await enforcement.settled();
    expect(state()).toBe("drifted");
    enforcement.verify();
    await enforcement.settled();
    expect(state()).toBe("in-sync");
  });
});

describe("observe mode", () => {
  test("asks nothing of an enforcer whose world is empty", async () => {
    await make({ mode: "observe" }).start([block(FIRST)]);
    enforcement.want([block(SECOND)]);
    enforcement.verify();
    await enforcement.settled();
    expect(enforcer.asked).toEqual([]);
    expect(state()).toBe("off");
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
    expect(await enforcement.apply("dry-run")).toBe(false);
  });

  test("lifts what an earlier run in enforce mode left", async () => {
    await enforcer.reconcile([block(FIRST)]);
    await make({ mode: "observe" }).start([block(FIRST)]);
    expect(await enforcer.blocked()).toEqual(new Set());
    expect(enforcer.applied).toBe(1);
    expect(state()).toBe("off");
  });

  test("says so when what was left cannot be lifted, and tries again", async () => {
    await enforcer.reconcile([block(FIRST)]);
    enforcer.failing = new Error("no");
    await make({ mode: "observe" }).start([]);
    expect(state()).toBe("failed");
    enforcer.failing = null;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(state()).toBe("off");
    expect(await enforcer.blocked()).toEqual(new Set());
  });
});

test("many bans of a prefix are one block while enough of them run, and each is enforced by it", async () => {
  const aggregation = { ipv4: { prefix: 24, atLeast: 2 }, ipv6: { prefix: 48, atLeast: 0 } };
  const soon = unixMs(clock.now() + 60_000);
  const third = block("198.51.100.3/32", soon);
  await make({ aggregation }).start([block(FIRST), block(SECOND, soon), third]);
  expect(await enforcer.blocked()).toEqual(new Set(["198.51.100.0/24"]));
  expect(enforcement.statuses()[0]!.blocks).toBe(1);
  expect(enforcement.enforcedBy(target(SECOND))).toEqual(["dry-run"]);
  expect(enforcement.enforcedBy(target("198.51.100.4"))).toEqual([]);
  expect(enforcement.wants(target(SECOND))).toBe(true);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await enforcer.blocked()).toEqual(new Set([FIRST]));
  expect(enforcement.enforcedBy(target(FIRST))).toEqual(["dry-run"]);
});

describe("what imported lists ask for", () => {
  test("is blocked as a ban is, and nobody looks for its connections", async () => {
    const cut: Target[] = [];
    class Noting extends SocketCutter {
      override async probe(): Promise<void> {}
      override async cut(targets: TargetSet) {
        cut.push(...targets);
        return { closed: 0, left: 0 };
      }
    }
    const listed: Block = { ...block(SECOND), list: "drop" };
    // A dry run refuses nobody, and only who is refused is cut.
    const cutter = new Noting({ ports: [80] });
    await make({ cutter, enforcers: [Object.assign(enforcer, { name: "nftables" })] }).start([
      block(FIRST),
      listed,
    ]);
    enforcement.verify();
    await enforcement.settled();
    await vi.advanceTimersByTimeAsync(0);
    expect(await enforcer.blocked()).toEqual(new Set([FIRST, SECOND]));
    expect(new Set(cut)).toEqual(new Set([FIRST]));
  });
});

describe("another mode", () => {
  test("lifts what is held before it looks whether that was all", async () => {
    await make().start([block(FIRST)]);
    await enforcement.switchTo("observe", []);
    expect(enforcer.asked.at(-1)).toEqual({ want: [], verify: false });
    expect(enforcer.asked).toHaveLength(2);
  });

  test("lifts everything at once, asks nothing more, and takes up what is wanted on the way back", async () => {
    await make().start([block(FIRST)]);
    await enforcement.switchTo("observe", []);
    expect(await enforcer.blocked()).toEqual(new Set());
    expect(state()).toBe("off");
    enforcement.want([block(SECOND)]);
    await enforcement.settled();
    expect(await enforcer.blocked()).toEqual(new Set());
    await enforcement.switchTo("enforce", [block(SECOND)]);
    expect(await enforcer.blocked()).toEqual(new Set([SECOND]));
    expect(state()).toBe("in-sync");
  });

  test("waits neither for the rest of a scheduled enforcer nor for the next try of a failed one", async () => {
    enforcer.schedule = "17 * * * *";
    await make().start([block(FIRST)]);
    await enforcement.switchTo("observe", []);
    expect([state(), enforcer.applied]).toEqual(["off", 1]);
    await enforcement.switchTo("enforce", [block(FIRST)]);
    enforcer.failing = new Error("no");
    enforcement.verify();
    await enforcement.settled();
    expect(state()).toBe("failed");
    enforcer.failing = null;
    await enforcement.switchTo("observe", []);
    expect(state()).toBe("off");
    expect(await enforcer.blocked()).toEqual(new Set());
  });
});

describe("behind a proxy", () => {
  const proxies = [target("203.0.113.1")];

  test("an enforcer that sees only peers lifts what it held, blocks nothing and says what to use", async () => {
    enforcer.level = "packet";
    await enforcer.reconcile([block(FIRST)]);
    await make({ trustedProxies: proxies }).start([block(FIRST), block(SECOND)]);
    expect(await enforcer.blocked()).toEqual(new Set());
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
    expect(enforcement.statuses()[0]).toMatchObject({
      state: "failed",
      blocks: 0,
      error: expect.stringContaining("203.0.113.1/32"),
      hint: expect.stringContaining("use apache-directory"),
    });
    await expect(enforcement.apply("dry-run")).rejects.toMatchObject({ code: "ENFORCER_BEHIND_PROXY" });
  });

  test.each([
    ["one that sees the client", "request", proxies],
    ["one that sees peers, where no proxy is configured,", "packet", []],
  ] as const)("%s blocks", async (_, level, trustedProxies) => {
    enforcer.level = level;
    await make({ trustedProxies }).start([block(FIRST)]);
    expect(state()).toBe("in-sync");
    expect(await enforcer.blocked()).toEqual(new Set([FIRST]));
  });
});

test("blocks stay when Sekisho stops, and nothing is asked any more", async () => {
  await make().start([block(FIRST, unixMs(clock.now() + 1_000))]);
  await enforcement[Symbol.asyncDispose]();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await enforcer.blocked()).toEqual(new Set([FIRST]));
});

test("a status that changed is told", async () => {
  const onChange = vi.fn();
  await make({ onChange }).start([block(FIRST)]);
  expect(onChange).toHaveBeenCalledTimes(1);
  enforcement.want([]);
  await enforcement.settled();
  expect(onChange).toHaveBeenCalledTimes(2);
});

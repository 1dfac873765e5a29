import { describe, expect, test, vi } from "vitest";
import { NOTHING_ENFORCED } from "../../src/enforce/enforcer.ts";
import { SocketCutter } from "../../src/enforce/socket-cutter.ts";
import type { Block } from "../../src/model/decision.ts";
import type { Target, TargetSet } from "../../src/model/ip.ts";
import { unixMs } from "../../src/model/time.ts";
import { block, target } from "./blocks.ts";
import {
  clock,
  enforcement,
  enforcer,
  FIRST,
  make,
  makeAnew,
  Reloaded,
  SECOND,
  state,
  Trying,
} from "./trying.ts";

makeAnew();

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

  test("is pending until the enforcer holds it for the first time", async () => {
    const starting = make();
    let open!: () => void;
    enforcer.gate = new Promise((resolve) => {
      open = resolve;
    });
    const started = starting.start([block(FIRST)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(enforcer.asked).toHaveLength(1);
    expect(state()).toBe("pending");
    open();
    await started;
    await enforcement.settled();
    expect(state()).toBe("in-sync");
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
    Object.assign(enforcer, { current: () => held });
    await make().start([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(enforcer.applied, "whom an earlier daemon had let in is not left to the schedule").toBe(1);
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

  test("whoever is let in is so once Apache can be reloaded again, and until then whoever asks is told why not", async () => {
    const included = new Reloaded();
    await make({ enforcers: [included] }).start([block(FIRST)]);
    await enforcement.apply("dry-run");
    included.failing = new Error("somebody else's mistake");
    enforcement.want([]);
    await enforcement.settled();
    for (const _ of ["right after a reload", "later", "and again"]) {
      await expect(enforcement.applyLifts()).rejects.toThrow("somebody else's mistake");
      await vi.advanceTimersByTimeAsync(60_000);
    }
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([included.applied, enforcement.lingering()]).toEqual([1, [FIRST]]);
    included.failing = null;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([included.applied, enforcement.lingering()]).toEqual([2, []]);
  });

  test("a clock that was set forward lifts what has expired at the next look", async () => {
    await make().start([block(FIRST, unixMs(clock.now() + 3_600_000))]);
    vi.setSystemTime(Date.now() + 7_200_000);
    enforcement.verify();
    await enforcement.settled();
    expect(enforcement.enforcedBy(target(FIRST))).toEqual([]);
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

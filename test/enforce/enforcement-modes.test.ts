import { describe, expect, test, vi } from "vitest";
import { block, target } from "./blocks.ts";
import { enforcement, enforcer, FIRST, make, makeAnew, SECOND, state } from "./trying.ts";

makeAnew();

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

import { describe, expect, test, vi } from "vitest";
import { SekishoError } from "../../src/model/errors.ts";
import { block } from "./blocks.ts";
import { enforcement, enforcer, FIRST, make, makeAnew, SECOND, state, Trying } from "./trying.ts";

makeAnew();

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
    expect(enforcement.statuses()).toMatchObject([{ repaired: 3 }]);
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

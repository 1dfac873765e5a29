import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Scheduler } from "../../src/schedule/scheduler.ts";

const HOUR = 3_600_000;
const PATIENCE = { timeout: 60_000, interval: 20 };

// The machine's own clock is not a test's to set.
const RealDate = Date;
let ahead = 0;
class SetDate extends RealDate {
  constructor(time?: number | string | Date) {
    super(time ?? SetDate.now());
  }
  static override now(): number {
    return RealDate.now() + ahead;
  }
}
beforeEach(() => {
  ahead = 0;
  vi.stubGlobal("Date", SetDate);
});
afterEach(() => void vi.unstubAllGlobals());
const setClock = (ms: number): void => {
  ahead += ms;
};

const now = new RealDate();
/** In half a year. */
const RARELY = `0 0 1 ${((now.getMonth() + 6) % 12) + 1} *`;

/** How often jobs with these schedules ran. */
function counting(schedules: Readonly<Record<string, string>>, isAlsoForJumps = false) {
  const runs = new Map(Object.keys(schedules).map((name) => [name, 0]));
  const scheduler = new Scheduler(
    Object.entries(schedules).map(([name, schedule]) => ({
      name,
      schedule,
      isAlsoForJumps,
      run: async () => void runs.set(name, runs.get(name)! + 1),
    })),
  );
  return { scheduler, runs: (name: string) => runs.get(name)! };
}

test("jobs run on when the clock is set back a day", async () => {
  const { scheduler, runs } = counting({ often: "* * * * * *" });
  using _scheduler = scheduler;
  await expect.poll(() => runs("often"), PATIENCE).toBeGreaterThan(0);
  setClock(-24 * HOUR);
  const before = runs("often");
  // One may have been under way.
  await expect.poll(() => runs("often"), PATIENCE).toBeGreaterThan(before + 1);
});

test("after the clock was set ahead, as by a machine that slept, what was due meanwhile runs once, and nothing else", async () => {
  const { scheduler, runs } = counting({ daily: `0 ${(now.getHours() + 12) % 24} * * *`, rarely: RARELY });
  using _scheduler = scheduler;
  setClock(5 * 24 * HOUR);
  await expect.poll(() => runs("daily"), PATIENCE).toBe(1);
  const meanwhile = counting({ often: "* * * * * *" });
  using _meanwhile = meanwhile.scheduler;
  await expect.poll(() => meanwhile.runs("often"), PATIENCE).toBeGreaterThan(1);
  expect([runs("daily"), runs("rarely")]).toEqual([1, 0]);
});

test("what looks at the clock itself runs at once when it was set, either way", async () => {
  const { scheduler, runs } = counting({ rarely: RARELY }, true);
  using _scheduler = scheduler;
  setClock(HOUR);
  await expect.poll(() => runs("rarely"), PATIENCE).toBeGreaterThan(0);
  const before = runs("rarely");
  setClock(-24 * HOUR);
  await expect.poll(() => runs("rarely"), PATIENCE).toBeGreaterThan(before);
});

test("a job that still runs is not started again, nor because the clock was set", async () => {
  let begun = 0;
  const ended = Promise.withResolvers<void>();
  const run = (): Promise<void> => {
    begun++;
    return ended.promise;
  };
  const { scheduler, runs } = counting({ often: "* * * * * *" });
  using _often = scheduler;
  using slow = new Scheduler([{ name: "slow", schedule: "* * * * * *", isAlsoForJumps: true, run }]);
  await expect.poll(() => begun, PATIENCE).toBe(1);
  setClock(HOUR / 60);
  const before = runs("often");
  await expect.poll(() => runs("often"), PATIENCE).toBeGreaterThan(before + 2);
  expect(begun).toBe(1);
  ended.resolve();
  await expect.poll(() => begun, PATIENCE).toBeGreaterThan(1);
  expect(slow.statuses()[0]).toMatchObject({ name: "slow", error: null });
});

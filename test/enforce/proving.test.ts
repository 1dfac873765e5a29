import { expect, test } from "vitest";
import { DryRun } from "../../src/enforce/dry-run.ts";
import type { Proven } from "../../src/enforce/enforcer.ts";
import { Proving } from "../../src/enforce/proving.ts";
import { SekishoError } from "../../src/model/errors.ts";
import { type UnixMs, unixMs } from "../../src/model/time.ts";

const NOON = Date.UTC(2026, 10, 20, 12);
const PASSED: Proven = { kind: "passed", error: new SekishoError("BLOCK_WITHOUT_EFFECT", "let in", "look") };
const UNKNOWN: Proven = { kind: "unknown", why: "nobody answers" };
const REFUSED: Proven = { kind: "refused" };

/** Blocks nobody, and shows what a test says. */
class Showing extends DryRun {
  shows: (Proven | null | Error)[] = [];
  asked = 0;

  async prove(): Promise<Proven | null> {
    this.asked++;
    const next = this.shows.shift()!;
    if (next instanceof Error) throw next;
    return next;
  }
}

function proving(...shows: Showing["shows"]) {
  const enforcer = new Showing();
  enforcer.shows = shows;
  const clock = { time: NOON, now: (): UnixMs => unixMs(clock.time) };
  const stop = new AbortController();
  let changes = 0;
  const changed = (): void => void changes++;
  const tried = new Proving(enforcer, clock, changed, stop.signal);
  const ask = async (isNew = false): Promise<number> => {
    tried.ask(isNew);
    await tried.settled();
    return enforcer.asked;
  };
  return { tried, clock, ask, stop, changes: () => changes };
}

test("what was refused holds for an hour, or until something else is in force or the clock is set back", async () => {
  const { tried, clock, ask } = proving(...Array.from({ length: 5 }, () => REFUSED));
  expect(await ask()).toBe(1);
  expect([tried.provenAt, tried.note, tried.refutation]).toEqual(["2026-11-20T12:00:00.000Z", null, null]);
  clock.time += 3_599_999;
  expect(await ask()).toBe(1);
  clock.time += 1;
  expect(await ask()).toBe(2);
  expect(tried.provenAt).toBe("2026-11-20T13:00:00.000Z");
  expect(await ask(true)).toBe(3);
  clock.time -= 1;
  expect(await ask()).toBe(4);
  tried.forget();
  expect(tried.provenAt).toBeNull();
  expect(await ask()).toBe(5);
});

test("where nobody knows it is asked with each look, and says why", async () => {
  const { tried, ask } = proving(UNKNOWN, new Error("broken"), null, REFUSED);
  await ask();
  expect([tried.note, tried.provenAt]).toEqual(["not proven by a request: nobody answers", null]);
  await ask();
  expect(tried.note).toBe("not proven by a request: broken");
  await ask();
  expect([tried.note, tried.provenAt, tried.refutation]).toEqual([null, null, null]);
  expect(await ask()).toBe(4);
});

test("one that comes through is asked a second time before that is told", async () => {
  const { tried, ask, changes } = proving(PASSED, REFUSED, PASSED, PASSED);
  expect(await ask()).toBe(2);
  expect([tried.refutation, changes()]).toEqual([null, 1]);
  expect(await ask(true)).toBe(4);
  expect(tried.refutation).toMatchObject({ code: "BLOCK_WITHOUT_EFFECT" });
  expect([tried.provenAt, tried.note]).toEqual([null, null]);
});

test("only one question is under way, and stopping ends it without a word", async () => {
  const { tried, stop, ask, changes } = proving(PASSED, PASSED);
  tried.ask(true);
  tried.ask(true);
  stop.abort();
  expect(await ask()).toBe(1);
  expect([tried.refutation, changes()]).toEqual([null, 0]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Ahead } from "../../src/enforce/ahead.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("what was read ahead is for whoever asks first, and soon", async () => {
  const ahead = new Ahead<string>();
  expect(ahead.take()).toBeNull();
  ahead.begin(Promise.resolve("the world"));
  expect(await ahead.take()).toBe("the world");
  expect(ahead.take()).toBeNull();
  ahead.begin(Promise.resolve("of long ago"));
  vi.advanceTimersByTime(5_000);
  expect(ahead.take()).toBeNull();
});

test("what went wrong is told to whoever asks, and to nobody else", async () => {
  const ahead = new Ahead<string>();
  ahead.begin(Promise.reject(new Error("no permission")));
  await expect(ahead.take()).rejects.toThrow("no permission");
});

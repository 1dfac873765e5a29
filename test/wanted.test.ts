import { expect, test, vi } from "vitest";
import { configSchema } from "../src/config/schema.ts";
import { NEVER } from "../src/model/time.ts";
import { Wanted } from "../src/wanted.ts";
import { Store, target } from "./store/store-under-test.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("whom people let in is read again when somebody is let in, and not with each new ban", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const config = { ...configSchema.parse({}), logs: [] };
  const wanted = new Wanted(store.reader);
  const letIn = vi.spyOn(store.reader, "letIn");
  const ban = (text: string): void => {
    const decision = { kind: "ban", target: target(text), rule: null, by: "person", reason: "" } as const;
    store.writer.decide({ ...decision, at: store.clock.time, until: NEVER, reportedBy: null });
    wanted.blocks(config, "enforce");
  };
  const mayCover = (text: string): boolean => wanted.mayCover(target(text));

  for (const text of ["203.0.113.1", "203.0.113.2", "198.51.100.1"]) ban(text);
  expect(mayCover("203.0.113.0/24")).toBe(true);
  store.writer.revoke("ban", target("203.0.113.1"));
  wanted.blocks(config, "enforce");
  expect([mayCover("203.0.113.0/24"), mayCover("198.51.100.0/24")]).toEqual([false, true]);
  const read = letIn.mock.calls.length;
  for (const text of ["198.51.100.2", "198.51.100.3", "198.51.100.4"]) {
    ban(text);
    expect(mayCover("198.51.100.0/24")).toBe(true);
  }
  expect(letIn.mock.calls.length).toBe(read);
  ban("203.0.113.1");
  expect(mayCover("203.0.113.0/24")).toBe(true);
});

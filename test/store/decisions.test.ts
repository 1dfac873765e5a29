import { describe, expect, test } from "vitest";
import type { UnixMs } from "../../src/model/time.ts";
import { at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, Store, target } from "./store-under-test.ts";

describe("decisions", () => {
  test("are active, expired or revoked, and only active ones are to be enforced", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const decide = (text: string, until: number) =>
      store.writer.decide({
        kind: "ban",
        target: target(text),
        rule: null,
        by: "person",
        reason: "",
        at: at(0),
        until: until as UnixMs,
        reportedBy: null,
      });
    decide("192.0.2.1", at(500));
    decide("192.0.2.2", Number.POSITIVE_INFINITY);
    decide("192.0.2.3", at(5_000));
    expect(store.writer.revoke("ban", target("192.0.2.3"))).toBe(1);
    expect(store.writer.revoke("ban", target("192.0.2.3"))).toBe(0);
    expect(store.writer.revoke("ban", target("192.0.2.1"))).toBe(0);
    expect([...store.reader.bansRunning().all()]).toEqual([["192.0.2.2/32", Number.POSITIVE_INFINITY]]);
    expect(
      store.reader.bans({ ...all, state: null }).items.map(({ state, until }) => [state, until === null]),
    ).toEqual([
      ["revoked", false],
      ["active", true],
      ["expired", false],
    ]);
    for (const state of ["active", "expired", "revoked"] as const) {
      expect(store.reader.bans({ ...all, state }).items.map((ban) => ban.state)).toEqual([state]);
    }
  });

  test("bans are found by an address that they cover, or that lies in the range asked for, by state and page", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    for (const banned of [
      "192.0.2.0/24",
      "192.0.2.7",
      "198.51.100.7",
      "2001:db8:1::/64",
      "2001:db8:1::7/128",
    ]) {
      store.writer.decide({
        kind: "ban",
        target: target(banned),
        rule: null,
        by: "person",
        reason: "",
        at: at(0),
        until: at(5_000),
        reportedBy: null,
      });
    }
    store.writer.revoke("ban", target("192.0.2.7"));
    const found = (text: string, state: "active" | null = null) =>
      store.reader.bans({ ...all, state, touching: target(text) }).items.map((ban) => ban.target);
    expect(found("192.0.2.7")).toEqual(["192.0.2.7/32", "192.0.2.0/24"]);
    expect(found("192.0.2.7", "active")).toEqual(["192.0.2.0/24"]);
    expect(found("192.0.2.8")).toEqual(["192.0.2.0/24"]);
    expect(found("192.0.0.0/16")).toEqual(["192.0.2.7/32", "192.0.2.0/24"]);
    expect(found("2001:db8:1::7/128")).toEqual(["2001:db8:1::7/128", "2001:db8:1::/64"]);
    expect(found("2001:db8:1::/48")).toEqual(["2001:db8:1::7/128", "2001:db8:1::/64"]);
    expect(found("203.0.113.7")).toEqual([]);
    const page = { limit: 1, state: null, touching: target("192.0.2.7") };
    const { next } = store.reader.bans({ ...page, cursor: null });
    expect(store.reader.bans({ ...page, cursor: next }).items.map((ban) => ban.target)).toEqual([
      "192.0.2.0/24",
    ]);
  });

  test("a ban of what is banned replaces the running one", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    for (const until of [at(5_000), at(2_000)]) {
      store.writer.decide({
        kind: "ban",
        target: target("192.0.2.1"),
        rule: null,
        by: "person",
        reason: "",
        at: at(0),
        until,
        reportedBy: null,
      });
    }
    expect([...store.reader.bansRunning().all()]).toEqual([["192.0.2.1/32", at(2_000)]]);
    expect(store.reader.counts().activeBans).toBe(1);
  });
});

import { join } from "node:path";
import Database from "better-sqlite3";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Block } from "../../src/model/decision.ts";
import type { Target } from "../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../src/model/time.ts";
import { RunningBans } from "../../src/store/running-bans.ts";
import { at } from "../evaluate/events.ts";
import { runs } from "../property.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Store, target } from "./store-under-test.ts";

const everybody = () => true;
const sorted = (blocks: readonly Block[]): Block[] =>
  [...blocks].sort((one, other) => (one.target < other.target ? -1 : 1));

function ban(store: Store, text: string, until: UnixMs): void {
  const decision = { kind: "ban", target: target(text), rule: null, by: "person", reason: "" } as const;
  store.writer.decide({ ...decision, at: store.clock.time, until, reportedBy: null });
}

test("one more ban leaves the others the same objects in the same order", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const running = new RunningBans(store.reader.bansRunning());
  for (const text of ["192.0.2.3", "192.0.2.1", "192.0.2.2"]) ban(store, text, NEVER);
  const before = running.read(everybody, false);
  ban(store, "192.0.2.0", NEVER);
  const after = running.read(everybody, false);
  expect(after.slice(0, 3).every((block, index) => block === before[index])).toBe(true);
  expect(after[3]!.target).toBe("192.0.2.0/32");
  expect(before).toHaveLength(3);
  expect(running.read(everybody, false)).toBe(after);
});

test("a ban whose time came is none, and is one again when the clock is set back", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const running = new RunningBans(store.reader.bansRunning());
  ban(store, "192.0.2.1", at(2_000));
  expect(running.read(everybody, false)).toHaveLength(1);
  store.clock.time = at(2_000);
  expect(running.read(everybody, false)).toEqual([]);
  store.clock.time = at(1_500);
  expect(running.read(everybody, false)).toHaveLength(1);
});

test("a database from before revocations were counted goes on with what was revoked then and since", () => {
  using folder = temporaryFolder();
  {
    using store = new Store(folder.path);
    for (const text of ["192.0.2.1", "192.0.2.2"]) ban(store, text, NEVER);
    store.writer.revoke("ban", target("192.0.2.1"));
  }
  const older = new Database(join(folder.path, "sekisho.sqlite"));
  older.exec(
    "DROP INDEX decisions_reported; ALTER TABLE sources DROP COLUMN newest_event; DROP INDEX findings_rule; DROP INDEX decisions_revoked; ALTER TABLE decisions DROP COLUMN revocation; PRAGMA user_version = 10",
  );
  older.close();
  using store = new Store(folder.path);
  const running = new RunningBans(store.reader.bansRunning());
  expect(running.read(everybody, false)).toEqual([{ target: "192.0.2.2/32", until: NEVER }]);
  expect(store.reader.letIn()).toEqual(["192.0.2.1/32"]);
  store.writer.revoke("ban", target("192.0.2.2"));
  expect(running.read(everybody, false)).toEqual([]);
  expect(store.reader.letIn().sort()).toEqual(["192.0.2.1/32", "192.0.2.2/32"]);
});

type Step =
  | { readonly kind: "ban"; readonly text: string; readonly seconds: number | null }
  | { readonly kind: "revoke"; readonly text: string }
  | { readonly kind: "panic" | "spare" }
  | { readonly kind: "wait"; readonly seconds: number };

test("following what changes leads to what reading all of it says", () => {
  const text = fc.nat(5).map((last) => `192.0.2.${last}`);
  const seconds = fc.integer({ min: 1, max: 40 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("ban"), text, seconds: fc.option(seconds) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("revoke"), text }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("panic", "spare") }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("wait"), seconds: fc.integer({ min: -9, max: 30 }) }),
    },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 25 }), (steps) => {
      using folder = temporaryFolder();
      using store = new Store(folder.path);
      const rows = store.reader.bansRunning();
      const running = new RunningBans(rows);
      let spared: Target | null = null;
      const isWanted = (each: Target): boolean => each !== spared;
      for (const [each, isRead] of steps) {
        if (each.kind === "ban") {
          const until = each.seconds === null ? NEVER : unixMs(store.clock.time + each.seconds * 1_000);
          ban(store, each.text, until);
        } else if (each.kind === "revoke") store.writer.revoke("ban", target(each.text));
        else if (each.kind === "panic") store.writer.liftBans("all");
        else if (each.kind === "wait") store.clock.time = unixMs(store.clock.time + each.seconds * 1_000);
        else {
          spared = spared === null ? target("192.0.2.1") : null;
          running.read(isWanted, true);
        }
        if (!isRead) continue;
        const blocks = [...rows.all()].map(([target, until]) => ({ target, until }));
        const all = blocks.filter(({ target }) => isWanted(target));
        expect(sorted(running.read(isWanted, false))).toEqual(sorted(all));
      }
    }),
    { numRuns: runs(25) },
  );
});

import { expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import { toIso } from "../../src/model/time.ts";
import { access, at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { finding, Store, target } from "./store-under-test.ts";

const DAY = 86_400;

test("findings and bans of each rule are counted by the time of their lines, within a day", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  const batch = (now: number, rule: string, seconds: number, ban: boolean): void => {
    store.clock.time = at(now);
    const events: LogEvent[] = [access("192.0.2.7", seconds)];
    store.commit(events, [finding("192.0.2.7", seconds, { rule })], ban ? [target("192.0.2.7")] : []);
  };
  batch(0, "probing", 0, true);
  batch(DAY - 60, "probing", DAY - 60, true);
  batch(DAY, "probing", DAY, false);
  // Read today, of last year.
  batch(DAY + 60, "probing", -300 * DAY, true);
  batch(DAY + 120, "flood", DAY + 120, true);
  store.writer.decide({
    kind: "ban",
    target: target("192.0.2.8"),
    rule: null,
    by: "person",
    reason: "",
    at: at(DAY),
    until: at(2 * DAY),
    reportedBy: null,
  });
  store.clock.time = at(DAY + 300);
  expect(store.reader.ruleCounts()).toEqual(
    new Map([
      ["probing", { findings: 2, bans: 1 }],
      ["flood", { findings: 1, bans: 1 }],
    ]),
  );
  const [newest, other, ...more] = store.reader.ruleFindings("probing");
  expect(more).toEqual([]);
  expect(newest).toMatchObject({ subject: "192.0.2.7", lastSeen: toIso(at(DAY)), spared: null });
  expect(newest).not.toHaveProperty("evidence");
  expect(other!.lastSeen).toBe(toIso(at(DAY - 60)));
  expect(store.reader.incident(newest!.incident)!.findings.map(({ id }) => id)).toContain(newest!.id);
  store.clock.time = at(3 * DAY);
  expect(store.reader.ruleFindings("probing")).toEqual([]);
  expect(store.reader.ruleCounts()).toEqual(new Map());
});

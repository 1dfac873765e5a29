import { describe, expect, test } from "vitest";
import { access, at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, finding, Store, target } from "./store-under-test.ts";

describe("incidents", () => {
  test("gather the findings on one subject, with the worst severity, until a day is quiet or a person closes them", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit(
      [access("192.0.2.7", 0)],
      [finding("192.0.2.7", 10), finding("192.0.2.9", 10)],
      [target("192.0.2.7")],
    );
    store.commit([access("192.0.2.7", 0)], [finding("192.0.2.7", 20, { rule: "s", severity: "high" })]);
    const [, first] = store.reader.incidents({ ...all, state: "open" }).items;
    expect(first).toMatchObject({
      subject: "192.0.2.7",
      severity: "high",
      findingCount: 2,
      rules: ["r", "s"],
      ban: { state: "active" },
    });
    expect(store.writer.setIncidentState(first!.id, "closed")).toBe(true);
    expect(store.writer.setIncidentState(99, "closed")).toBe(false);
    store.commit([access("192.0.2.7", 0)], [finding("192.0.2.7", 30), finding("192.0.2.9", 200_000)]);
    expect(store.reader.incidents({ ...all, state: "open" }).items).toHaveLength(3);
    expect(store.reader.incident(first!.id)!.findings[0]!.evidence).toEqual(["first line", "last line"]);
    expect(store.reader.incident(99)).toBeNull();
  });
});

test("incidents that were quiet for long are closed, and others are not", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  store.commit([access("192.0.2.7", 0)], [finding("192.0.2.7", 10), finding("192.0.2.9", 1_000)]);
  expect(store.writer.closeQuietIncidents(at(500))).toBe(1);
  expect(store.reader.incidents({ ...all, state: "open" }).items.map(({ subject }) => subject)).toEqual([
    "192.0.2.9",
  ]);
});

import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { BLOCK, ClientBlocks } from "../../src/store/client-blocks.ts";
import { Dictionary } from "../../src/store/dictionary.ts";
import { EventRows } from "../../src/store/event-rows.ts";
import { access, at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, finding, Store } from "./store-under-test.ts";

describe("a batch", () => {
  test("is stored whole or not at all, and can be tried again", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit([access("192.0.2.7", 0)]);
    const impossible = { ...access("192.0.2.8", 1), status: "not a number" as unknown as number };
    expect(() =>
      store.commit([access("192.0.2.8", 1, { path: "/new" }), impossible], [finding("192.0.2.8", 1)]),
    ).toThrowError();
    expect(store.reader.eventCounts().access).toBe(1);
    expect(store.reader.incidents({ ...all, state: null }).items).toEqual([]);
    expect(store.checkpoints()[0]!.offset).toBe(100);
    store.commit([access("192.0.2.8", 1, { path: "/new" })]);
    expect(store.reader.events({ ...all, client: "192.0.2.8" as never, kind: null }).items[0]!.path).toBe(
      "/new",
    );
  });

  test("that waits for room on the disk is not kept once more with each attempt", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const written: string[] = [];
    const database = new Database(store.file, { verbose: (sql) => void written.push(String(sql)) });
    const blocks = new ClientBlocks(database);
    const rows = new EventRows(database, new Dictionary(database), blocks);
    const attempt = (): number => {
      database.exec("BEGIN");
      rows.insert([access("192.0.2.7", 0), access("192.0.2.7", 1)], BLOCK - 1);
      blocks.flush();
      database.exec("ROLLBACK");
      return written.splice(0).filter((sql) => sql.includes("INTO client_blocks")).length;
    };
    expect([attempt(), attempt(), attempt()]).toEqual([2, 2, 2]);
    database.close();
  });

  test("counts traffic by minute and class, refusals apart", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(119);
    const statuses = [101, 200, 204, 301, 403, 404, 500, 999];
    store.commit([
      ...statuses.map((status) => access("192.0.2.7", 10, { status })),
      access("192.0.2.7", 70, { status: 403, refused: true }),
    ]);
    expect(store.reader.traffic(2)).toEqual([
      { time: new Date(at(0)).toISOString(), s1xx: 1, s2xx: 2, s3xx: 1, s4xx: 2, s5xx: 1, refused: 0 },
      { time: new Date(at(60)).toISOString(), s1xx: 0, s2xx: 0, s3xx: 0, s4xx: 0, s5xx: 0, refused: 1 },
    ]);
  });
});

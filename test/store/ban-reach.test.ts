import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { access, at, errorEvent } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { Store, target } from "./store-under-test.ts";

const DAY = 86_400;

test("a ban's reach is its size, and the clients of the last day that it would refuse, though a block has those of months", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  store.clock.time = at(0);
  store.commit(["203.0.113.1", "203.0.113.2", "192.0.2.1"].map((client) => access(client, 0)));
  store.clock.time = at(3 * DAY);
  store.commit([
    ...["203.0.113.2", "203.0.113.3", "203.0.200.4", "198.51.100.1"].map((client) => access(client, 3 * DAY)),
    ...["2001:db8:1::1", "2001:db8:2::1", "2001:db9::1"].map((client) => access(client, 3 * DAY)),
    access("203.0.113.3", 3 * DAY),
    errorEvent("203.0.113.77", 3 * DAY, "AH01630"),
  ]);
  const reach = (text: string) => store.reader.banReach(target(text));
  const since = new Date(at(2 * DAY)).toISOString();
  expect(reach("203.0.0.0/16")).toEqual({
    ...{ target: "203.0.0.0/16", isWide: true, addresses: 65_536, networks: null },
    ...{ clients: 3, allClients: 7, since },
  });
  expect(reach("203.0.113.0/24")).toMatchObject({ isWide: false, addresses: 256, clients: 2 });
  expect(reach("0.0.0.0/0")).toMatchObject({ isWide: true, addresses: 2 ** 32, clients: 4 });
  expect(reach("2001:db8::/32")).toMatchObject({
    isWide: true,
    networks: 2 ** 32,
    addresses: null,
    clients: 2,
  });
  expect(reach("2001:db8:1::/48")).toMatchObject({ isWide: false, networks: 65_536, clients: 1 });
  expect(reach("2001:db8:1::1/128")).toMatchObject({ isWide: false, networks: 1, clients: 1 });
  store.clock.time = at(9 * DAY);
  expect(reach("203.0.0.0/16")).toMatchObject({ clients: 0, allClients: 0 });
});

test("of a busy site the last events of the day count, and since when is told", () => {
  using folder = temporaryFolder();
  using store = new Store(folder.path);
  store.clock.time = at(DAY);
  store.commit([access("203.0.113.1", DAY)]);
  // As a hundred blocks of 4,096 events within an hour leave them.
  const busy = new Database(store.file);
  busy.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO client_blocks SELECT i, '203.0.113.' || i, 1 FROM n`);
  busy.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO spans SELECT i * 4096, ${at(DAY)} + i * 1000, ${at(DAY)} + i * 1000 FROM n`);
  busy.close();
  store.clock.time = at(DAY + 101);
  expect(store.reader.banReach(target("203.0.0.0/16"))).toMatchObject({
    ...{ clients: 50, allClients: 50, since: new Date(at(DAY + 51)).toISOString() },
  });
});

import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { Ip, Target } from "../../src/model/ip.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { RunningBans } from "../../src/store/running-bans.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { at } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const EVENTS = 1_000_000;
const BANS = 100_000;
const clock = { now: () => at(0) };

/** Requests, bans of which all run, each with an incident, and one incident that never ends. */
function fill(file: string): void {
  const database = new Database(file);
  const numbers = (count: number) =>
    `WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT ${count})`;
  const address = "printf('10.%d.%d.%d', n >> 16 & 255, n >> 8 & 255, n & 255)";
  database.exec(`BEGIN;
    INSERT INTO sources (path, kind) VALUES ('/var/log/access.log', 'access');
    ${numbers(EVENTS)} INSERT INTO events (id, time, kind, source, client, refused, status)
      SELECT id, ${at(-1)}, 1, 1, ${address}, 0, 200 FROM (SELECT n AS id, n % ${BANS} + 1 AS n FROM n);
    INSERT INTO client_blocks SELECT DISTINCT id >> 12, client, kind FROM events;
    ${numbers(BANS)} INSERT INTO incidents
      SELECT n, ${address}, ${address} || '/32', 'medium', 'open', ${at(-2)}, ${at(-1)} FROM n;
    ${numbers(100)} INSERT INTO sockets (key, state, opened_at, client, path, vhost)
      SELECT n, 'open', ${at(-1)}, printf('192.0.2.%d', n), '/ws', 'v' FROM n;
    ${numbers(BANS / 2)} INSERT INTO findings
      SELECT n, ${BANS}, 'rule-' || n % 20, 'Title', 'medium', '10.1.134.160', ${at(-2)}, ${at(-1)}, 5, '["${"x".repeat(500)}"]', NULL, n FROM n;
    ${numbers(BANS)} INSERT INTO decisions
      SELECT n, 'ban', ${address} || '/32', 'r', 'rule', 'why', ${at(-1)}, ${at(3_600)}, NULL, NULL, n, NULL, NULL, NULL FROM n;
    COMMIT`);
  database.close();
}

test("nothing that the dashboard asks reads a million requests or 100,000 bans from end to end", () => {
  using folder = temporaryFolder();
  const file = join(folder.path, "sekisho.sqlite");
  using writer = new StoreWriter(file, 1, clock);
  fill(file);
  using reader = new StoreReader(file, clock);
  const page = { limit: 50, cursor: null };
  const running = new RunningBans(reader.bansRunning());
  running.read(() => true, false);
  const asked: Record<string, () => unknown> = {
    counts: () => reader.counts(),
    unban: () => writer.revoke("ban", "192.0.2.1/32" as Target),
    "what changed in the bans": () => running.read(() => true, false),
    "socket holders": () => reader.socketHolders(100),
    incidents: () => reader.incidents({ ...page, state: null }),
    "incident that goes on": () => reader.incident(BANS),
    "open incidents": () => reader.incidents({ ...page, state: "open" }),
    "closed incidents": () => reader.incidents({ ...page, state: "closed" }),
  };
  for (const state of [null, "active", "expired", "revoked"] as const) {
    asked[`bans: ${state}`] = () => reader.bans({ ...page, state });
  }
  asked["bans of one address"] = () =>
    reader.bans({ ...page, state: null, touching: "10.0.0.9/32" as Target });
  for (const kind of [null, "access", "error", "audit", "unparsed"] as const) {
    asked[`events: ${kind}`] = () => reader.events({ ...page, client: null, kind });
    asked[`events of one: ${kind}`] = () => reader.events({ ...page, client: "10.0.0.9" as Ip, kind });
  }
  const plain = new Database(file, { readonly: true });
  onTestFinished(() => void plain.close());
  const scan = plain.prepare("SELECT count(*) FROM events WHERE status = 0");
  // The quickest of several, as the machine may be busy.
  const quickest = (ask: () => unknown): number =>
    Math.min(
      ...Array.from({ length: 5 }, () => {
        const started = performance.now();
        ask();
        return performance.now() - started;
      }),
    );
  // To read all bans takes longer than this scan.
  const whole = quickest(() => scan.get());
  const slow = Object.entries(asked).filter(([, ask]) => quickest(ask) > whole / 2);
  expect(slow.map(([name]) => name)).toEqual([]);
  expect(reader.counts()).toMatchObject({ activeBans: BANS, openIncidents: BANS });
});

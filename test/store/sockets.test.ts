import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Evaluator } from "../../src/evaluate/evaluator.ts";
import { Sockets } from "../../src/evaluate/sockets.ts";
import type { LogEvent, OpeningEvent } from "../../src/model/event.ts";
import { parseTarget } from "../../src/model/ip.ts";
import type { Clock } from "../../src/model/time.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { access, at, errorEvent, opening, socketEnd } from "../evaluate/events.ts";
import { ruleOf } from "../evaluate/rules.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const CLIENT = "203.0.113.7";
const RULE = ruleOf("handshakes", {
  match: { handshake: true },
  bucket: { kind: "threshold", count: 3, window: "10m" },
});
const clock: Clock = { now: () => at(100_000) };
const all = { limit: 50, cursor: null, state: null, client: null };

/** The part of ingestion that follows sockets: it judges and stores batches, and can be started anew at any time. */
class Follower implements Disposable {
  readonly #file: string;
  #writer!: StoreWriter;
  reader!: StoreReader;
  #sockets!: Sockets;
  #evaluator!: Evaluator;
  #source!: ReturnType<StoreWriter["register"]>;
  #offset = 0;
  findings = 0;

  constructor(folder: string) {
    this.#file = join(folder, "sekisho.sqlite");
    this.#open();
  }

  #open(): void {
    this.#writer = new StoreWriter(this.#file, 1 << 20, clock);
    this.reader = new StoreReader(this.#file, clock);
    this.#source = this.#writer.register({ path: "/var/log/error.log", kind: "error" });
    this.#sockets = new Sockets(this.#writer.sockets.unended(), this.#writer.sockets.nextId);
    this.#evaluator = new Evaluator([RULE]);
    const recent = this.#sockets.recalled(this.#writer.recentEvents(this.#evaluator.memory));
    this.#evaluator.restore(recent, this.#writer.consumed(this.#evaluator.memory), []);
  }

  restart(): void {
    this[Symbol.dispose]();
    this.#open();
  }

  batch(...events: LogEvent[]): void {
    const sockets = this.#sockets.follow(events);
    const findings = this.#evaluator.evaluate(events);
    this.findings += findings.length;
    this.#writer.commit({
      events,
      sockets,
      findings,
      judgements: findings.map(() => ({ kind: "none" })),
      checkpoint: {
        source: this.#source.id,
        fingerprint: { device: 1, inode: 2, head: "ab", headLength: 1 },
        offset: ++this.#offset,
        tail: "",
      },
    });
  }

  /** How many the client has open, with one that it opens now. */
  openWith(event: OpeningEvent): number | undefined {
    this.batch(opening("198.51.100.99", -99), socketEnd("198.51.100.99", -99));
    this.batch(event);
    return event.openSockets;
  }

  deleteOld(before: number): void {
    while (this.#writer.retain({ before: at(before), disk: null }));
  }

  ban(range: string, untilSeconds: number): void {
    this.#writer.decide({
      kind: "ban",
      target: parseTarget(range)!,
      rule: null,
      by: "person",
      reason: "",
      at: at(0),
      until: at(untilSeconds),
      reportedBy: null,
    });
  }

  items = () => this.reader.sockets(all).items;

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    this.#writer[Symbol.dispose]();
  }
}

describe("sockets", () => {
  test("are open with all that the opening told, secrets masked, and complete once they have closed", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    const asked = { source: 1, path: "/ws/room", query: "id=1&ticket=s3cret" };
    follower.batch(
      opening(CLIENT, 0, {
        ...asked,
        origin: "https://evil.example",
        user: "ann",
        userAgent: "x".repeat(9_000),
      }),
    );
    expect(follower.reader.counts().openSockets).toBe(1);
    const [open] = follower.items();
    expect(open).toMatchObject({
      state: "open",
      client: CLIENT,
      openedAt: "2026-11-20T12:00:00.000Z",
      path: "/ws/room",
      query: "id=1&ticket=***",
      origin: "https://evil.example",
      user: "ann",
      closedAt: null,
      lifetimeMs: null,
      bytesIn: null,
    });
    expect(open!.userAgent).toHaveLength(512);

    // As a JSON log may count.
    const fractions = { durationUs: 5_000_000.4, bytesIn: 299.6 };
    follower.batch(socketEnd(CLIENT, 0, { ...asked, origin: "https://evil.example", ...fractions }));
    expect(follower.items()).toMatchObject([
      {
        state: "closed",
        closedAt: "2026-11-20T12:00:05.000Z",
        lifetimeMs: 5_000,
        status: 101,
        bytesIn: 300,
        bytesOut: 200,
      },
    ]);
    expect(follower.reader.counts().openSockets).toBe(0);
    const [end, opened] = follower.reader.events({ limit: 9, cursor: null, client: null, kind: null }).items;
    expect([opened?.kind, end?.kind]).toEqual(["opening", "access"]);
    expect(opened).toMatchObject({
      path: "/ws/room",
      query: "id=1&ticket=***",
      origin: "https://evil.example",
    });
  });

  test("whose end was read first are complete at once", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(socketEnd(CLIENT, 0, { status: 403, durationUs: undefined }));
    follower.batch(opening(CLIENT, 0));
    expect(follower.items()).toMatchObject([{ state: "closed", status: 403, closedAt: null }]);
  });

  test("that were open when Apache stopped are lost, and complete where a line comes after all", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(opening(CLIENT, 0), opening(CLIENT, 0, { path: "/other" }));
    follower.batch({ ...errorEvent(null, 60, "AH00489"), module: "mpm_event" }, opening(CLIENT, 61));
    expect(follower.items().map(({ state }) => state)).toEqual(["open", "lost", "lost"]);
    follower.restart();
    follower.batch(socketEnd(CLIENT, 0));
    expect(follower.items().map(({ state }) => state)).toEqual(["open", "lost", "closed"]);
  });

  test("are counted by client across a restart, but for those that were lost", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(opening(CLIENT, 0), opening(CLIENT, 1), opening("192.0.2.8", 2));
    follower.restart();
    expect(follower.openWith(opening(CLIENT, 3))).toBe(3);
    follower.batch(socketEnd(CLIENT, 0));
    follower.restart();
    expect(follower.openWith(opening(CLIENT, 4))).toBe(3);
    follower.batch({ ...errorEvent(null, 60, "AH00489"), module: "mpm_event" });
    follower.restart();
    expect(follower.openWith(opening(CLIENT, 61))).toBe(1);
  });

  test("are summed up by who holds them, the most first", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(
      opening("192.0.2.8", 0, { host: null }),
      ...[1, 2, 3].map((second) => opening(CLIENT, second, { origin: "https://evil.example" })),
      opening(CLIENT, 4),
      opening("192.0.2.9", 5, { path: "/closed" }),
      socketEnd("192.0.2.9", 5, { path: "/closed" }),
    );
    const place = { host: "site.example", path: "/ws" };
    expect(follower.reader.socketHolders(2)).toEqual([
      {
        client: CLIENT,
        origin: "https://evil.example",
        ...place,
        open: 3,
        firstOpenedAt: "2026-11-20T12:00:01.000Z",
        lastOpenedAt: "2026-11-20T12:00:03.000Z",
        banned: false,
        incident: 1,
      },
      {
        client: CLIENT,
        origin: null,
        ...place,
        open: 1,
        firstOpenedAt: "2026-11-20T12:00:04.000Z",
        lastOpenedAt: "2026-11-20T12:00:04.000Z",
        banned: false,
        incident: 1,
      },
    ]);
    expect(follower.reader.socketHolders(9).at(-1)).toMatchObject({
      client: "192.0.2.8",
      ...place,
      incident: null,
    });
  });

  test("tell who holds them though a ban covers the client, until it ends", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(opening(CLIENT, 0), opening("2001:db8:1:2::9", 1), opening("192.0.2.8", 2));
    follower.ban("203.0.113.0/24", 200_000);
    follower.ban("2001:db8:1:2::/64", Number.POSITIVE_INFINITY);
    follower.ban("192.0.2.8/32", 10);
    const banned = follower.reader.socketHolders(9).map((holder) => [holder.client, holder.banned]);
    expect(new Map(banned as [string, boolean][])).toEqual(
      new Map([
        [CLIENT, true],
        ["2001:db8:1:2::9", true],
        ["192.0.2.8", false],
      ]),
    );
  });

  test("of old days are deleted with their events, open ones are not", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(opening(CLIENT, 0), opening(CLIENT, 1, { path: "/other" }), socketEnd(CLIENT, 0));
    follower.deleteOld(50_000);
    expect(follower.items().map(({ state }) => state)).toEqual(["open"]);
  });

  test("are counted as openings, not as error lines", () => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    follower.batch(opening(CLIENT, 0), errorEvent(CLIENT, 0, "AH01630"));
    expect(follower.reader.eventCounts()).toMatchObject({ opening: 1, error: 1, access: 0 });
  });
});

// Three sockets, with a line that belongs to none between them; a start anew after each line, and after none.
const STORY: readonly (() => LogEvent)[] = [
  () => opening(CLIENT, 0),
  () => socketEnd(CLIENT, 5, { path: "/b" }),
  () => access(CLIENT, 6),
  () => opening(CLIENT, 5, { path: "/b" }),
  () => socketEnd(CLIENT, 0),
  () => opening(CLIENT, 9),
  () => socketEnd(CLIENT, 9),
];
test.each([...STORY.keys(), STORY.length])(
  "after a restart behind line %i each socket counts once",
  (restartAt) => {
    using folder = temporaryFolder();
    using follower = new Follower(folder.path);
    const found = STORY.map((line, index) => {
      follower.batch(line());
      if (index === restartAt) follower.restart();
      return follower.findings;
    });
    expect(found).toEqual([0, 0, 0, 0, 0, 1, 1]);
    expect(follower.items().map(({ state }) => state)).toEqual(["closed", "closed", "closed"]);
  },
);

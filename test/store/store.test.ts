import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import type { Finding } from "../../src/model/finding.ts";
import { parseTarget, type Subject, type Target } from "../../src/model/ip.ts";
import type { Clock, UnixMs } from "../../src/model/time.ts";
import { lockData } from "../../src/store/database.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { access, at, audit, errorEvent } from "../evaluate/events.ts";
import { missing } from "../requirements.ts";
import { temporaryFolder } from "../temporary-folder.ts";

class Store implements Disposable {
  readonly file: string;
  readonly clock: Clock & { time: UnixMs } = { time: at(1_000), now: () => this.clock.time };
  readonly writer: StoreWriter;
  readonly reader: StoreReader;
  readonly #source: ReturnType<StoreWriter["register"]>;
  #offset = 0;

  constructor(folder: string, unparsedBudget = 1 << 20) {
    this.file = join(folder, "sekisho.sqlite");
    this.writer = new StoreWriter(this.file, unparsedBudget, this.clock);
    this.reader = new StoreReader(this.file, this.clock);
    this.#source = this.writer.register({
      path: "/var/log/access.log",
      kind: "access",
      format: "auto",
      timezone: null,
    });
  }

  commit(events: readonly LogEvent[], findings: readonly Finding[] = [], bans: readonly Target[] = []): void {
    this.#offset += 100;
    this.writer.commit({
      events,
      findings,
      judgements: findings.map((finding, index) =>
        bans[index] === undefined
          ? { kind: "none" }
          : {
              kind: "ban",
              decision: {
                kind: "ban",
                target: bans[index],
                rule: finding.rule,
                by: "rule",
                reason: "why",
                at: finding.lastSeen,
                until: at(5_000),
                reportedBy: finding.report?.source ?? null,
              },
            },
      ),
      checkpoint: {
        source: this.#source.id,
        fingerprint: { device: 1, inode: 2, head: "ab", headLength: 1 },
        offset: this.#offset,
      },
    });
  }
  checkpoints = () => this.writer.checkpoints(this.#source);

  [Symbol.dispose](): void {
    this.reader[Symbol.dispose]();
    this.writer[Symbol.dispose]();
  }
}

const target = (text: string): Target => parseTarget(text)!;
const finding = (subject: string, seconds: number, fields: Partial<Finding> = {}): Finding => ({
  rule: "r",
  title: "Title",
  severity: "medium",
  subject: subject as Subject,
  firstSeen: at(seconds - 5),
  lastSeen: at(seconds),
  count: 5,
  evidence: ["first line", "last line"],
  ban: "default",
  eventIndex: 0,
  report: null,
  ...fields,
});
const all = { limit: 50, cursor: null };

describe("events", () => {
  test("come back from the store as they were parsed, absent fields absent and missing ones missing", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const events = [
      access("192.0.2.7", 0, {
        origin: null,
        upgrade: "websocket",
        host: undefined,
        query: "a=1",
        durationUs: 7,
        vhost: "v",
      }),
      access("2001:db8::1", 1, {
        origin: undefined,
        user: "a b",
        referer: null,
        refused: true,
        bytes: undefined,
      }),
      errorEvent("192.0.2.7", 2, "AH01630", "client denied"),
      errorEvent(null, 3, "AH00957"),
      audit("192.0.2.9", 4, "ws.rate_exceeded"),
    ];
    store.commit(events);
    const [batch] = [...store.writer.recentEvents(3_600_000)];
    const withoutLine = (event: LogEvent) => ({ ...event, line: "", source: 1 });
    expect(batch!.events.map(withoutLine)).toEqual(events.map(withoutLine));
    expect(batch!.firstEvent).toBe(1);
  });

  test("are stored without the secrets in their paths, queries, referers and messages, and so is all evidence", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const secret = "s3cr3t-value";
    const request = {
      path: `/a;jsessionid=${secret}`,
      query: `token=${secret}&b=1`,
      referer: `https://x/?pwd=${secret}`,
    };
    const unparsed: LogEvent = {
      kind: "unparsed",
      time: at(3),
      source: 1,
      line: `x?ticket=${secret}`,
      reason: "format",
    };
    store.commit(
      [access("192.0.2.7", 0, request), errorEvent("192.0.2.7", 2, "AH01", `GET /?sid=${secret}`), unparsed],
      [finding("192.0.2.7", 1, { evidence: [`GET /?access_token=${secret} HTTP/1.1`] })],
    );
    store[Symbol.dispose]();
    for (const file of readdirSync(folder.path)) {
      expect(readFileSync(join(folder.path, file), "latin1"), file).not.toContain(secret);
    }
    using again = new StoreReader(store.file, store.clock);
    const shown = again.events({ ...all, client: null, kind: "access" }).items[0]!;
    expect(shown).toMatchObject({ path: "/a;jsessionid=***", query: "token=***&b=1" });
  });

  test("are found by client and kind, a page at a time", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit(Array.from({ length: 25 }, (_, n) => access(`192.0.2.${n % 2}`, n, { path: `/${n}` })));
    const query = { client: "192.0.2.1" as never, kind: "access" as const, limit: 10 };
    const first = store.reader.events({ ...query, cursor: null });
    const second = store.reader.events({ ...query, cursor: first.next });
    expect(first.items).toHaveLength(10);
    expect(second.items.map(({ path }) => path)).toEqual(["/3", "/1"]);
    expect(second.next).toBeNull();
    expect(store.reader.events({ ...all, client: null, kind: "error" }).items).toEqual([]);
  });

  test("that did not parse are always counted, and their newest bytes kept up to the budget", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path, 1_000);
    const broken = (n: number): LogEvent => ({
      kind: "unparsed",
      time: at(n),
      source: 1,
      line: `${String(n).padStart(3, "0")}${"x".repeat(97)}`,
      reason: "format",
    });
    for (let n = 0; n < 30; n++) store.commit([broken(n)]);
    const { items } = store.reader.events({ ...all, client: null, kind: "unparsed" });
    expect(items).toHaveLength(30);
    expect(
      items.filter(({ message }) => message !== null).map(({ message }) => message!.slice(0, 3)),
    ).toEqual(Array.from({ length: 10 }, (_, n) => String(29 - n).padStart(3, "0")));
    expect(items[0]!.reason).toBe("format");
    expect(store.reader.eventCounts()).toMatchObject({ access: 0, unparsed: 30 });
  });

  test("are deleted by age, a few at a time, and what is younger stays", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    for (let n = 0; n < 100; n++) store.commit([access("192.0.2.7", n * 60)]);
    let deleted = 0;
    for (let some = -1; some !== 0; deleted += some) some = store.writer.deleteOldEvents(at(60 * 60), 7);
    expect(deleted).toBeGreaterThan(50);
    const left = store.reader.events({ limit: 500, cursor: null, client: null, kind: null }).items;
    expect(left.every(({ time }) => Date.parse(time) >= at(58 * 60))).toBe(true);
    expect(left).toHaveLength(100 - deleted);
  });

  test("of which all were deleted leave nothing behind that stops the next after a restart", () => {
    using folder = temporaryFolder();
    const unparsed: LogEvent = {
      kind: "unparsed",
      time: at(0),
      source: 1,
      line: "x".repeat(600),
      reason: "format",
    };
    {
      using store = new Store(folder.path, 1_000);
      store.commit([unparsed]);
      expect(store.writer.deleteOldEvents(at(100_000), 10)).toBe(1);
    }
    using store = new Store(folder.path, 1_000);
    store.commit([unparsed]);
    expect(store.writer.deleteOldEvents(at(100_000), 10)).toBe(1);
    store.commit([unparsed]);
    const { items } = store.reader.events({ ...all, client: null, kind: "unparsed" });
    expect(items.map(({ message }) => message?.length)).toEqual([600]);
  });

  test("one with a time in the future hides no others from a restart or from deletion", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.clock.time = at(10);
    store.commit([access("192.0.2.1", 0)]);
    store.commit([access("192.0.2.2", 100_000), access("192.0.2.3", 1)], [finding("192.0.2.3", 1)]);
    const clients = [...store.writer.recentEvents(60_000)].flatMap(({ events }) =>
      events.map((event) => (event.kind === "access" ? event.client : null)),
    );
    expect(clients).toEqual(["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
    expect(store.writer.consumed(60_000)).toMatchObject([
      { subject: "192.0.2.3", rule: "r", throughEvent: 2 },
    ]);
    store.clock.time = at(5_000);
    expect(store.writer.deleteOldEvents(at(4_000), 10)).toBe(3);
  });

  test("that were forgiven are known by the target whose ban was lifted", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit([access("192.0.2.1", 0), access("192.0.2.1", 1)]);
    const range = target("192.0.2.0/24");
    store.writer.decide({
      kind: "ban",
      target: range,
      rule: null,
      by: "person",
      reason: "",
      at: at(2),
      until: at(9_000),
      reportedBy: null,
    });
    expect(store.writer.forgiven(60_000)).toEqual([]);
    store.writer.revoke("ban", range);
    expect(store.writer.forgiven(60_000)).toEqual([{ target: "192.0.2.0/24", throughEvent: 2 }]);
  });
});

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
    expect(store.reader.activeBlocks()).toEqual([
      { target: "192.0.2.2/32", until: Number.POSITIVE_INFINITY },
    ]);
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
    expect(store.reader.activeBlocks()).toEqual([{ target: "192.0.2.1/32", until: at(2_000) }]);
    expect(store.reader.counts().activeBans).toBe(1);
  });
});

describe("what is wrong with a database is told with a hint, and nothing in it is changed", () => {
  const codeOf = (open: () => unknown): string => {
    try {
      open();
      return "none";
    } catch (error) {
      return (error as { code: string; hint: string }).hint.length > 10
        ? (error as { code: string }).code
        : "no hint";
    }
  };

  test("not a database", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sekisho.sqlite");
    writeFileSync(file, "this is a text file, however it is called".repeat(50));
    const before = readFileSync(file);
    expect(codeOf(() => new StoreWriter(file, 1, { now: () => at(0) }))).toBe("DATABASE_DAMAGED");
    expect(readFileSync(file)).toEqual(before);
  });

  test("written by a newer Sekisho", () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "sekisho.sqlite");
    const newer = new Database(file);
    newer.pragma("user_version = 99");
    newer.close();
    expect(codeOf(() => new StoreWriter(file, 1, { now: () => at(0) }))).toBe("DATABASE_NEWER");
  });

  test("held by another program", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const other = new Database(store.file, { timeout: 0 });
    other.exec("BEGIN IMMEDIATE");
    expect(codeOf(() => store.commit([access("192.0.2.7", 0)]))).toBe("DATABASE_LOCKED");
    other.exec("ROLLBACK");
    other.close();
    store.commit([access("192.0.2.7", 0)]);
    expect(store.reader.eventCounts().access).toBe(1);
  });

  test("in use by another Sekisho", () => {
    using folder = temporaryFolder();
    using _held = lockData(folder.path);
    expect(codeOf(() => lockData(folder.path))).toBe("DATA_IN_USE");
  });

  test("only its owner can read it", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    expect(statSync(store.file).mode & 0o777).toBe(0o600);
  });

  test.skipIf(missing("root"))("on a full disk, after which the same batch is stored", () => {
    using folder = temporaryFolder();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "sekisho-test", folder.path]);
    try {
      using store = new Store(folder.path);
      const ballast = join(folder.path, "ballast");
      const events = Array.from({ length: 200 }, (_, n) =>
        access("192.0.2.7", n, { path: `/${n}/${"x".repeat(200)}` }),
      );
      store.commit(events);
      writeFileSync(
        ballast,
        Buffer.alloc(1_800_000 - statSync(store.file).size - statSync(`${store.file}-wal`).size),
      );
      let stored = 1;
      const fill = () => {
        for (; stored < 100; stored++)
          store.commit(
            events.map((event) => ({ ...event, path: `/${stored}${event.kind}${"y".repeat(100)}` })),
          );
      };
      expect(codeOf(fill)).toBe("DISK_FULL");
      expect(store.reader.eventCounts().access).toBe(200 * stored);
      execFileSync("rm", [ballast]);
      store.commit(events);
      expect(store.reader.eventCounts().access).toBe(200 * (stored + 1));
      expect(existsSync(store.file)).toBe(true);
    } finally {
      execFileSync("umount", ["-l", folder.path]);
    }
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import { createParser } from "../../src/parse/formats.ts";
import { StoreReader } from "../../src/store/reader.ts";
import { access, at, audit, errorEvent } from "../evaluate/events.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { all, finding, Store, target } from "./store-under-test.ts";

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
        tls: "TLSv1.3",
      }),
      access("2001:db8::1", 1, {
        origin: undefined,
        user: "a b",
        referer: null,
        refused: true,
        bytes: undefined,
        tls: null,
      }),
      errorEvent("192.0.2.7", 2, "AH01630", "client denied"),
      errorEvent(null, 3, "AH00957"),
      {
        ...errorEvent("192.0.2.7", 3, "913100"),
        severity: "critical",
        requestId: "awF5kZrknThue2vOZc9hgwAAAAE",
      },
      audit("192.0.2.9", 4, "ws.rate_exceeded"),
    ];
    store.commit(events);
    const [batch] = [...store.writer.recentEvents(3_600_000)];
    const withoutLine = (event: LogEvent) => ({ ...event, line: "", source: 1 });
    expect(batch!.events.map(withoutLine)).toEqual(events.map(withoutLine));
    expect(batch!.firstEvent).toBe(1);
  });

  test("of a JSON log are stored though it counts in fractions, or its client does", () => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    const counts = { bytes: 1.5, durationUs: 0.25, bytesIn: "7.9", bytesOut: 8 };
    const request = {
      client: "192.0.2.7",
      time: "2026-11-20T12:00:00Z",
      method: "GET",
      path: "/",
      status: 200,
    };
    const line = JSON.stringify({ ...request, ...counts });
    store.commit([createParser("access", "json", null).parse(line, 1, at(0))]);
    const [batch] = [...store.writer.recentEvents(3_600_000)];
    expect(batch!.events).toMatchObject([{ bytes: 2, durationUs: 0, bytesIn: 8, bytesOut: 8 }]);
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
    const reported = { ...audit("192.0.2.7", 4, "auth.failed"), detail: `{"password":"${secret}"}` };
    store.commit(
      [
        access("192.0.2.7", 0, request),
        errorEvent("192.0.2.7", 2, "AH01", `GET /?sid=${secret}`),
        unparsed,
        reported,
      ],
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
  test("one with a time in the future hides no others from a restart", () => {
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

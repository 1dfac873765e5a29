import { describe, expect, test } from "vitest";
import type { LogEvent } from "../../src/model/event.ts";
import type { UnixMs } from "../../src/model/time.ts";
import { createMixedParser } from "../../src/parse/formats.ts";
import { all, Store } from "../store/store-under-test.ts";
import { temporaryFolder } from "../temporary-folder.ts";
import { judged, LONGEST_BAN, ORIGINS } from "./judged.ts";
import { audit, denied, failedPassword, handshake, NOON, opening, request, unreachable } from "./lines.ts";

const ATTACKER = "203.0.113.7";

const many = <Line>(count: number, line: (index: number) => Line): Line[] =>
  Array.from({ length: count }, (_, index) => line(index));
const parsed = (lines: readonly string[]): LogEvent[] => {
  const parser = createMixedParser("auto", "UTC");
  return lines.map((line) => parser.parse(line, 1, NOON as UnixMs));
};

/** What is said of a case, the lines of a log, and the rules of which each must fire. */
type Case = readonly [what: string, lines: readonly string[], ...rules: string[]];

/** Each of them ends in a ban of the attacker. */
const BANNED: readonly Case[] = [
  [
    "an address outside the ranges that may open a WebSocket is refused",
    many(10, (i) => request({ at: i * 20, path: "/ws/", status: 403 })),
    "repeated-403",
  ],
  [
    "the same as Apache's error log tells it (AH01630)",
    many(10, (i) => denied({ at: i * 20, path: "/ws/" })),
    "denied-error",
  ],
  [
    "the same, when it asks for an upgrade each time and goes on at once",
    many(60, (i) => handshake({ at: i / 2, status: 403 })),
    "handshake-refused",
  ],
  ["a flood of handshakes", many(400, (i) => handshake({ at: i / 8 })), "handshake-rate"],
  [
    "a flood of requests",
    many(250, (i) => request({ at: i / 30, path: `/api/${i % 7}`, status: 200 })),
    "request-rate",
  ],
  [
    "a client that an application reports for its message rate three times",
    many(3, (i) => audit("ws.rate_exceeded", { at: i * 100 })),
    "audit-rate",
  ],
  [
    "a client that goes on at the limit of connections",
    many(60, (i) => audit("ws.connection_limit", { at: i * 9 })),
    "audit-connection-limit",
  ],
  [
    "passwords tried at a WebSocket with Basic authentication",
    many(10, (i) => handshake({ at: i * 20, status: 401, user: "eve" })),
    "repeated-401",
  ],
  [
    "the same as Apache's error log tells it (AH01617)",
    many(10, (i) => failedPassword({ at: i * 20 })),
    "password-error",
  ],
  [
    "five handshakes without an Origin",
    many(5, (i) => handshake({ at: i * 60, origin: "-" })),
    "origin-missing",
  ],
  [
    "five handshakes from a foreign Origin",
    many(5, (i) => handshake({ at: i * 60, origin: "https://evil.example" })),
    "origin-foreign",
  ],
  [
    "the same while the sockets are open: cross-site hijacking with the victim's cookies",
    many(5, (i) => opening({ at: i * 60, origin: "https://evil.example" })),
    "origin-foreign",
  ],
  [
    "a missing Origin as the application reports it",
    many(5, (i) => audit("ws.origin_missing", { at: i * 60 })),
    "audit-origin",
  ],
  [
    "a foreign Origin as the application reports it",
    many(5, (i) => audit("ws.origin_rejected", { at: i * 60, origin: "https://evil.example" })),
    "audit-origin",
  ],
  [
    "an Origin of the site's own name without https",
    many(5, (i) => handshake({ at: i * 60, origin: "http://chat.example" })),
    "origin-not-https",
  ],
  ["the Origin null", many(5, (i) => handshake({ at: i * 60, origin: "null" })), "origin-null"],
  [
    "an Origin with characters that no host has",
    many(3, (i) => handshake({ at: i * 60, origin: "https://chat_<.example" })),
    "origin-malformed",
  ],
  [
    "an Origin that cannot be taken apart",
    many(3, (i) => handshake({ at: i * 60, origin: ["https://", "chat.example", "https://a:b:c"][i]! })),
    "origin-malformed",
  ],
  [
    "an Origin with a script in it",
    many(3, (i) => handshake({ at: i * 60, origin: "javascript:alert(1)" })),
    "origin-malformed",
  ],
  [
    "one foreign Origin after another",
    many(3, (i) => handshake({ at: i * 60, origin: `https://evil${i}.example` })),
    "origin-changes",
  ],
  [
    "more open sockets than any page needs, opened slowly",
    [
      // Without an end it would not be known that ends are read.
      opening({ at: 0, client: "198.51.100.9" }),
      handshake({ at: 0, client: "198.51.100.9" }),
      ...many(120, (i) => opening({ at: 9 + i * 20 })),
    ],
    "open-sockets",
  ],
  [
    "sockets without number, as the application reports them",
    many(400, (i) => audit("ws.open", { at: i / 8, connection: `c${i}` })),
    "audit-open-rate",
  ],
  [
    "messages longer than 16 KB, three of them",
    many(3, (i) => audit("ws.message_too_large", { at: i * 60, detail: { bytes: 20_000, allowed: 16_384 } })),
    "audit-message-size",
  ],
  [
    "a handshake without CSRF token",
    many(5, (i) => audit("ws.csrf_missing", { at: i * 60 })),
    "audit-token-missing",
  ],
  [
    "a CSRF token that is too old, again and again",
    many(400, (i) => audit("ws.csrf_expired", { at: i / 2 })),
    "audit-token-expired",
  ],
  [
    "a CSRF token of another or of no session",
    many(3, (i) => audit("ws.csrf_mismatch", { at: i * 60, detail: { session: "unknown" } })),
    "audit-token-forged",
  ],
  [
    "a CSRF token that was used before",
    many(3, (i) => audit("ws.csrf_reused", { at: i * 60 })),
    "audit-token-forged",
  ],
  [
    "a handshake without ticket",
    many(5, (i) => audit("ws.ticket_missing", { at: i * 60 })),
    "audit-token-missing",
  ],
  [
    "a ticket that is too old, again and again",
    many(400, (i) => audit("ws.ticket_expired", { at: i / 2 })),
    "audit-token-expired",
  ],
  [
    "a ticket of another address",
    many(5, (i) => audit("ws.ticket_address_mismatch", { at: i * 60, detail: { issuedTo: "192.0.2.9" } })),
    "audit-ticket-address",
  ],
  [
    "a ticket that was used before",
    many(3, (i) => audit("ws.ticket_replayed", { at: i * 60 })),
    "audit-token-forged",
  ],
  [
    "a token that is older than a day, again and again",
    many(400, (i) => audit("auth.token_expired", { at: i / 2, detail: { ageHours: 25 } })),
    "audit-token-expired",
  ],
  [
    "SQL in the address of a handshake",
    many(2, (i) => handshake({ at: i, path: "/ws/?room=1%27%20UNION%20SELECT%20password%20FROM%20users--" })),
    "sql-injection",
  ],
  [
    "a script in the address of a handshake",
    many(2, (i) => handshake({ at: i, path: "/ws/?name=%3Cscript%3Ealert(1)%3C/script%3E" })),
    "xss",
  ],
  [
    "SQL in a message that the application rejects",
    many(2, (i) => audit("input.rejected", { at: i * 60, detail: { input: "x' OR 1=1 --" } })),
    "audit-injection",
  ],
  [
    "a script in a message that the application rejects",
    many(2, (i) =>
      audit("input.rejected", { at: i * 60, detail: { input: "<img src=x onerror=alert(1)>" } }),
    ),
    "audit-injection",
  ],
  [
    "messages that no page of the application makes",
    many(5, (i) => audit("input.rejected", { at: i * 60, detail: { field: "room" } })),
    "audit-input-rejected",
  ],
  [
    "sign-ins that fail",
    many(10, (i) => audit("auth.failed", { at: i * 20, user: "ann" })),
    "audit-auth-failed",
  ],
  [
    "sign-ins that fail as one user after another",
    many(8, (i) => audit("auth.failed", { at: i * 120, user: `user${i}` })),
    "audit-auth-spraying",
  ],
  [
    "a good Origin, which anybody can write, spares nobody",
    many(400, (i) => handshake({ at: i / 8, origin: ORIGINS[0]!, path: "/ws/?q=1%27%20or%201%3D1--" })),
    "handshake-rate",
    "sql-injection",
  ],
];

/** Faults of the site, and what only the app can judge: shown to a person, and nobody is banned. */
const SHOWN: readonly Case[] = [
  [
    "a backend that is away, by the answers 502 and 503",
    many(20, (i) => handshake({ at: i, client: `198.51.100.${i}`, status: i % 2 ? 502 : 503 })),
    "backend-failing",
  ],
  [
    "a backend that is away, by Apache's word for it (AH01114)",
    many(5, (i) => unreachable({ at: i, client: `198.51.100.${i}` })),
    "backend-unreachable",
  ],
  [
    "ordinary requests to a WebSocket, without asking for an upgrade",
    many(10, (i) => request({ at: i * 40, path: "/ws/", status: 426 })),
    "handshake-without-upgrade",
  ],
  [
    "handshakes that are refused though their Origin is good: a thief of it, or a tab whose session has ended",
    many(10, (i) => handshake({ at: i * 20, status: i % 2 ? 401 : 403 })),
    "handshake-denied",
  ],
  ["a virtual host that takes ws://", [handshake({ at: 0, tls: "-" })], "socket-without-tls"],
  [
    "a virtual host that still speaks TLS 1.1",
    [request({ at: 0, path: "/", status: 200, tls: "TLSv1.1" })],
    "tls-old",
  ],
  [
    "a socket that carried another connection: one-sided bytes on the line at its end",
    [handshake({ at: 0, seconds: 3_600, bytesIn: 50 * 2 ** 20, bytesOut: 9_000 })],
    "socket-tunnel",
  ],
  [
    "a socket that carried another connection: a great many bytes",
    [handshake({ at: 0, seconds: 60, bytesIn: 300 * 2 ** 20, bytesOut: 300 * 2 ** 20 })],
    "socket-tunnel",
  ],
  ["a socket that was open for days", [handshake({ at: 0, seconds: 3 * 86_400 })], "socket-lifetime"],
  [
    "one user's password guessed from many addresses",
    many(10, (i) => audit("auth.failed", { at: i * 60, client: `198.51.100.${i}`, user: "ann" })),
    "audit-auth-many-addresses",
  ],
];

describe("what the shipped rules ban for", () => {
  test.for(BANNED)("%s", async ([, lines, ...rules]) => {
    const outcome = await judged(lines);
    expect(outcome.rules).toEqual(expect.arrayContaining(rules));
    expect(outcome.decisions.map(({ target }) => target)).toEqual([`${ATTACKER}/32`]);
    const [{ at, until }] = outcome.decisions as [(typeof outcome.decisions)[number]];
    expect(until - at).toBeGreaterThan(0);
    expect(until - at).toBeLessThanOrEqual(LONGEST_BAN);
  });

  test("a search for WebSocket paths, which are not there (404)", async () => {
    const paths = many(15, (i) => handshake({ at: i * 5, path: `/try${i}`, status: 404 }));
    expect((await judged(paths)).rules).toContain("handshake-paths");
  });

  test("hits do not add up for ever: as many over a longer time are no finding", async () => {
    const slow = [
      ...many(9, (i) => handshake({ at: i * 200, origin: "-" })),
      ...many(9, (i) => audit("ws.origin_rejected", { at: 3_000 + i * 200, client: "203.0.113.8" })),
      ...many(9, (i) => audit("ws.rate_exceeded", { at: 6_000 + i * 400, client: "203.0.113.9" })),
    ];
    expect(await judged(slow)).toMatchObject({ rules: [], decisions: [] });
  });

  test("one hit fewer is no finding, and each type and address counts by itself", async () => {
    const four = many(4, (i) => [
      handshake({ at: i * 30, origin: "-" }),
      handshake({ at: i * 30 + 1, origin: "https://evil.example" }),
      handshake({ at: i * 30 + 2, client: "2001:db8:5:6::1", origin: "-" }),
      handshake({ at: i * 30 + 3, client: "2001:db8:5:7::1", origin: "-" }),
    ]);
    expect(await judged(four.flat())).toMatchObject({ rules: [], decisions: [] });
  });
});

describe("what is shown to a person, and bans nobody", () => {
  test.for(SHOWN)("%s", async ([, lines, ...rules]) => {
    const outcome = await judged(lines);
    expect(outcome.rules).toEqual(expect.arrayContaining(rules));
    expect(outcome.decisions).toEqual([]);
  });
});

describe("what is recorded", () => {
  const stored = (lines: readonly string[]) => {
    using folder = temporaryFolder();
    using store = new Store(folder.path);
    store.commit(parsed(lines));
    return store.reader.events({ ...all, client: null, kind: null }).items;
  };

  test("each connect and disconnect, by Apache's logs and by the application's events", () => {
    const close = { code: 1006, lifetimeMs: 61_000, bytesIn: 9_000_000, bytesOut: 120 };
    const items = stored([
      opening({ at: 0, origin: "https://chat.example" }),
      handshake({ at: 0, seconds: 61, bytesIn: 318, bytesOut: 166 }),
      audit("ws.open", { at: 0, user: "ann", connection: "c9" }),
      audit("ws.close", { at: 61, user: "ann", connection: "c9", detail: close }),
    ]);
    expect(items).toHaveLength(4);
    expect(items.map(({ kind, client }) => `${kind} ${client}`).toSorted()).toEqual([
      `access ${ATTACKER}`,
      `audit ${ATTACKER}`,
      `audit ${ATTACKER}`,
      `opening ${ATTACKER}`,
    ]);
    expect(JSON.stringify(items)).toContain("ws.close");
    expect(JSON.stringify(items)).toContain("9000000");
  });

  test("a request for another host that an application turns away: remote, local, request line and verdict", () => {
    const detail = {
      remote: "203.0.113.7:41000",
      local: "192.0.2.1:3000",
      request: "GET /ws/ HTTP/1.1",
      verdict: "refused",
    };
    const [item] = stored([audit("app.self_host", { at: 0, detail })]);
    expect(item).toMatchObject({ kind: "audit", client: ATTACKER });
    for (const told of Object.values(detail)) expect(JSON.stringify(item)).toContain(told);
  });

  test("tokens in addresses are masked", () => {
    const [item] = stored([handshake({ at: 0, path: "/ws/?csrf_token=s3cret-value&room=7" })]);
    expect(JSON.stringify(item)).toContain("room=7");
    expect(JSON.stringify(item)).not.toContain("s3cret-value");
  });
});

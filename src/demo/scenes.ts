/**
 * The sample attack as data: what ordinary visitors do, and what each attacker does. Only documentation addresses
 * (RFC 5737, RFC 3849) and names (RFC 2606) occur, so nobody real is ever accused.
 */
import type { AuditName } from "../model/event.ts";

export const OWN_ORIGIN = "https://chat.example";
const FOREIGN_ORIGIN = "https://evil.example";

/** A request as Apache logs it; `error` is what its error log says beside it. */
export interface RequestAct {
  readonly log: "access";
  readonly method?: string;
  readonly target: string;
  readonly status: number;
  readonly origin?: string;
  /** Of a WebSocket: milliseconds that it stays open. */
  readonly lifetime?: number;
  readonly userAgent?: string;
  readonly user?: string;
  readonly error?: { readonly module: string; readonly message: string };
}

/** What the chat application reports by itself. */
export interface AuditAct {
  readonly log: "audit";
  readonly event: AuditName;
  readonly origin?: string;
  readonly detail?: Readonly<Record<string, number | string>>;
}

export type Act = RequestAct | AuditAct;

export interface Scene {
  readonly name: string;
  /** Milliseconds after the start at which it first plays. */
  readonly at: number;
  /** How many acts it has; `acts` starts over when it is shorter. */
  readonly count: number;
  /** Milliseconds between two acts. */
  readonly every: number;
  /** One IPv4 address, or several of one IPv6 /64. */
  readonly from: "address" | "network";
  readonly acts: readonly Act[];
}

const BROWSER =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const get = (target: string, status = 200, userAgent = BROWSER): RequestAct => ({
  log: "access",
  target,
  status,
  userAgent,
});
const handshake = (origin: string | undefined, userAgent: string, lifetime: number): RequestAct => ({
  ...get("/ws/room?id=1", 101, userAgent),
  lifetime,
  ...(origin === undefined ? {} : { origin }),
});
const denied = (target: string): RequestAct => ({
  ...get(target, 403, "Mozilla/5.0 zgrab/0.x"),
  error: {
    module: "authz_core",
    message: `AH01630: client denied by server configuration: /srv/chat${target}`,
  },
});
const wrongPassword = (user: string): RequestAct => ({
  ...get("/admin", 401, "python-requests/2.32.5"),
  user,
  error: {
    module: "auth_basic",
    message: `AH01617: user ${user}: authentication failure for "/admin": Password Mismatch`,
  },
});

/** What the visitors do, in turn, for ever. */
export const VISITS: readonly Act[] = [
  get("/"),
  get("/assets/app.css"),
  get("/assets/app.js"),
  get("/rooms"),
  get("/api/rooms?limit=20"),
  handshake(OWN_ORIGIN, BROWSER, 90_000),
  { log: "audit", event: "ws.open", origin: OWN_ORIGIN },
  { ...get("/api/messages", 201), method: "POST" },
  get("/assets/app.js", 304),
  get("/rooms/garden"),
  get("/favicon.ico", 404),
  { log: "audit", event: "ws.close", origin: OWN_ORIGIN, detail: { code: 1000 } },
  get("/login", 302),
];

export const SCENES: readonly Scene[] = [
  {
    name: "a scanner asks for forbidden files",
    at: 500,
    count: 24,
    every: 150,
    from: "address",
    acts: ["/.env", "/.git/config", "/server-status", "/.aws/credentials", "/.htpasswd", "/.svn/entries"].map(
      denied,
    ),
  },
  {
    name: "a foreign page opens the visitors' WebSocket",
    at: 1_200,
    count: 24,
    every: 200,
    from: "network",
    acts: [handshake(FOREIGN_ORIGIN, BROWSER, 20_000)],
  },
  {
    name: "a script opens the WebSocket without an Origin",
    at: 2_000,
    count: 24,
    every: 200,
    from: "address",
    acts: [handshake(undefined, "python-websockets/15.0", 45_000)],
  },
  {
    name: "somebody guesses passwords",
    at: 3_000,
    count: 24,
    every: 200,
    from: "address",
    acts: ["admin", "root", "operator", "backup"].map(wrongPassword),
  },
  {
    name: "a scanner walks paths that do not exist",
    at: 4_000,
    count: 48,
    every: 100,
    from: "address",
    acts: ["backup", "old", "wp-admin", "phpmyadmin", "cgi-bin", "test", "shop", "db"].flatMap((name) =>
      ["/", ".zip", ".sql", ".tar.gz", ".php", ".bak"].map((ending) =>
        get(`/${name}${ending}`, 404, "gobuster/3.6"),
      ),
    ),
  },
  {
    name: "a flood of requests",
    at: 5_000,
    count: 600,
    every: 10,
    from: "address",
    acts: [get("/api/search?q=a", 200, "Go-http-client/1.1")],
  },
  {
    name: "a client ignores the message limit",
    at: 6_000,
    count: 24,
    every: 150,
    from: "address",
    acts: [
      { log: "audit", event: "ws.rate_exceeded", origin: OWN_ORIGIN, detail: { messagesPerSecond: 180 } },
    ],
  },
  {
    name: "the application turns away a foreign Origin",
    at: 7_000,
    count: 24,
    every: 150,
    from: "network",
    acts: [{ log: "audit", event: "ws.origin_rejected", origin: FOREIGN_ORIGIN }],
  },
  {
    name: "a flood of handshakes",
    at: 8_000,
    count: 450,
    every: 8,
    from: "address",
    acts: [handshake(OWN_ORIGIN, "Go-http-client/1.1", 12_000)],
  },
];

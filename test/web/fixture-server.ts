import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import type {
  AllowItem,
  BanAnswer,
  BanItem,
  BanReach,
  IncidentDetail,
  LiveMessage,
  Status,
  TrafficPoint,
} from "../../src/model/api.ts";
import { parseTarget, type Target, TargetSet } from "../../src/model/ip.ts";
import type { RuleFinding, RuleStatus } from "../../src/model/rule-status.ts";
import { SECURITY_HEADERS } from "../../src/serve/security-headers.ts";
import { allowlist, bans, incidents, status, traffic, unparsed } from "./fixture-data.ts";
import { rules } from "./fixture-rules.ts";
import { sockets } from "./fixture-sockets.ts";

/**
 * Speaks the HTTP interface on loopback with made-up data, under the security headers of the real server,
 * so that the page can be looked at, and tested, in states that are hard to bring about.
 * By hand: `bin/node test/web/fixture-server.ts dist/web`.
 */

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const COOKIE = "sekisho-fixture=in";
export const TOKEN = "the-token";

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const refused = (status: number, code: string, message: string, hint: string): Answer => ({
  status,
  body: { error: { code, message, hint } },
});
const badTarget = (text: string): Answer =>
  refused(
    400,
    "TARGET_INVALID",
    `'${text}' is not an address or a CIDR range`,
    "write 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64",
  );
const done: Answer = { status: 204 };
const missing = refused(404, "NOT_FOUND", "there is nothing here", "the routes are in docs/http-api.md");

export class FixtureServer {
  bans: BanItem[] = bans();
  /** What is different about the next ban. */
  nextBan: Partial<BanAnswer> = {};
  allowlist: AllowItem[] = allowlist();
  incidents: IncidentDetail[] = incidents();
  traffic = (minutes: number): TrafficPoint[] => traffic(minutes, this.#started);
  sockets = sockets();
  rules: RuleStatus[] = rules();
  status: Status = status();
  /** Calls that go wrong, `METHOD /path` without /api. */
  readonly failing = new Set<string>();
  /** What came in, `METHOD /path`, for tests that look at what the page asked for. */
  readonly asked: string[] = [];
  /** A list that the page shows and that was taken out of the configuration a moment ago. */
  goneList: string | null = null;
  readonly #started = Date.now();
  readonly #root: string;
  readonly #codes = new Set<string>();
  readonly #streams = new Set<ServerResponse>();
  readonly #server: Server;

  constructor(root: string) {
    this.#root = root;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, "127.0.0.1", resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** A link as `sekisho run` prints it: its code works once. */
  link(): string {
    const code = `code-${this.#codes.size}-${Math.random().toString(36).slice(2)}`;
    this.#codes.add(code);
    return `${this.url}#code=${code}`;
  }

  tell(message: LiveMessage): void {
    for (const stream of this.#streams) stream.write(spell(message));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://fixture");
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (!pathname.startsWith("/api/")) return this.#file(pathname, response);
    this.asked.push(`${request.method} ${pathname}`);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const body = (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, string>>;
    const signedIn = request.headers.cookie?.includes(COOKIE) ?? false;
    const call = `${request.method} ${pathname.slice("/api".length)}`;
    if (this.failing.has(call)) {
      const { status, body } = refused(503, "DATABASE_LOCKED", "the database is locked", "wait a little");
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      return;
    }
    if (call === "GET /live" && signedIn) return this.#live(response);
    const answer =
      signedIn || call === "POST /session"
        ? this.#answer(call, body, searchParams)
        : refused(401, "ACCESS_DENIED", "sign in first", "open the link that `sekisho link` prints");
    response.writeHead(answer.status, { ...answer.headers, "content-type": "application/json" });
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  }

  #halts(halts: Status["halts"]): void {
    this.status = { ...this.status, halts, problems: [] };
  }

  #answer(call: string, body: Readonly<Record<string, string>>, query: URLSearchParams): Answer {
    const state = query.get("state");
    const page = (items: readonly unknown[]): Answer => ({ status: 200, body: { items, next: null } });
    switch (call) {
      case "POST /session":
        return this.#signIn(body);
      case "DELETE /session":
        return {
          status: 204,
          headers: { "set-cookie": `${COOKIE}; Max-Age=0; HttpOnly; SameSite=Strict; Path=/` },
        };
      case "GET /status":
        return { status: 200, body: this.#status() };
      case "GET /bans":
        return this.#foundBans(state, query.get("touching"));
      case "POST /bans":
        return this.#ban(body);
      case "GET /bans/reach":
        return this.#reach(query.get("target") ?? "");
      case "POST /allowlist":
        return this.#allow(body);
      case "GET /allowlist":
        return page(this.allowlist);
      case "POST /panic":
        this.bans = this.bans.map((ban) => ({ ...ban, state: "revoked" }));
        this.#halts([{ name: "panic", since: "2026-11-20T12:00:00.000Z", reason: "sekisho panic" }]);
        return { status: 200, body: { lifted: this.bans.length, enforcers: this.status.enforcers } };
      case "DELETE /panic":
        this.#halts([]);
        return done;
      case "POST /breaker/reset":
        this.#halts([]);
        return { status: 200, body: { lifted: body.lift ? 501 : 0 } };
      case "GET /rules":
        return page(this.rules);
      case "GET /incidents":
        return page(
          this.incidents.filter((each) => state === null || each.state === state).map(withBans(this.bans)),
        );
      case "GET /sockets/holders":
        return page(this.sockets);
      case "GET /events":
        return page(unparsed());
      case "GET /traffic":
        return page(this.traffic(Number(query.get("minutes"))));
      default:
        return this.#answerNamed(call, body);
    }
  }

  /** Calls whose path names a thing. */
  #answerNamed(call: string, body: Readonly<Record<string, string>>): Answer {
    const [, what = "", name = ""] = /^(\w+ \/\w+)\/(.+)$/.exec(call) ?? [];
    const incident = this.incidents.find(({ id }) => String(id) === name);
    switch (what) {
      case "GET /rules":
        return {
          status: 200,
          body: { items: this.#findingsOf(name.replace(/\/findings$/, "")), next: null },
        };
      case "DELETE /bans":
        return this.#unban(decodeURIComponent(name));
      case "DELETE /allowlist":
        this.allowlist = this.allowlist.filter(({ target }) => target !== decodeURIComponent(name));
        return done;
      case "GET /incidents":
        return incident ? { status: 200, body: withBans(this.bans)(incident) } : missing;
      case "POST /incidents":
        if (body.state !== "open" && body.state !== "closed") return missing;
        this.incidents = this.incidents.map((each) =>
          each === incident ? { ...each, state: body.state as "open" | "closed" } : each,
        );
        return done;
      case "POST /lists":
        return this.#fetchList(decodeURIComponent(name.replace(/\/fetch$/, "")));
      case "POST /enforcers":
        this.status = {
          ...this.status,
          enforcers: this.status.enforcers.map((each) =>
            `${each.name}/apply` === name ? { ...each, state: "in-sync" } : each,
          ),
        };
        return done;
      default:
        return missing;
    }
  }

  #foundBans(state: string | null, touching: string | null): Answer {
    const asked = touching === null ? null : parseTarget(touching);
    if (touching !== null && asked === null) return badTarget(touching);
    const found = this.bans.filter(
      (ban) =>
        (state === null || ban.state === state) &&
        (asked === null || new TargetSet([asked]).overlapping(ban.target as Target) !== null),
    );
    return { status: 200, body: { items: found, next: null } };
  }

  #findingsOf(id: string): readonly RuleFinding[] {
    return this.incidents.flatMap(({ id: incident, findings }) =>
      findings.filter(({ rule }) => rule === id).map((finding) => ({ ...finding, incident })),
    );
  }

  /** It goes well, whatever was wrong with the list before. */
  #fetchList(name: string): Answer {
    if (name === this.goneList) return missing;
    const fetchedAt = new Date().toISOString();
    const good = { entries: 1_300, fetchedAt, triedAt: fetchedAt, error: null, hint: null };
    const lists = this.status.lists.map((list) => (list.name === name ? { ...list, ...good } : list));
    this.status = { ...this.status, lists };
    return { status: 200, body: lists.find((each) => each.name === name) };
  }

  #signIn({ code, token }: Readonly<Record<string, string>>): Answer {
    if (token === TOKEN || (code !== undefined && this.#codes.delete(code))) {
      return { status: 204, headers: { "set-cookie": `${COOKIE}; HttpOnly; SameSite=Strict; Path=/` } };
    }
    return refused(
      401,
      "ACCESS_DENIED",
      code === undefined ? "that is not the token" : "the code in this link is used or too old",
      "run `sekisho link` for a new link, or paste the token",
    );
  }

  #ban({ target: text = "", for: length, reason = "" }: Readonly<Record<string, string>>): Answer {
    const target = parseTarget(text);
    if (target === null) return badTarget(text);
    const hours = length === undefined ? 4 : Number.parseInt(length, 10);
    const ban: BanAnswer = {
      ...bans()[3]!,
      id: this.bans.length + 100,
      target,
      reason,
      at: new Date().toISOString(),
      until: length === "permanent" ? null : new Date(Date.now() + hours * 3_600_000).toISOString(),
      enforcedBy: ["apache-directory"],
      waiting: [],
      replaced: null,
      ...this.nextBan,
    };
    this.bans = [ban, ...this.bans];
    return { status: 201, body: ban };
  }

  #reach(text: string): Answer {
    const target = parseTarget(text);
    if (target === null) return badTarget(text);
    const bits = Number(target.split("/")[1]);
    const ipv4 = !target.includes(":");
    const body: BanReach = {
      ...{ target, isWide: bits < (ipv4 ? 24 : 48), clients: 12, allClients: 3_400 },
      ...{ addresses: ipv4 ? 2 ** (32 - bits) : null, networks: ipv4 ? null : 2 ** (64 - bits) },
      since: new Date(Date.now() - 86_400_000).toISOString(),
    };
    return { status: 200, body };
  }

  #allow({ target = "", reason = "" }: Readonly<Record<string, string>>): Answer {
    const lifted = this.bans.filter((ban) => ban.target === target).map((ban) => ban.target);
    this.bans = this.bans.filter((ban) => ban.target !== target);
    this.allowlist = [{ target, by: "person", reason, at: new Date().toISOString() }, ...this.allowlist];
    return { status: 201, body: { target, reason, lifted } };
  }

  #unban(target: string): Answer {
    const banned = this.bans.some((ban) => ban.target === target && ban.state === "active");
    if (!banned)
      return refused(404, "TARGET_NOT_BANNED", `${target} is not banned`, "list the bans: sekisho status");
    this.bans = this.bans.map((ban) =>
      ban.target === target ? { ...ban, state: "revoked", enforcedBy: [] } : ban,
    );
    return done;
  }

  #status(): Status {
    const active = this.bans.filter(({ state }) => state === "active").length;
    const open = this.incidents.filter(({ state }) => state === "open").length;
    return {
      ...this.status,
      bans: { active, ineffective: this.bans.filter(({ passed }) => passed !== undefined).length },
      incidents: { open },
    };
  }

  #live(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(spell({ kind: "status", status: this.#status() }));
    this.#streams.add(response);
    response.once("close", () => this.#streams.delete(response));
  }

  #file(pathname: string, response: ServerResponse): void {
    const name = pathname === "/" ? "index.html" : normalize(pathname).replace(/^(\.\.\/|\/)+/, "");
    try {
      const content = readFileSync(join(this.#root, name));
      response
        .writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" })
        .end(content);
    } catch {
      response.writeHead(404).end();
    }
  }
}

const withBans =
  (all: readonly BanItem[]) =>
  (incident: IncidentDetail): IncidentDetail => {
    const own = all.filter((ban) => ban.incident === incident.id || ban.target === incident.target);
    return { ...incident, bans: own, ban: own[0] ?? null };
  };

const spell = (message: LiveMessage): string =>
  `event: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;

if (import.meta.main) {
  const server = new FixtureServer(process.argv[2] ?? "dist/web");
  await server.listen(Number(process.argv[3] ?? 0));
  process.stdout.write(`${server.link()}\n`);
}

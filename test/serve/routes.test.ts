import { describe, expect, test } from "vitest";
import { toIso } from "../../src/model/time.ts";
import { type Ask, capturedLog, runServer } from "./running-server.ts";
import { event, incident, list, socket } from "./samples.ts";

const post = (body: unknown): Ask => ({ method: "POST", body });
const remove: Ask = { method: "DELETE" };

describe("status", () => {
  test("the status is the backend's, as JSON", async () => {
    const { ask, backend } = await runServer();
    const answer = await ask("/api/status");
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(JSON.parse(JSON.stringify(backend.status())));
  });

  test("health says that the server answers, and whether somebody gave way in memory, and nothing else", async () => {
    const { ask } = await runServer();
    const answer = await ask("/health", { as: "nobody" });
    expect([answer.status, answer.text]).toEqual([
      200,
      '{"status":"ok","counting":{"givenUp":3,"givenUpAt":"2026-11-20T12:00:00.000Z"}}',
    ]);
  });
});

describe("incidents", () => {
  test("incidents come as a collection, by state and page by page", async () => {
    const { ask, backend } = await runServer();
    backend.allIncidents.push(incident(1, "open", []), incident(2, "closed", []), incident(3, "open", []));
    const first = await ask("/api/incidents?state=open&limit=1");
    expect(first.json.items?.map(({ id }) => id)).toEqual([1]);
    const second = await ask(`/api/incidents?state=open&limit=1&cursor=${first.json.next}`);
    expect(second.json.items?.map(({ id }) => id)).toEqual([3]);
    expect(second.json.next).toBeNull();
  });

  test("an incident comes with its evidence, hostile bytes included, as inert JSON", async () => {
    const { ask, backend } = await runServer();
    const line = '192.0.2.7 "GET /<script>alert(1)</script>\u0000\u001b[2J\u00ff\ud800" 403';
    backend.allIncidents.push(incident(1, "open", [line]));
    const answer = await ask("/api/incidents/1");
    expect(answer.json.findings?.[0]?.evidence).toEqual([line]);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(answer.headers["x-content-type-options"]).toBe("nosniff");
  });

  test("an incident is closed and opened again", async () => {
    const { ask, backend } = await runServer();
    backend.allIncidents.push(incident(1, "open", []));
    const answer = await ask("/api/incidents/1", post({ state: "closed" }));
    expect([answer.status, answer.json.id, answer.json.state]).toEqual([200, 1, "closed"]);
    expect((await ask("/api/incidents/1", post({ state: "open" }))).json.state).toBe("open");
  });

  test("an incident that is not there is 404, to read and to change", async () => {
    const { ask } = await runServer();
    expect((await ask("/api/incidents/9")).json.error?.code).toBe("NOT_FOUND");
    expect((await ask("/api/incidents/9", post({ state: "closed" }))).status).toBe(404);
  });
});

describe("bans", () => {
  test("a ban by hand is answered with the ban, and listed", async () => {
    const { ask } = await runServer();
    const made = await ask("/api/bans", post({ target: "192.0.2.7", for: "4h", reason: "probing" }));
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      target: "192.0.2.7/32",
      kind: "ban",
      rule: null,
      reason: "probing",
      at: "2026-11-20T12:00:00.000Z",
      until: "2026-11-20T16:00:00.000Z",
      state: "active",
      enforcedBy: ["apache-directory"],
    });
    expect((await ask("/api/bans?state=active")).json).toMatchObject({
      items: [{ id: made.json.id, target: "192.0.2.7/32" }],
      next: null,
    });
    expect((await ask("/api/bans?state=expired")).json.items).toEqual([]);
    expect((await ask("/api/bans?touching=203.0.113.99")).json.items).toEqual([]);
  });

  test("a bare IPv6 address bans its /64, and is lifted by the same words", async () => {
    const { ask } = await runServer();
    const made = await ask("/api/bans", post({ target: "2001:DB8:0:1::5" }));
    expect(made.json.target).toBe("2001:db8:0:1::/64");
    expect((await ask("/api/bans/2001:db8:0:1::5", remove)).status).toBe(204);
    expect((await ask("/api/bans?state=revoked")).json.items).toHaveLength(1);
  });

  test("a permanent ban has no end, one without a length takes the policy's", async () => {
    const { ask } = await runServer();
    expect((await ask("/api/bans", post({ target: "192.0.2.7", for: "permanent" }))).json.until).toBeNull();
    const byPolicy = await ask("/api/bans", post({ target: "192.0.2.8", for: null, reason: "" }));
    expect(byPolicy.json.until).toBe("2026-11-20T16:00:00.000Z");
    expect(byPolicy.json.reason).toBe("banned by hand");
  });

  test("how much a ban would cover is told before it is made", async () => {
    const { ask } = await runServer();
    const answer = await ask("/api/bans/reach?target=203.0.113.9%2F16");
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      ...{ target: "203.0.0.0/16", isWide: true, addresses: 65_536, networks: null },
      ...{ clients: 12, allClients: 340, since: "2026-11-19T12:00:00.000Z" },
    });
    const refused = await ask("/api/bans/reach?target=nobody");
    expect([refused.status, refused.json.error?.code]).toEqual([400, "TARGET_INVALID"]);
  });

  // Apache as a proxy answers a path with %2F itself, with 404.
  test.each(["/", "%2F", "%2f"])("a range with %s is lifted, and a second time is 404", async (slash) => {
    const { ask } = await runServer();
    await ask("/api/bans", post({ target: "192.0.2.9/24" }));
    const lifted = await ask(`/api/bans/192.0.2.0${slash}24`, remove);
    expect([lifted.status, lifted.text]).toEqual([204, ""]);
    const again = await ask("/api/bans/192.0.2.0%2F24", remove);
    expect([again.status, again.json.error?.code]).toEqual([404, "TARGET_NOT_BANNED"]);
  });

  test("a protected target is refused with 409 and the reason", async () => {
    const { ask } = await runServer();
    const answer = await ask("/api/bans", post({ target: "198.51.100.1" }));
    expect([answer.status, answer.json.error?.code]).toEqual([409, "TARGET_PROTECTED"]);
    expect(answer.json.error?.hint).not.toBe("");
  });

  test("an unban whose client says JSON and sends nothing is no error", async () => {
    const { ask } = await runServer();
    await ask("/api/bans", post({ target: "192.0.2.7" }));
    const answer = await ask("/api/bans/192.0.2.7", {
      method: "DELETE",
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(204);
  });
});

describe("allowlist, events, traffic, enforcers", () => {
  test("an allowed target is remembered and forgotten again", async () => {
    const { ask, backend } = await runServer();
    const made = await ask("/api/allowlist", post({ target: "203.0.113.0/24", reason: "partner" }));
    expect([made.status, made.json]).toEqual([
      201,
      { target: "203.0.113.0/24", reason: "partner", lifted: [] },
    ]);
    expect([...backend.allowed.keys()]).toContain("203.0.113.0/24");
    expect((await ask("/api/allowlist/203.0.113.0/24", remove)).status).toBe(204);
    expect([...backend.allowed.keys()]).not.toContain("203.0.113.0/24");
  });

  test("allowing a banned target answers which ban it lifted", async () => {
    const { ask } = await runServer();
    await ask("/api/bans", post({ target: "192.0.2.7" }));
    const made = await ask("/api/allowlist", post({ target: "192.0.2.7" }));
    expect(made.json).toMatchObject({ target: "192.0.2.7/32", lifted: ["192.0.2.7/32"] });
  });

  test("the allowlist and the rules are collections, for those who may ask only", async () => {
    const { ask, backend } = await runServer();
    const allowlist = await ask("/api/allowlist");
    expect(allowlist.json).toEqual({ items: backend.allowlist(), next: null });
    expect(allowlist.json.items).toMatchObject([{ target: "198.51.100.1/32", reason: "the office" }]);
    expect((await ask("/api/rules")).json).toEqual({ items: await backend.rules(), next: null });
    for (const path of ["/api/allowlist", "/api/rules"]) {
      expect((await ask(path, { as: "nobody" })).status).toBe(401);
    }
  });

  test("the findings of one rule are a collection with the incident of each", async () => {
    const { ask, backend } = await runServer();
    backend.allIncidents.push(incident(4, "open", []));
    const found = await ask("/api/rules/apache-forbidden/findings");
    expect(found.json).toMatchObject({
      items: [{ incident: 4, subject: "192.0.2.7", count: 5 }],
      next: null,
    });
    expect((await ask("/api/rules/other/findings")).json).toEqual({ items: [], next: null });
    expect((await ask("/api/rules/other/findings", { as: "nobody" })).status).toBe(401);
  });

  test("events are filtered by client and kind, and the client is canonicalised", async () => {
    const { ask, backend } = await runServer();
    backend.allEvents.push(
      event(1, "access", "192.0.2.7"),
      event(2, "error", "192.0.2.7"),
      event(3, "unparsed", null),
    );
    const ids = async (query: string) => (await ask(`/api/events${query}`)).json.items?.map(({ id }) => id);
    expect(await ids("")).toEqual([1, 2, 3]);
    expect(await ids("?client=::ffff:192.0.2.7")).toEqual([1, 2]);
    expect(await ids("?client=192.0.2.7&kind=error")).toEqual([2]);
    expect(await ids("?kind=unparsed")).toEqual([3]);
  });

  test("WebSockets are filtered by state and client", async () => {
    const { ask, backend } = await runServer();
    backend.allSockets.push(
      socket(1, "open", "192.0.2.7"),
      socket(2, "closed", "192.0.2.7"),
      socket(3, "open", "2001:db8::1"),
    );
    const ids = async (query: string) => (await ask(`/api/sockets${query}`)).json.items?.map(({ id }) => id);
    expect(await ids("")).toEqual([1, 2, 3]);
    expect(await ids("?state=open")).toEqual([1, 3]);
    expect(await ids("?state=closed&client=::ffff:192.0.2.7")).toEqual([2]);
    expect((await ask("/api/sockets?state=shut")).status).toBe(400);
    expect((await ask("/api/sockets", { as: "nobody" })).status).toBe(401);
    expect((await ask("/api/status")).json).toMatchObject({ sockets: { open: 2 } });
    expect((await ask("/api/sockets/holders")).json).toEqual({ items: backend.socketHolders(9), next: null });
  });

  test("traffic has a point for every minute asked for, sixty by default", async () => {
    const { ask } = await runServer();
    expect((await ask("/api/traffic?minutes=5")).json.items).toHaveLength(5);
    const hour = await ask("/api/traffic");
    expect([hour.json.items?.length, hour.json.next]).toEqual([60, null]);
  });

  test("a list is fetched now and answered as it is then, an unknown one is 404", async () => {
    const { ask, backend, clock } = await runServer();
    backend.allLists.push(list("drop"), list("a b/c"));
    const fetched = await ask("/api/lists/a%20b%2Fc/fetch", { method: "POST" });
    expect([fetched.status, fetched.json]).toMatchObject([
      200,
      { name: "a b/c", triedAt: toIso(clock.now()) },
    ]);
    expect((await ask("/api/lists")).json).toMatchObject({ items: [{ triedAt: null }, fetched.json] });
    const unknown = await ask("/api/lists/other/fetch", { method: "POST" });
    expect([unknown.status, unknown.json.error?.code]).toEqual([404, "NOT_FOUND"]);
    expect((await ask("/api/lists/drop/fetch", { method: "POST", as: "nobody" })).status).toBe(401);
  });

  test("an enforcer is told to apply now, an unknown one is 404", async () => {
    const { ask, backend } = await runServer();
    const told = await ask("/api/enforcers/apache-include/apply", { method: "POST" });
    expect([told.status, backend.applied]).toEqual([202, ["apache-include"]]);
    const unknown = await ask("/api/enforcers/iptables/apply", { method: "POST" });
    expect([unknown.status, unknown.json.error?.code]).toEqual([404, "NOT_FOUND"]);
  });

  test("generations are listed and looked at, gone back to, and left again, by those who may", async () => {
    const { ask, backend } = await runServer();
    const at = "/api/enforcers/apache-include";
    expect((await ask(`${at}/generations`)).json).toMatchObject({
      items: [{ number: 4 }, { number: 3 }],
      held: null,
      next: null,
    });
    expect((await ask(`${at}/generations/4`)).json).toMatchObject({
      number: 4,
      addedTargets: ["198.51.100.7/32"],
    });
    expect((await ask(`${at}/rollback`, post({ generation: 3 }))).status).toBe(200);
    expect(backend.held).toMatchObject({ generation: 3 });
    expect((await ask(`${at}/resume`, { method: "POST" })).status).toBe(200);
    expect(backend.held).toBeNull();
    for (const path of [`${at}/generations/5`, "/api/enforcers/iptables/generations"])
      expect((await ask(path)).json.error?.code).toBe("NOT_FOUND");
    const none = await ask("/api/enforcers/apache-directory/generations");
    expect([none.status, none.json.error?.message]).toEqual([404, expect.stringContaining("no generations")]);
    for (const body of [{}, { generation: "3" }, { generation: -1 }, { generation: 3, more: 1 }])
      expect((await ask(`${at}/rollback`, post(body))).status).toBe(400);
    expect((await ask(`${at}/generations/x`)).status).toBe(400);
    for (const path of [`${at}/rollback`, `${at}/resume`])
      expect((await ask(path, { ...post({ generation: 3 }), as: "nobody" })).status).toBe(401);
    expect(backend.held).toBeNull();
  });
});

describe("what keeps rules from banning", () => {
  test("panic lifts everything and is ended once", async () => {
    const { ask, backend } = await runServer();
    await ask("/api/bans", post({ target: "192.0.2.7" }));
    const panicked = await ask("/api/panic", { method: "POST" });
    expect([panicked.status, panicked.json]).toMatchObject([200, { lifted: 1 }]);
    expect((await ask("/metrics")).text).toContain('sekisho_halted{name="panic"} 1\n');
    expect(backend.allBans).toMatchObject([{ state: "revoked" }]);
    expect((await ask("/api/panic", { method: "DELETE" })).status).toBe(204);
    const again = await ask("/api/panic", { method: "DELETE" });
    expect([again.status, again.json.error?.code]).toEqual([409, "NOT_HALTED"]);
    expect((await ask("/metrics")).text).toContain('sekisho_halted{name="panic"} 0\n');
  });

  test("the circuit breaker is reset, with or without its bans", async () => {
    const { ask, backend } = await runServer();
    expect((await ask("/api/breaker/reset", { method: "POST" })).status).toBe(409);
    backend.halts = [{ name: "breaker", since: "2026-11-20T12:00:00Z", reason: "r" }];
    expect((await ask("/api/breaker/reset", post({ lift: "yes" }))).status).toBe(400);
    expect((await ask("/api/breaker/reset", post({ lift: true }))).json).toEqual({ lifted: 3 });
  });
});

describe("bad input", () => {
  test.each<[string, string, Ask, number, string]>([
    ["an unknown key", "/api/bans", post({ target: "192.0.2.7", length: "4h" }), 400, "USAGE"],
    ["a __proto__ key", "/api/bans", post('{"target":"192.0.2.7","__proto__":{"for":"1h"}}'), 400, "USAGE"],
    ["a number as target", "/api/bans", post({ target: 7 }), 400, "USAGE"],
    ["no target", "/api/bans", post({}), 400, "USAGE"],
    ["a list as body", "/api/bans", post([]), 400, "USAGE"],
    ["no body", "/api/bans", { method: "POST" }, 400, "USAGE"],
    ["broken JSON", "/api/bans", post("{"), 400, "USAGE"],
    ["a bad CIDR", "/api/bans", post({ target: "192.0.2.0/33" }), 400, "TARGET_INVALID"],
    ["a name as target", "/api/bans", post({ target: "localhost" }), 400, "TARGET_INVALID"],
    ["an octal address", "/api/bans", post({ target: "0300.0.2.1" }), 400, "TARGET_INVALID"],
    ["five minutes in words", "/api/bans", post({ target: "192.0.2.7", for: "5 minutes" }), 400, "USAGE"],
    ["a number as length", "/api/bans", post({ target: "192.0.2.7", for: 300 }), 400, "USAGE"],
    ["a line break in the reason", "/api/bans", post({ target: "192.0.2.7", reason: "a\nb" }), 400, "USAGE"],
    ["a long reason", "/api/bans", post({ target: "192.0.2.7", reason: "a".repeat(501) }), 400, "USAGE"],
    ["a huge body", "/api/bans", post({ target: "192.0.2.7", reason: "a".repeat(20_000) }), 413, "USAGE"],
    ["a form", "/api/bans", { ...post("a=b"), headers: { "content-type": "text/plain" } }, 415, "USAGE"],
    ["a path that is no target", "/api/bans/nobody", remove, 400, "TARGET_INVALID"],
    ["a path of two targets", "/api/bans/192.0.2.0/24/192.0.2.7", remove, 400, "TARGET_INVALID"],
    ["an allowlist entry that is none", "/api/allowlist", post({ target: "*" }), 400, "TARGET_INVALID"],
    ["an unknown incident state", "/api/incidents/1", post({ state: "solved" }), 400, "USAGE"],
    ["an incident that is no number", "/api/incidents/x", {}, 400, "USAGE"],
    ["an incident beyond exact numbers", "/api/incidents/9999999999999999", {}, 400, "USAGE"],
    ["an unknown ban state", "/api/bans?state=on", {}, 400, "USAGE"],
    ["an address that is none", "/api/bans?touching=nobody", {}, 400, "TARGET_INVALID"],
    ["an unknown filter", "/api/bans?status=active", {}, 400, "USAGE"],
    ["a filter given twice", "/api/bans?state=active&state=expired", {}, 400, "USAGE"],
    ["a limit of nothing", "/api/bans?limit=0", {}, 400, "USAGE"],
    ["a limit without bound", "/api/bans?limit=501", {}, 400, "USAGE"],
    ["a limit that is no number", "/api/bans?limit=1e2", {}, 400, "USAGE"],
    ["a cursor of another shape", "/api/bans?cursor=%27%3B--", {}, 400, "USAGE"],
    ["a cursor in letters", "/api/bans?cursor=abc", {}, 400, "USAGE"],
    ["a client that is no address", "/api/events?client=192.0.2.0/24", {}, 400, "TARGET_INVALID"],
    ["an unknown event kind", "/api/events?kind=debug", {}, 400, "USAGE"],
    ["too many minutes", "/api/traffic?minutes=10081", {}, 400, "USAGE"],
    ["a URL that cannot be decoded", "/api/bans/%ff", remove, 400, "USAGE"],
    ["a parameter without end", `/api/incidents/${"1".repeat(300)}`, post({ state: "open" }), 414, "USAGE"],
    ["an unknown route", "/api/nothing", {}, 404, "NOT_FOUND"],
    ["an unknown method", "/api/status", { method: "PUT", body: {} }, 404, "NOT_FOUND"],
  ])("%s is refused with one clear error", async (_what, path, ask, status, code) => {
    const { ask: send } = await runServer();
    const answer = await send(path, ask);
    expect([answer.status, answer.json.error?.code]).toEqual([status, code]);
    expect(Object.keys(answer.json)).toEqual(["error"]);
    expect(Object.keys(answer.json.error ?? {})).toEqual(["code", "message", "hint"]);
    expect(answer.json.error?.message).not.toBe("");
    expect(answer.json.error?.hint).not.toBe("");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
  });

  test.each([
    ["/api/bans", post({}), "target: is missing"],
    ["/api/bans", post({ target: 7 }), "target: is not of the type string"],
    ["/api/bans", post([]), "is not of the type object"],
    [
      "/api/bans",
      post({ target: "192.0.2.7", reason: "a".repeat(501) }),
      "the reason has more than 500 characters",
    ],
    ["/api/allowlist", post({ target: "192.0.2.7", reason: "a\nb" }), "the reason has control characters"],
    ["/api/bans?state=on", {}, "state: is none of active, expired, revoked"],
    ["/api/bans?limit=501", {}, "limit: is more than 500"],
    ["/api/bans?limit=0", {}, "limit: is less than 1"],
  ])("what is wrong in %s is said in a sentence of ours", async (path, sent, message) => {
    const { ask } = await runServer();
    expect((await ask(path, sent)).json.error?.message).toBe(message);
  });

  test("the error names the unknown key and the known ones", async () => {
    const { ask } = await runServer();
    const { error } = (await ask("/api/bans", post({ target: "192.0.2.7", length: "4h" }))).json;
    expect(error?.message).toContain('"length"');
    expect(error?.hint).toContain("target, for, reason");
  });

  test("a fault of ours is 500 and says nothing of its inside", async () => {
    const log = capturedLog("warn");
    const { ask, backend } = await runServer({ logger: log.logger });
    backend.status = () => {
      throw new Error("password of the database: hunter2");
    };
    const answer = await ask("/api/status");
    expect([answer.status, answer.json.error?.code]).toEqual([500, "INTERNAL"]);
    expect(answer.text).not.toContain("hunter2");
    expect(log.text()).toContain("hunter2");
  });
});

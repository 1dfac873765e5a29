import { describe, expect, test } from "vitest";
import { isLoopbackName, ownHost } from "../../src/serve/request-origin.ts";
import { runServer, signIn, TOKEN } from "./running-server.ts";

describe("Host", () => {
  test.each([
    "localhost",
    "LOCALHOST:7080",
    "sekisho.localhost:80",
    "127.0.0.1",
    "127.9.9.9:7080",
    "[::1]",
    "[::1]:7080",
    "[0:0:0:0:0:0:0:1]:7080",
    "[::ffff:127.0.0.1]:7080",
  ])("%s is loopback, on any port", (header) => {
    expect(ownHost(header, [])).toEqual({ text: header.toLowerCase(), loopback: true });
  });

  test.each([
    undefined,
    "",
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evillocalhost",
    "127.1",
    "0x7f.0.0.1",
    "0127.0.0.1",
    "128.0.0.1",
    "0.0.0.0",
    "192.0.2.1",
    "[::]",
    "[::1",
    "::1",
    "localhost:7080:1",
    "localhost:port",
    "localhost:123456",
    "localhost, evil.example",
    "user@localhost",
    "localhost/",
    "localhost\u0000",
  ])("%j is not ours", (header) => {
    expect(() => ownHost(header, ["sekisho.example"])).toThrowError(
      expect.objectContaining({ code: "HOST_REFUSED" }),
    );
  });

  test("a name of the configuration is ours with its port, or with any when it names none", () => {
    expect(ownHost("Sekisho.Example:8443", ["sekisho.example"]).loopback).toBe(false);
    expect(ownHost("sekisho.example", ["Sekisho.example"]).text).toBe("sekisho.example");
    expect(ownHost("sekisho.example:8443", ["sekisho.example:8443"]).loopback).toBe(false);
    expect(() => ownHost("sekisho.example:81", ["sekisho.example:8443"])).toThrow();
    expect(() => ownHost("sekisho.example", ["sekisho.example:8443"])).toThrow();
  });

  test("a loopback name is so with and without brackets", () => {
    expect(["::1", "[::1]", "127.0.0.1", "localhost"].map(isLoopbackName)).toEqual([true, true, true, true]);
    expect(["::", "0.0.0.0", "192.0.2.1", "2001:db8::1"].map(isLoopbackName)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test.each([
    "/",
    "/index.html",
    "/assets/main-abc123.js",
    "/health",
    "/api/status",
    "/metrics",
    "/nothing",
    "/%ff",
  ])("a name that was re-pointed at us gets nothing of %s, even with the token", async (path) => {
    const { ask } = await runServer();
    const answer = await ask(path, { headers: { host: "evil.example" } });
    expect([answer.status, answer.json.error?.code]).toEqual([403, "HOST_REFUSED"]);
    expect(answer.json.error?.hint).toContain("dashboard.hosts");
    expect(answer.headers["content-security-policy"]).toContain("default-src 'none'");
  });

  test("a configured name is served", async () => {
    const { ask } = await runServer({ hosts: ["sekisho.example"] });
    expect((await ask("/api/status", { headers: { host: "sekisho.example" } })).status).toBe(200);
  });
});

describe("Origin and Sec-Fetch-Site", () => {
  const host = "localhost:7080";

  test.each([
    ["https://evil.example", 403],
    ["null", 403],
    ["http://localhost:3000", 403],
    ["http://localhost", 403],
    ["http://localhost:7080.evil.example", 403],
    ["file://localhost:7080", 403],
    ["http://localhost:7080", 200],
    ["https://localhost:7080", 200],
  ])("the Origin %s gets %i, whatever is asked for, even with the token", async (origin, status) => {
    const { ask } = await runServer();
    for (const path of ["/api/status", "/health", "/"]) {
      const answer = await ask(path, { headers: { host, origin } });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  test.each([
    ["cross-site", 403],
    ["same-site", 403],
    ["same-origin", 200],
    ["none", 200],
  ])("a request to the API that the browser calls %s gets %i", async (site, status) => {
    const { ask } = await runServer();
    const headers = { "sec-fetch-site": site };
    expect((await ask("/api/status", { headers })).status).toBe(status);
    expect((await ask("/metrics", { headers })).status).toBe(status);
    expect((await ask("/%61pi/status", { headers })).status).toBe(status);
  });

  test("another site may still link to the page", async () => {
    const { ask } = await runServer();
    expect((await ask("/", { as: "nobody", headers: { "sec-fetch-site": "cross-site" } })).status).toBe(200);
  });

  test("no preflight is ever granted", async () => {
    const { ask } = await runServer();
    const answer = await ask("/api/bans", {
      method: "OPTIONS",
      headers: { host, origin: "http://localhost:7080", "access-control-request-method": "POST" },
    });
    expect(answer.status).toBe(404);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("a change by cookie", () => {
  const host = "localhost:7080";
  const ban = { method: "POST", as: "nobody", body: { target: "192.0.2.7" } } as const;

  test("without Origin and Sec-Fetch-Site it is refused, while reading is not", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    const refused = await running.ask("/api/bans", { ...ban, headers: { cookie } });
    expect([refused.status, refused.json.error?.code]).toEqual([403, "ORIGIN_REFUSED"]);
    const kept = await running.ask("/api/bans/192.0.2.7", {
      method: "DELETE",
      as: "nobody",
      headers: { cookie },
    });
    expect(kept.status).toBe(403);
    expect(running.backend.allBans).toEqual([]);
    expect((await running.ask("/api/bans", { as: "nobody", headers: { cookie } })).status).toBe(200);
  });

  test("with the page's Origin, or the browser's word for it, it is done", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    const origin = `http://${host}`;
    expect((await running.ask("/api/bans", { ...ban, headers: { cookie, host, origin } })).status).toBe(201);
    const bySite = { cookie, "sec-fetch-site": "same-origin" };
    expect((await running.ask("/api/bans", { ...ban, headers: bySite })).status).toBe(201);
    const typed = { cookie, "sec-fetch-site": "none" };
    expect((await running.ask("/api/bans", { ...ban, headers: typed })).status).toBe(403);
  });

  test("a page on plain http of a name that is not loopback is not our page", async () => {
    const running = await runServer({ hosts: ["sekisho.example"] });
    const headers = { host: "sekisho.example", origin: "https://sekisho.example" };
    const cookie = await signIn(running, headers);
    expect((await running.ask("/api/bans", { ...ban, headers: { ...headers, cookie } })).status).toBe(201);
    const plain = { ...headers, cookie, origin: "http://sekisho.example" };
    expect((await running.ask("/api/bans", { ...ban, headers: plain })).status).toBe(403);
  });

  test("a program with the token needs neither, nor one that uses Node's fetch", async () => {
    const { server, ask } = await runServer();
    expect((await ask("/api/bans", { method: "POST", body: { target: "192.0.2.7" } })).status).toBe(201);
    const answer = await fetch(`${server.url}/api/bans/192.0.2.7`, {
      method: "DELETE",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.status).toBe(204);
  });
});

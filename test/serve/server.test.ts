import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenProblem, namedUrl, pageUrl, urlOf } from "../../src/serve/listen.ts";
import { codeOf, runServer, send, temporaryFolder } from "./running-server.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);

describe("listening", () => {
  test("port 0 takes a free one, and the URL says which", async () => {
    const { server } = await runServer();
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await send(server.url, "/health")).status).toBe(200);
  });

  test.each([
    "0.0.0.0",
    "::",
    "192.0.2.1",
    "2001:db8::1",
    "sekisho.example",
    "128.0.0.1",
    "localhost.evil.example",
  ])("%s is refused, as other machines could reach it", async (host) => {
    const starting = runServer({ listen: { host, port: 0 } });
    await expect(starting).rejects.toMatchObject({
      code: "LISTEN_EXPOSED",
      hint: expect.stringContaining("dashboard.allowRemote"),
    });
  });

  test("with allowRemote it is done, and the link leads over loopback", async () => {
    const { server } = await runServer({ listen: { host: "0.0.0.0", port: 0 }, allowRemote: true });
    expect(server.url).toMatch(/^http:\/\/0\.0\.0\.0:/);
    expect(server.link()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=/);
    expect((await send(server.link(), "/api/status")).status).toBe(200);
  });

  const REACHABLE = { listen: { host: "0.0.0.0", port: 0 }, allowRemote: true };
  test.each([
    ["listens for other machines", REACHABLE, "fifteen-chars-x"],
    ["listens for other machines", REACHABLE, "aaaaaaaabbbbbbbbccccccccdddddddd"],
    ["is behind a proxy", { hosts: ["127.0.0.1", "sekisho.example:8443"] }, "twenty-three-chars-long"],
  ])("a dashboard that %s does not start with a token that can be guessed", async (_how, options, token) => {
    const starting = runServer({ ...options, token });
    await expect(starting).rejects.toMatchObject({
      code: "TOKEN_WEAK",
      message: expect.not.stringContaining(token),
      hint: expect.stringContaining("openssl rand -hex 32"),
    });
  });

  test.each([
    [REACHABLE, "0123456789abcdef01234567"],
    [{ hosts: ["127.0.0.1", "::1", "localhost:7080", "[::1]:7080"] }, "short-one"],
  ])("a token is strong enough for who can try it: %j", async (options, token) => {
    const { server } = await runServer({ ...options, token });
    const authorization = `Bearer ${token}`;
    expect(
      (await send(server.url.replace("0.0.0.0", "127.0.0.1"), "/api/status", { headers: { authorization } }))
        .status,
    ).toBe(200);
  });

  test.each(["localhost", "LOCALHOST", "127.0.0.2"])("%s is loopback", async (host) => {
    const { server } = await runServer({ listen: { host, port: 0 } });
    expect((await send(server.url, "/api/status")).status).toBe(200);
  });

  test.skipIf(!hasIpv6).each(["::1", "[::1]"])("%s works, and its URL has brackets", async (host) => {
    const { server } = await runServer({ listen: { host, port: 0 } });
    expect(server.link()).toMatch(/^http:\/\/\[::1\]:\d+\/#code=/);
    expect((await send(server.url, "/api/status")).status).toBe(200);
  });

  test("a port that another program holds is named, with the setting to change", async () => {
    const other = createServer((_request, response) => response.end("nginx")).listen(0, "127.0.0.1");
    onTestFinished(() => void other.close().closeAllConnections());
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    await expect(runServer({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `127.0.0.1:${port} is in use`,
      hint: expect.stringMatching(/another program.*dashboard\.listen/),
    });
  });

  test("a port whose holder never answers does not hang the start", async () => {
    const sockets: Socket[] = [];
    const mute = createTcpServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    onTestFinished(() => {
      mute.close();
      for (const socket of sockets) socket.destroy();
    });
    await new Promise((resolve) => mute.once("listening", resolve));
    const { port } = mute.address() as AddressInfo;
    await expect(runServer({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "PORT_IN_USE",
    });
  });

  test("a second Sekisho on the same port is told of the first", async () => {
    const { server } = await runServer();
    const port = Number(new URL(server.url).port);
    await expect(runServer({ listen: { host: "127.0.0.1", port } })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      hint: expect.stringContaining("Sekisho seems to run there already"),
    });
    expect((await send(server.url, "/health")).status).toBe(200);
  });

  test("whether it could listen is told without a start; a Sekisho that is there is no obstacle", async () => {
    const other = createServer((_request, response) => response.end("nginx")).listen(0, "127.0.0.1");
    onTestFinished(() => void other.close().closeAllConnections());
    await new Promise((resolve) => other.once("listening", resolve));
    const at = (port: number) => listenProblem({ host: "127.0.0.1", port });
    const { port } = other.address() as AddressInfo;
    expect(await at(port)).toMatchObject({ code: "PORT_IN_USE", message: `127.0.0.1:${port} is in use` });
    const { server } = await runServer();
    expect(await at(Number(new URL(server.url).port))).toBeNull();
    expect(await at(0)).toBeNull();
    expect(await listenProblem({ host: "192.0.2.1", port: 0 })).toMatchObject({ code: "LISTEN_FAILED" });
  });

  test.each([
    ["127.0.0.1", ["sekisho.example"], "http://127.0.0.1:7080"],
    ["0.0.0.0", ["192.0.2.9"], "http://127.0.0.1:7080"],
    ["192.0.2.9", [], "http://192.0.2.9:7080"],
    ["192.0.2.9", ["192.0.2.9"], "http://192.0.2.9:7080"],
    ["192.0.2.9", ["192.0.2.9:7080"], "http://192.0.2.9:7080"],
    ["2001:db8::9", ["[2001:db8::9]"], "http://[2001:db8::9]:7080"],
    ["192.0.2.9", ["sekisho.example:7080"], "http://sekisho.example:7080"],
    ["192.0.2.9", ["sekisho.example"], "https://sekisho.example"],
    ["192.0.2.9", ["192.0.2.9:8443"], "https://192.0.2.9:8443"],
  ])("at %s with the hosts %j the page is at %s", (host, hosts, url) => {
    expect(pageUrl(urlOf(host, 7080), host, hosts)).toBe(url);
  });

  test.each([
    [["sekisho.example"], "https://sekisho.example"],
    [["192.0.2.9"], "http://192.0.2.9:7080"],
    [["2001:db8::9"], "http://[2001:db8::9]:7080"],
    [["localhost:8080"], null],
    [["::1"], null],
    [[], null],
  ])("with the hosts %j a browser elsewhere finds the page at %s", (hosts, url) => {
    expect(namedUrl(7080, hosts)).toBe(url);
  });

  test("an address that is not this machine's cannot be listened on", async () => {
    const starting = runServer({ listen: { host: "192.0.2.1", port: 0 }, allowRemote: true });
    await expect(starting).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });

  test("an unknown name cannot be listened on", async () => {
    const starting = runServer({ listen: { host: "sekisho.invalid", port: 0 }, allowRemote: true });
    await expect(starting).rejects.toMatchObject({ code: "LISTEN_FAILED" });
  });
});

describe("the page", () => {
  test("it is served to everybody, and its named assets are kept for ever", async () => {
    const { ask } = await runServer();
    const page = await ask("/", { as: "nobody" });
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers["cache-control"]).toBe("no-cache");
    const script = await ask("/assets/main-abc123.js", { as: "nobody" });
    expect([script.status, script.text]).toEqual([200, "export {};"]);
    expect(script.headers["content-type"]).toContain("/javascript");
    expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  });

  test.each([
    "/.secret",
    "/../package.json",
    "/..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..%2f.secret",
    "/..\\..\\etc\\passwd",
    "/assets/",
    "/index.html%00.js",
    "/nothing.html",
  ])("%s gets nothing", async (path) => {
    const { ask } = await runServer();
    const answer = await ask(path, { as: "nobody" });
    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.json.error?.code).toMatch(/^(NOT_FOUND|USAGE)$/);
  });

  test("without a built page nothing starts, and the hint says how to build it", async () => {
    await expect(runServer({ webRoot: temporaryFolder() })).rejects.toMatchObject({
      code: "WEB_PAGE_MISSING",
      hint: expect.stringContaining("npm run build"),
    });
  });
});

describe("answers", () => {
  test.each([
    ["/", 200],
    ["/assets/main-abc123.js", 200],
    ["/health", 200],
    ["/metrics", 200],
    ["/api/status", 200],
    ["/api/bans?limit=x", 400],
    ["/nothing", 404],
    ["/%ff", 400],
  ])("the security headers are on %s", async (path, status) => {
    const { ask } = await runServer();
    const answer = await ask(path);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
        "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": expect.stringMatching(path === "/" || path.startsWith("/assets") ? /./ : /^no-store$/),
    });
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(answer.headers["x-powered-by"]).toBeUndefined();
  });

  test.each([
    ["what is not HTTP", "\u0016\u0003\u0001 hello\r\n\r\n", "400 Bad Request"],
    [
      "headers without end",
      `GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      "431 ",
    ],
    ["HTTP/1.0 without a Host", "GET /health HTTP/1.0\r\n\r\n", "403 Forbidden"],
    [
      "a Host inside the URL",
      "GET http://localhost/health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
      "403 Forbidden",
    ],
  ])("%s is answered with an error and the security headers", async (_what, sent, status) => {
    const { server } = await runServer();
    const text = await exchange(server.url, sent);
    expect(text).toContain(`HTTP/1.1 ${status}`);
    expect(text).toContain("content-security-policy: default-src 'none'");
    expect(text).toMatch(/\r\n\r\n\{"error":\{"code":"[A-Z_]+","message":".+","hint":".+"\}\}$/);
  });

  test("a request to switch protocols is answered as any other", async () => {
    const { ask } = await runServer();
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    expect((await ask("/api/status", { as: "nobody", headers })).status).toBe(401);
  });
});

describe("closing", () => {
  test("a request under way is answered, one that never ends is cut", async () => {
    const { server, backend, ask } = await runServer();
    const banned = Promise.withResolvers<void>();
    const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    backend.unban = () => {
      asked[0].resolve();
      return banned.promise;
    };
    backend.allow = () => {
      asked[1].resolve();
      return new Promise(() => {});
    };
    const answered = ask("/api/bans/192.0.2.7", { method: "DELETE" });
    const cut = ask("/api/allowlist", { method: "POST", body: { target: "192.0.2.7" } });
    const outcome = Promise.allSettled([answered, cut]);
    await Promise.all(asked.map(({ promise }) => promise));
    const closing = server.close();
    setTimeout(() => banned.resolve(), 100);
    await closing;
    const [first, second] = await outcome;
    expect(first).toMatchObject({ status: "fulfilled", value: { status: 204 } });
    expect(second.status).toBe("rejected");
  });

  test("it may be closed twice, and frees its port", async () => {
    const { server } = await runServer();
    await Promise.all([server.close(), server.close()]);
    await server[Symbol.asyncDispose]();
    const again = await runServer({ listen: { host: "127.0.0.1", port: Number(new URL(server.url).port) } });
    expect((await again.ask("/api/status")).status).toBe(200);
  });

  test("a code of one server opens nothing in another", async () => {
    const [one, two] = [await runServer(), await runServer()];
    const body = { code: codeOf(one.server.link()) };
    expect((await two.ask("/api/session", { method: "POST", as: "nobody", body })).status).toBe(401);
  });
});

/** Sends bytes and gives all that came back. */
async function exchange(url: string, sent: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.setEncoding("utf8").end(sent);
  let text = "";
  for await (const part of socket) text += part;
  return text;
}

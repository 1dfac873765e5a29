import { describe, expect, test } from "vitest";
import { Access } from "../../src/serve/auth.ts";
import {
  type Answer,
  capturedLog,
  codeOf,
  type Running,
  runServer,
  signIn,
  TestClock,
  TOKEN,
} from "./running-server.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const PROTECTED: readonly (readonly [method: string, path: string])[] = [
  ["GET", "/api/status"],
  ["HEAD", "/api/status"],
  ["GET", "/api/incidents"],
  ["GET", "/api/incidents/1"],
  ["POST", "/api/incidents/1"],
  ["GET", "/api/bans"],
  ["POST", "/api/bans"],
  ["DELETE", "/api/bans/192.0.2.7"],
  ["POST", "/api/session/link"],
  ["POST", "/api/allowlist"],
  ["DELETE", "/api/allowlist/192.0.2.7"],
  ["GET", "/api/events"],
  ["GET", "/api/traffic"],
  ["POST", "/api/enforcers/apache-include/apply"],
  ["GET", "/api/live"],
  ["DELETE", "/api/session"],
  ["GET", "/metrics"],
  ["GET", "/%61pi/status"],
];

const openSession = (
  { ask }: Running,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> => ask("/api/session", { method: "POST", as: "nobody", body, headers });
const statusWith = async ({ ask }: Running, headers: Record<string, string>): Promise<number> =>
  (await ask("/api/status", { as: "nobody", headers })).status;

describe("the token", () => {
  test.each(PROTECTED)("%s %s needs it", async (method, path) => {
    const { ask, backend } = await runServer();
    for (const headers of [
      {},
      { authorization: "Bearer" },
      { authorization: "Bearer wrong-wrong-wrong" },
      { authorization: `Bearer ${TOKEN}x` },
      { authorization: `Bearer ${TOKEN.slice(1)}` },
      { authorization: `Basic ${TOKEN}` },
      { authorization: TOKEN },
      { cookie: "sekisho=wrong" },
      { cookie: `sekisho=${TOKEN}` },
    ]) {
      const answer = await ask(path, { method, as: "nobody", headers });
      expect([headers, answer.status]).toEqual([headers, 401]);
      expect(answer.headers["www-authenticate"]).toContain("Bearer");
      expect(answer.headers["cache-control"]).toBe("no-store");
      if (method !== "HEAD") expect(answer.json.error?.code).toBe("ACCESS_DENIED");
    }
    expect(backend.allBans).toEqual([]);
    expect(backend.applied).toEqual([]);
  });

  test("it opens the API, in any case of the word Bearer", async () => {
    const running = await runServer();
    expect(await statusWith(running, { authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await statusWith(running, { authorization: `bearer ${TOKEN}` })).toBe(200);
  });

  test("a wrong token is refused even beside a good session", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    expect(await statusWith(running, { cookie, authorization: "Bearer wrong" })).toBe(401);
  });

  test("a proxy's own sign-in does not hide the session behind it", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    expect(await statusWith(running, { cookie, authorization: "Basic dXNlcjpwYXNz" })).toBe(200);
  });
});

describe("the link", () => {
  test("it carries a code in its fragment, and never the token", async () => {
    const { server } = await runServer();
    const link = server.link();
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}$/);
    expect(link).not.toContain(TOKEN);
    expect(server.link()).not.toBe(link);
  });

  test("a new one is made for who has the token, and for no session, which would outlive its end so", async () => {
    const running = await runServer();
    const { status, json } = await running.ask("/api/session/link", { method: "POST" });
    expect([status, (await openSession(running, { code: codeOf(json.link!) })).status]).toEqual([201, 204]);
    const headers = { cookie: await signIn(running), "sec-fetch-site": "same-origin" };
    const refused = await running.ask("/api/session/link", { method: "POST", as: "nobody", headers });
    expect([refused.status, refused.json.error?.code]).toEqual([401, "ACCESS_DENIED"]);
  });

  test("its code opens a session in a cookie that scripts and other sites cannot use", async () => {
    const running = await runServer();
    const answer = await openSession(running, { code: codeOf(running.server.link()) });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    const [cookie, ...attributes] = answer.headers["set-cookie"]![0]!.split("; ");
    expect(cookie).toMatch(/^sekisho=[\w-]{43}$/);
    expect(attributes.toSorted()).toEqual(["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict"]);
    expect(await statusWith(running, { cookie: cookie! })).toBe(200);
  });

  test.each([
    [{}, false],
    [{ host: "localhost:7080", origin: "http://localhost:7080" }, false],
    [{ host: "localhost", origin: "https://localhost" }, true],
    [{ host: "sekisho.example", origin: "https://sekisho.example" }, true],
    [{ host: "sekisho.example" }, true],
  ])("with %j the cookie is for TLS only: %s", async (headers, secure) => {
    const running = await runServer({ hosts: ["sekisho.example"] });
    const answer = await openSession(running, { code: codeOf(running.server.link()) }, headers);
    expect(answer.headers["set-cookie"]![0]!.includes("; Secure")).toBe(secure);
  });

  test("over plain http of a name that is not loopback the page says how to sign in, and the code is kept", async () => {
    const running = await runServer({ hosts: ["sekisho.example"] });
    const code = codeOf(running.server.link());
    const headers = { host: "sekisho.example", origin: "http://sekisho.example" };
    const refused = await openSession(running, { code }, headers);
    expect([refused.status, refused.json.error?.code]).toEqual([403, "ORIGIN_REFUSED"]);
    expect(refused.json.error?.hint).toContain("ssh -L");
    expect((await openSession(running, { code })).status).toBe(204);
  });

  test("a code works once", async () => {
    const running = await runServer();
    const code = codeOf(running.server.link());
    expect((await openSession(running, { code })).status).toBe(204);
    const again = await openSession(running, { code });
    expect([again.status, again.json.error?.code]).toEqual([401, "ACCESS_DENIED"]);
    expect(again.headers["set-cookie"]).toBeUndefined();
  });

  test("of many that try one code at once, exactly one gets in", async () => {
    const running = await runServer();
    const code = codeOf(running.server.link());
    const answers = await Promise.all(Array.from({ length: 20 }, () => openSession(running, { code })));
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    expect(answers.filter(({ headers }) => headers["set-cookie"] !== undefined)).toHaveLength(1);
  });

  test("a code lasts ten minutes", async () => {
    const running = await runServer();
    const [early, late] = [codeOf(running.server.link()), codeOf(running.server.link())];
    running.clock.advance(10 * MINUTE - 1);
    expect((await openSession(running, { code: early })).status).toBe(204);
    running.clock.advance(1);
    expect((await openSession(running, { code: late })).status).toBe(401);
  });

  test("only the sixteen newest links work", () => {
    const access = new Access(TOKEN, new TestClock());
    const codes = Array.from({ length: 17 }, () => access.newCode());
    expect(access.redeemCode(codes[0]!)).toBeNull();
    expect(access.redeemCode(codes[1]!)).not.toBeNull();
  });
});

describe("a session", () => {
  test("the token opens one too, and a wrong token does not", async () => {
    const running = await runServer();
    const answer = await openSession(running, { token: TOKEN });
    expect(answer.status).toBe(204);
    expect(await statusWith(running, { cookie: answer.headers["set-cookie"]![0]!.split(";")[0]! })).toBe(200);
    expect((await openSession(running, { token: "wrong" })).status).toBe(401);
  });

  test.each([
    [{}],
    [{ code: "" }],
    [{ code: 7 }],
    [{ code: "a", token: "b" }],
    [{ code: "a", admin: true }],
    [[]],
    ["{"],
    [{ token: "a".repeat(513) }],
  ])("%j opens none", async (body) => {
    const running = await runServer();
    const answer = await openSession(running, body);
    expect([answer.status, answer.json.error?.code]).toEqual([400, "USAGE"]);
  });

  test("a page of another site cannot sign its visitor in", async () => {
    const running = await runServer();
    const body = { code: codeOf(running.server.link()) };
    expect((await openSession(running, body, { origin: "https://evil.example" })).status).toBe(403);
    expect((await openSession(running, body, { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await openSession(running, body)).status).toBe(204);
  });

  test("signing out ends this session and no other, and takes the cookie away", async () => {
    const running = await runServer();
    const [mine, other] = [await signIn(running), await signIn(running)];
    const headers = { cookie: mine, "sec-fetch-site": "same-origin" };
    const answer = await running.ask("/api/session", { method: "DELETE", as: "nobody", headers });
    expect(answer.status).toBe(204);
    expect(answer.headers["set-cookie"]![0]).toMatch(/^sekisho=; .*Expires=Thu, 01 Jan 1970/);
    expect(await statusWith(running, { cookie: mine })).toBe(401);
    expect(await statusWith(running, { cookie: other })).toBe(200);
  });

  test("it ends twelve hours after its last use", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    running.clock.advance(12 * HOUR - 1);
    expect(await statusWith(running, { cookie })).toBe(200);
    running.clock.advance(12 * HOUR - 1);
    expect(await statusWith(running, { cookie })).toBe(200);
    running.clock.advance(12 * HOUR);
    expect(await statusWith(running, { cookie })).toBe(401);
  });

  test("it ends after a week, however much it is used", () => {
    const clock = new TestClock();
    const access = new Access(TOKEN, clock);
    const id = access.redeemToken(TOKEN)!;
    for (let hours = 0; hours < 7 * 24; hours += 8) {
      expect(access.bySession(id)).not.toBeNull();
      clock.advance(8 * HOUR);
    }
    expect(access.bySession(id)).toBeNull();
  });

  test("the sixty-fifth takes the place of the one that was used least recently", () => {
    const access = new Access(TOKEN, new TestClock());
    const ids = Array.from({ length: 64 }, () => access.redeemToken(TOKEN)!);
    access.bySession(ids[0]!);
    access.redeemToken(TOKEN);
    expect(access.bySession(ids[0]!)).not.toBeNull();
    expect(access.bySession(ids[1]!)).toBeNull();
    expect(access.bySession(ids[2]!)).not.toBeNull();
  });
});

describe("failed attempts", () => {
  const fail = (running: Running): Promise<Answer> => openSession(running, { code: "guess" });

  test("the eleventh within a minute is told to wait", async () => {
    const running = await runServer();
    for (let at = 0; at < 10; at++) expect((await fail(running)).status).toBe(401);
    running.clock.advance(20_000);
    const answer = await fail(running);
    expect([answer.status, answer.json.error?.code]).toEqual([429, "ATTEMPTS_EXCEEDED"]);
    expect(answer.headers["retry-after"]).toBe("40");
    expect(await statusWith(running, { authorization: "Bearer wrong" })).toBe(429);
    running.clock.advance(40_000);
    expect((await fail(running)).status).toBe(401);
  });

  test("they keep nobody out who has a token, a session or a code", async () => {
    const running = await runServer();
    const cookie = await signIn(running);
    for (let at = 0; at < 15; at++) await fail(running);
    expect(await statusWith(running, { authorization: `Bearer ${TOKEN}` })).toBe(200);
    expect(await statusWith(running, { cookie })).toBe(200);
    expect((await openSession(running, { code: codeOf(running.server.link()) })).status).toBe(204);
    expect((await openSession(running, { token: TOKEN })).status).toBe(204);
  });

  test("a page whose session ended is sent to sign in, however often it asks", async () => {
    const running = await runServer();
    for (let at = 0; at < 15; at++) expect(await statusWith(running, { cookie: "sekisho=ended" })).toBe(401);
    expect((await fail(running)).status).toBe(401);
  });

  test("a clock that is set back does not prolong the wait", async () => {
    const running = await runServer();
    for (let at = 0; at < 11; at++) await fail(running);
    running.clock.advance(-HOUR);
    expect((await fail(running)).status).toBe(401);
  });
});

test("the log never has the token, a code or a cookie, whatever its level", async () => {
  const log = capturedLog("trace");
  const running = await runServer({ logger: log.logger });
  const code = codeOf(running.server.link());
  const cookie = await signIn(running);
  await openSession(running, { code });
  await openSession(running, { code });
  await openSession(running, { token: TOKEN });
  await openSession(running, { token: "pasted-by-mistake" });
  await statusWith(running, { cookie });
  await statusWith(running, { authorization: "Bearer guessed-guessed" });
  await running.ask(`/api/status?token=${TOKEN}`);
  await running.ask(`/${TOKEN}`);
  await running.ask(`/${TOKEN}%ff`);
  running.backend.status = () => {
    throw new Error("broken");
  };
  await running.ask("/api/status", { headers: { cookie } });
  expect(log.text()).toContain("broken");
  expect(log.text()).toContain('"route":"/api/status"');
  for (const secret of [TOKEN, code, cookie.split("=")[1]!, "pasted-by-mistake", "guessed-guessed"]) {
    expect(log.text()).not.toContain(secret);
  }
});

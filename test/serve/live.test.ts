import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Running, runServer, signIn, TOKEN } from "./running-server.ts";

afterEach(() => {
  vi.useRealTimers();
});

interface Listening {
  readonly response: IncomingMessage;
  readonly request: ClientRequest;
  /** All that came so far. */
  text(): string;
  /** Resolves when the text so far holds `part`. */
  until(part: string): Promise<void>;
  /** How the stream ended. */
  readonly ended: Promise<"end" | "broken">;
}

const BEARER = { authorization: `Bearer ${TOKEN}` };

async function listen({ server }: Running, headers: Record<string, string> = BEARER): Promise<Listening> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sending = request(`${server.url}/api/live`, { headers, agent: false }, resolve)
    .on("error", reject)
    .end();
  onTestFinished(() => void sending.destroy());
  const response = await promise;
  let text = "";
  const ended = new Promise<"end" | "broken">((settle) => {
    response.on("end", () => settle("end")).on("error", () => settle("broken"));
  });
  response.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  // Not vi.waitFor, which moves fake timers on.
  const until = async (part: string): Promise<void> => {
    while (!text.includes(part)) await new Promise((resolve) => setImmediate(resolve));
  };
  return { response, request: sending, text: () => text, until, ended };
}

describe("GET /api/live", () => {
  test("it begins with the status", async () => {
    const running = await runServer();
    const live = await listen(running);
    expect(live.response.statusCode).toBe(200);
    expect(live.response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(live.response.headers["cache-control"]).toBe("no-store");
    await live.until("\n\n");
    const [, data] = /^event: status\ndata: (.*)\n\n$/.exec(live.text())!;
    expect(JSON.parse(data!)).toEqual({
      kind: "status",
      status: JSON.parse(JSON.stringify(running.backend.status())),
    });
  });

  test("it tells everybody what changed, in one line of JSON", async () => {
    const running = await runServer();
    const listeners = [await listen(running), await listen(running)];
    await running.ask("/api/bans", { method: "POST", body: { target: "192.0.2.7" } });
    for (const live of listeners)
      await live.until('event: changed\ndata: {"kind":"changed","what":["bans"]}\n\n');
  });

  test("line breaks in what it tells forge no message", async () => {
    const running = await runServer();
    const live = await listen(running);
    const hostile = "x\n\nevent: changed\r\ndata: {}\n\n";
    const status = running.backend.status();
    running.backend.tell({ kind: "status", status: { ...status, version: hostile } });
    await live.until("\\n\\nevent");
    expect(live.text().match(/^event: /gm)).toHaveLength(2);
  });

  test("a comment every 15 seconds keeps it open", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const running = await runServer();
    const live = await listen(running);
    await live.until("event: status");
    vi.advanceTimersByTime(14_999);
    running.backend.tell({ kind: "changed", what: ["traffic"] });
    await live.until("changed");
    expect(live.text()).not.toMatch(/^:/m);
    vi.advanceTimersByTime(1);
    await live.until("\n: still here\n\n");
  });

  test("HEAD of it opens no stream", async () => {
    const { ask } = await runServer();
    expect((await ask("/api/live", { method: "HEAD" })).status).toBe(404);
  });

  test("closing the server ends it, with idle connections beside it", async () => {
    const running = await runServer();
    const live = await listen(running);
    const idle = connect(Number(new URL(running.server.url).port), "127.0.0.1");
    onTestFinished(() => void idle.destroy());
    await new Promise((resolve) => idle.once("connect", resolve));
    await running.server.close();
    expect(await live.ended).toBe("end");
    expect(running.backend.listeners.size).toBe(0);
  });

  test("signing out ends the session's streams, and no others", async () => {
    const running = await runServer();
    const [mine, other] = [await signIn(running), await signIn(running)];
    const live = await listen(running, { cookie: mine });
    const theirs = await listen(running, { cookie: other });
    const headers = { cookie: mine, "sec-fetch-site": "same-origin" };
    await running.ask("/api/session", { method: "DELETE", as: "nobody", headers });
    expect(await live.ended).toBe("end");
    running.backend.tell({ kind: "changed", what: ["bans"] });
    await theirs.until("changed");
  });

  test("a stream keeps no session alive, and ends with it", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const running = await runServer();
    const live = await listen(running, { cookie: await signIn(running) });
    running.clock.advance(12 * 3_600_000);
    vi.advanceTimersByTime(15_000);
    expect(await live.ended).toBe("end");
  });

  test("the thirty-third stream is refused until another one goes", async () => {
    const running = await runServer();
    const listeners = [];
    for (let at = 0; at < 32; at++) listeners.push(await listen(running));
    const refused = await running.ask("/api/live");
    expect([refused.status, refused.json.error?.code]).toEqual([503, "LIVE_FULL"]);
    listeners[0]!.request.destroy();
    await vi.waitFor(async () => expect((await listen(running)).response.statusCode).toBe(200), 60_000);
  });

  test("a consumer that stopped reading is dropped, and holds up nobody", async () => {
    const running = await runServer();
    const live = await listen(running);
    const stuck = connect(Number(new URL(running.server.url).port), "127.0.0.1");
    onTestFinished(() => void stuck.destroy());
    stuck.write(
      `GET /api/live HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${BEARER.authorization}\r\n\r\n`,
    );
    await new Promise((resolve) => stuck.once("readable", resolve));
    const large = { ...running.backend.status(), version: "x".repeat(100_000) };
    // 30 MB: the kernel takes some before the first byte waits in the server, which keeps one more.
    for (let told = 1; told <= 300; told++) {
      running.backend.tell({ kind: "status", status: large });
      while (live.text().length < told * 100_000) await new Promise((resolve) => setImmediate(resolve));
    }
    let received = 0;
    stuck
      .on("error", () => {})
      .on("data", (part) => {
        received += part.length;
      });
    await new Promise((resolve) => stuck.once("close", resolve));
    expect(received).toBeLessThan(20_000_000);
  });
});

import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MOST_CONNECTIONS } from "../../src/serve/connections.ts";
import { type Running, runServer, TOKEN } from "./running-server.ts";

const HEAD = "Host: 127.0.0.1";
const ADMITTED = `${HEAD}\r\nAuthorization: Bearer ${TOKEN}`;

/** A connection over which `text` was sent, once the server has answered or, where it has nothing to answer, has taken it. */
async function open({ server }: Running, text: string, isAnswered: boolean): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(server.url).port), "127.0.0.1", () => {
    socket.write(text);
    if (!isAnswered) resolve();
  });
  socket.on("error", reject);
  socket.on("data", () => resolve());
  onTestFinished(() => void socket.destroy());
  await promise;
  return socket;
}

describe("whoever opens many connections to the dashboard", () => {
  test("holds a bounded number, the newest; whoever was let in stays, and others get in", async () => {
    const running = await runServer();
    const live = await open(running, `GET /api/live HTTP/1.1\r\n${ADMITTED}\r\n\r\n`, true);
    const kept = await open(running, `GET /api/status HTTP/1.1\r\n${ADMITTED}\r\n\r\n`, true);
    const silent: Socket[] = [];
    // A request without its end, a body that does not come, and requests that nobody answers for.
    const texts = [
      `GET / HTTP/1.1\r\n${HEAD}`,
      `POST /api/session HTTP/1.1\r\n${HEAD}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n`,
    ];
    for (let each = 0; each < MOST_CONNECTIONS + 50; each++)
      silent.push(await open(running, texts[each % texts.length]!, false));
    const areOpen = (sockets: readonly Socket[]) => sockets.map(({ closed }) => !closed);
    const gone = silent.length + 2 - MOST_CONNECTIONS;
    await vi.waitFor(() => expect(areOpen(silent)).toEqual(silent.map((_, at) => at >= gone)), {
      timeout: 60_000,
    });
    expect(areOpen([live, kept])).toEqual([true, true]);
    expect((await running.ask("/api/status")).status).toBe(200);
  });
});

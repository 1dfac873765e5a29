import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  DIRECTORY_CANARY,
  generationCanary,
  INCLUDE_CANARY,
  ORDINARY,
} from "../../../src/enforce/apache/canary.ts";
import { ApacheRequests, letsIn } from "../../../src/enforce/apache/requests.ts";
import type { Door } from "../../../src/model/door.ts";
import type { Ip } from "../../../src/model/ip.ts";
import { missing } from "../../requirements.ts";
import { temporaryFolder } from "../../temporary-folder.ts";

const { signal } = new AbortController();
const CANARY = DIRECTORY_CANARY;
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return (server.address() as AddressInfo).port;
}
const door = (port: number, more: Partial<Door> = {}): Door => ({
  address: "127.0.0.1" as Ip,
  port,
  tls: false,
  name: null,
  path: "/robots.txt",
  ...more,
});
/** Answers one status to the canary and another one to everybody else. */
const answering = (canary: number, others: number) =>
  listening(
    createServer((request, response) => {
      response.statusCode = request.socket.remoteAddress === CANARY ? canary : others;
      response.end();
    }),
  );
const isRefused = (...doors: Door[]) => new ApacheRequests(() => doors).isRefused(CANARY, signal);

describe("who is asked", () => {
  test("the canaries are addresses of loopback that differ, for each generation too", () => {
    const generations = Array.from({ length: 65_280 }, (_, number) => generationCanary(number));
    const all = [DIRECTORY_CANARY, INCLUDE_CANARY, ORDINARY, ...generations];
    expect(new Set(all).size).toBe(all.length);
    for (const address of all) expect(address).toMatch(/^127\.83\.\d{1,3}\.\d{1,3}$/);
    expect(generationCanary(65_280)).toBe(generationCanary(0));
  });

  test("the request comes from the canary, for the door's name and path, and passes caches", async () => {
    const seen: unknown[] = [];
    const note: RequestListener = ({ method, url, headers, socket }, response) => {
      seen.push([method, url, headers.host, headers["cache-control"], socket.remoteAddress]);
      response.statusCode = 403;
      response.end();
    };
    const port = await listening(createServer(note));
    await isRefused(door(port, { name: "site.example", path: "/a?b" }));
    expect(seen).toEqual([
      ["HEAD", "/a?b", "site.example", "no-cache", CANARY],
      ["HEAD", "/a?b", "site.example", "no-cache", ORDINARY],
    ]);
  });

  test.skipIf(missing("openssl"))("over TLS any certificate does, and the name is told for SNI", async () => {
    using folder = temporaryFolder();
    const [key, cert] = [join(folder.path, "key"), join(folder.path, "cert")];
    const made = ["-subj", "/CN=other.example", "-days", "2", "-keyout", key, "-out", cert];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", ...made],
      { stdio: "ignore" },
    );
    const names: unknown[] = [];
    const server = createTlsServer(
      { key: readFileSync(key), cert: readFileSync(cert) },
      (request, response) => {
        names.push((request.socket as { servername?: unknown }).servername);
        response.statusCode = request.socket.remoteAddress === CANARY ? 403 : 200;
        response.end();
      },
    );
    const port = await listening(server);
    expect(await isRefused(door(port, { tls: true, name: "site.example" }))).toEqual({ kind: "refused" });
    expect(names).toEqual(["site.example", "site.example"]);
  });
});

describe("what an answer says", () => {
  test.for([200, 204, 401, 404, 405, 410])("%i to the canary: it came through", async (status) => {
    const port = await answering(status, status);
    expect(await isRefused(door(port))).toEqual({
      kind: "passed",
      where: `http://127.0.0.1:${port} answered ${status} to ${CANARY}`,
    });
  });

  test.for([200, 301, 404, 503])("403 to the canary and %i to others: it is refused", async (status) => {
    expect(await isRefused(door(await answering(403, status)))).toEqual({ kind: "refused" });
  });

  test.for([301, 308, 400, 421, 500, 503])(
    "%i may come before access is looked at, and says nothing",
    async (status) => {
      expect(await isRefused(door(await answering(status, status)))).toMatchObject({
        kind: "unknown",
        why: expect.stringContaining(`answered ${status}`),
      });
    },
  );

  test.for([404, 410])("%i says nothing where a vhost may give it to anybody", async (status) => {
    const early = { answersEarly: true };
    expect(await isRefused(door(await answering(status, status), early))).toMatchObject({ kind: "unknown" });
    expect(await isRefused(door(await answering(403, status), early))).toEqual({ kind: "refused" });
    const look = (port: number) => new ApacheRequests(() => [door(port, early)]).look(signal);
    expect(letsIn((await look(await answering(status, status)))!)).toBe(false);
  });

  test("the redirect that ErrorDocument makes of a 403 is a refusal, where others are let in", async () => {
    expect(await isRefused(door(await answering(302, 200)))).toEqual({ kind: "refused" });
    expect(await isRefused(door(await answering(302, 404)))).toEqual({ kind: "refused" });
    expect(await isRefused(door(await answering(302, 302)))).toMatchObject({ kind: "unknown" });
    expect(await isRefused(door(await answering(302, 503)))).toMatchObject({ kind: "unknown" });
  });

  test("a place that is closed to everybody says nothing, and the next door is asked", async () => {
    const closed = door(await answering(403, 403));
    expect(await isRefused(closed)).toMatchObject({
      kind: "unknown",
      why: expect.stringContaining("403 to everybody"),
    });
    expect(await isRefused(closed, door(await answering(301, 301)), door(await answering(403, 200)))).toEqual(
      {
        kind: "refused",
      },
    );
  });

  test("what does not listen, breaks off or talks rubbish answers nothing", async () => {
    const gone = createTcpServer();
    const port = await listening(gone);
    await new Promise((resolve) => gone.close(resolve));
    const breaking = await listening(createTcpServer((socket) => socket.destroy()));
    const rubbish = await listening(
      createTcpServer((socket) => void socket.end("220 mail.example ESMTP\r\n")),
    );
    for (const each of [port, breaking, rubbish])
      expect(await isRefused(door(each))).toMatchObject({
        kind: "unknown",
        why: expect.stringContaining("did not answer"),
      });
  });

  test("without a door nobody is asked, and it says what to set", async () => {
    expect(await isRefused()).toMatchObject({ kind: "unknown", why: expect.stringContaining("probe.url") });
    expect(await new ApacheRequests(() => []).look(signal)).toBeNull();
  });

  test("a look finds a door that lets people in before one that sends them elsewhere", async () => {
    const [elsewhere, open] = [door(await answering(403, 301)), door(await answering(403, 200))];
    const look = (...doors: Door[]) => new ApacheRequests(() => doors).look(signal);
    expect(await look(elsewhere, open)).toEqual({ door: open, status: 200 });
    expect(await look(elsewhere)).toEqual({ door: elsewhere, status: 301 });
  });

  test("stopping Sekisho ends a question that is not answered", async () => {
    const port = await listening(createTcpServer((socket) => void socket.on("error", () => {})));
    const stop = new AbortController();
    const asked = new ApacheRequests(() => [door(port)]).isRefused(CANARY, stop.signal);
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: "AbortError" });
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { temporaryFolder } from "../temporary-folder.ts";
import { DaemonUnderTest } from "./daemon.ts";

const event = (fields: object): string =>
  `${JSON.stringify({ time: new Date().toISOString(), event: "ws.rate_exceeded", client: "192.0.2.7", ...fields })}\n`;

/** An app, in a process of its own, that sends these bytes and waits until the daemon has closed its side. What it was answered. */
async function app(socket: string, bytes: string): Promise<string> {
  const program = `
    const socket = require("node:net").connect(process.argv[1]);
    socket.on("error", (error) => { console.error(error.code); process.exitCode = 1; });
    socket.pipe(process.stdout);
    process.stdin.pipe(socket);`;
  const child = spawn(process.execPath, ["--eval", program, socket], { stdio: ["pipe", "pipe", "inherit"] });
  let answer = "";
  child.stdout.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  child.stdin.end(bytes);
  const [status] = (await once(child, "close")) as [number];
  expect(status).toBe(0);
  return answer;
}

const config = (socket: string, more = ""): string =>
  `logs: [{ kind: audit, socket: ${socket}${more} }]\ndashboard: { listen: "127.0.0.1:0" }\n`;

async function until<T>(ask: () => Promise<T>, isThere: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask();
    if (isThere(value)) return value;
    await sleep(50);
  }
}

test("an app that reports a client three times over the socket has it banned, though the daemon is killed in between", async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, "run/chat.sock");
  await using daemon = new DaemonUnderTest(folder.path, config(socket));
  await daemon.start();
  const [source] = await until(
    async () => (await daemon.status()).sources,
    (sources) => sources.length > 0,
  );
  expect(source).toMatchObject({
    path: socket,
    kind: "audit",
    error: null,
    audit: { bans: 0, limit: 20, socket: { connections: 0, dropped: 0 } },
  });
  expect(await app(socket, event({ connection: "c1" }))).toBe("");
  const answer = await app(socket, `${event({ connection: "c2" })}{"event":"ws.open"}\n{"half`);
  expect(
    answer
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).error),
  ).toEqual(["a field is missing or of the wrong type", "the last line has no end and was dropped"]);
  await daemon.kill("SIGKILL");
  expect(statSync(socket).isSocket()).toBe(true);

  await daemon.start();
  expect((await daemon.bans()).length).toBe(0);
  await app(socket, event({ connection: "c3" }));
  const bans = await until(daemon.bans, ({ length }) => length > 0);
  expect(bans).toMatchObject([{ target: "192.0.2.7/32", rule: "audit-rate" }]);
  const sources = await until(
    async () => (await daemon.status()).sources,
    ([each]) => each?.audit?.bans === 1,
  );
  expect(sources).toMatchObject([{ path: socket, lines: 4, unparsed: 1 }]);
  const incident = await daemon.incidentOn("192.0.2.7");
  expect(incident.findings).toMatchObject([{ count: 3, spared: null }]);
  const { items } = await daemon.api<{ items: { source: string }[] }>("/api/events?kind=audit");
  expect(items.map((item) => item.source)).toEqual([socket, socket, socket]);
  expect((await daemon.cli("status")).stdout).toMatch(/chat\.sock .*caused 1 of at most 20 bans a day/);
  expect(await daemon.kill("SIGTERM")).toBe(0);
  expect(existsSync(socket)).toBe(false);
});

test("an app is told when a line has arrived: however often the daemon is killed, each is counted once then", async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, "run/chat.sock");
  await using daemon = new DaemonUnderTest(folder.path, config(socket));
  const arrived = new Set<string>();
  let sent = 0;
  /** Sends until the daemon dies under it. */
  const flood = async (): Promise<void> => {
    for (;;) {
      const names = Array.from({ length: 500 }, () => `c${sent++}`);
      const client = connect(socket);
      // An empty line asks how many have arrived.
      client.write(`${names.map((connection) => event({ connection, event: "ws.open" })).join("")}\n`);
      const isConfirmed = new Promise<boolean>((resolve) => {
        client.once("data", (answer) => resolve(String(answer) === '{"received":500}\n'));
        client.once("close", () => resolve(false));
        client.once("error", () => {});
      });
      if (!(await isConfirmed)) return;
      client.end();
      for (const name of names) arrived.add(name);
    }
  };
  for (let kills = 0; kills < 6; kills++) {
    await daemon.start();
    const before = arrived.size;
    const flooding = flood();
    // Once before any of it has arrived for certain, and then at many moments after.
    if (kills > 0) await expect.poll(() => arrived.size, { interval: 5 }).toBeGreaterThan(before);
    await sleep(60 * kills);
    await daemon.kill("SIGKILL");
    await flooding;
  }
  await daemon.start();
  await until(
    async () => (await daemon.status()).sources,
    ([source]) => source !== undefined && source.lagBytes === 0 && source.lines >= arrived.size,
  );
  await daemon.kill("SIGTERM");
  using reader = new Reader(join(daemon.data, "sekisho.sqlite"));
  const names = reader.connections();
  expect(arrived.size).toBeGreaterThan(1_000);
  expect(new Set(names).size).toBe(names.length);
  const counted = new Set(names);
  expect([...arrived].filter((name) => !counted.has(name))).toEqual([]);
});

test("a reload opens the sockets that are new, closes those that are gone, and leaves the others their connections", async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, `run/${name}.sock`);
  const logs = (...names: string[]): string =>
    `logs: [${names.map((name) => `{ kind: audit, socket: ${at(name)} }`).join(", ")}]\ndashboard: { listen: "127.0.0.1:0" }\n`;
  await using daemon = new DaemonUnderTest(folder.path, logs("chat", "shop"));
  await daemon.start();
  const stays = connect(at("chat"));
  await once(stays, "connect");
  daemon.configure(logs("chat", "forum"));
  daemon.signal("SIGHUP");
  await until(
    async () => readdirSync(join(folder.path, "run")).sort(),
    (names) => names.join() === "chat.sock,forum.sock",
  );
  const ended = once(stays.resume(), "end");
  stays.end(event({}));
  await Promise.all([ended, app(at("forum"), event({}))]);
  await until(
    async () => (await daemon.status()).sources.map(({ path, lines }) => `${path} ${lines}`).sort(),
    (sources) => sources.join() === `${at("chat")} 1,${at("forum")} 1`,
  );
});

test("a socket that cannot be made leaves the rest alone, says why, and is made once it can be", async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, "run/chat.sock");
  mkdirSync(socket, { recursive: true });
  await using daemon = new DaemonUnderTest(folder.path, config(socket));
  await daemon.start();
  const [source] = await until(
    async () => (await daemon.status()).sources,
    (sources) => sources.length > 0,
  );
  expect(source).toMatchObject({ path: socket, error: `${socket} is there and is no socket` });
  expect((await daemon.cli("status")).exitStatus).toBe(1);
  const check = await daemon.cli("check");
  expect([check.exitStatus, check.stderr + check.stdout]).toEqual([
    3,
    expect.stringContaining("is no socket"),
  ]);
});

test("beyond its share an app bans nobody, over a restart too, and status says so", async () => {
  using folder = temporaryFolder();
  const socket = join(folder.path, "run/chat.sock");
  const limits = ", mayBan: [ws.rate_exceeded], maxBanShare: 0, bansAlways: 1";
  await using daemon = new DaemonUnderTest(folder.path, config(socket, limits));
  await daemon.start();
  const report = (client: string, name = "ws.rate_exceeded"): Promise<string> =>
    app(socket, event({ client, event: name }).repeat(5));
  const sparedFor = async (subject: string): Promise<string | null> => {
    await until(
      () => daemon.api<{ items: { subject: string }[] }>("/api/incidents"),
      ({ items }) => items.some((item) => item.subject === subject),
    );
    return (await daemon.incidentOn(subject)).findings[0]!.spared;
  };
  await report("198.51.100.1");
  expect(await sparedFor("198.51.100.1")).toBeNull();
  await daemon.kill("SIGKILL");
  await daemon.start();
  await report("198.51.100.2");
  expect(await sparedFor("198.51.100.2")).toBe("source chat has caused 1 ban in a day, as many as it may");
  await report("198.51.100.3", "ws.origin_rejected");
  expect(await sparedFor("198.51.100.3")).toBe("source chat may not ban for ws.origin_rejected");
  expect((await daemon.bans()).map(({ target }) => target)).toEqual(["198.51.100.1/32"]);
  const { problems } = await daemon.status();
  expect(problems).toMatchObject([
    { message: expect.stringContaining("audit source chat has caused 1 ban") as string },
  ]);
});

class Reader implements Disposable {
  readonly #database: Database.Database;
  constructor(file: string) {
    this.#database = new Database(file, { readonly: true });
  }
  connections(): string[] {
    const sql = "SELECT t.value FROM events e JOIN texts t ON t.id = e.connection WHERE e.kind = 3";
    return this.#database.prepare(sql).pluck().all() as string[];
  }
  [Symbol.dispose](): void {
    this.#database.close();
  }
}

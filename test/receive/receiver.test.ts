import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { complaintOf } from "../../src/ingest/audit-sockets.ts";
import { LINE_BYTES } from "../../src/receive/connection.ts";
import { Receiver } from "../../src/receive/receiver.ts";
import type { Progress, SpoolLimits } from "../../src/receive/spool.ts";
import { temporaryFolder } from "../temporary-folder.ts";

const PATIENT = { timeout: 60_000 };
const GOOD = '{"time":"2026-11-20T12:00:00Z","event":"ws.open","client":"192.0.2.7"}';

/** A socket with its spool, and what there is in it. */
class Scene implements AsyncDisposable {
  readonly #folder = temporaryFolder();
  readonly path = join(this.#folder.path, "run/chat.sock");
  readonly spool = join(this.#folder.path, "data/audit/chat.jsonl");
  receiver!: Receiver;

  static async start(limits?: SpoolLimits, progress: () => Progress = () => "unread"): Promise<Scene> {
    const scene = new Scene();
    const settings = { path: scene.path, spool: scene.spool, group: null, mode: 0o660 };
    const stages = { check: complaintOf, progress, ...(limits === undefined ? {} : { limits }) };
    scene.receiver = await Receiver.start(settings, stages);
    return scene;
  }

  get text(): string {
    return readFileSync(this.spool, "latin1");
  }

  async connected(): Promise<Socket> {
    const socket = connect(this.path);
    await once(socket, "connect");
    return socket;
  }

  /** Sends bytes, ends, and waits for the end of the other side: what was answered. */
  async sent(...pieces: (string | Buffer)[]): Promise<unknown[]> {
    const socket = await this.connected();
    const answers = answersOf(socket);
    for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
    socket.end();
    return answers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.receiver[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

async function answersOf(socket: Socket): Promise<unknown[]> {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(socket, "end");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}
const complaint = (error: string) =>
  expect.objectContaining({ error: expect.stringContaining(error) }) as unknown;

describe("lines", () => {
  test("that are events are in the file as they came, and are not answered", async () => {
    await using scene = await Scene.start();
    expect(await scene.sent(`${GOOD}\n${GOOD}\n`)).toEqual([]);
    expect(scene.text).toBe(`${GOOD}\n${GOOD}\n`);
  });

  test("in pieces, down to single bytes, are the same lines", async () => {
    await using scene = await Scene.start();
    expect(await scene.sent(...`${GOOD}\n${GOOD}\n`)).toEqual([]);
    expect(scene.text).toBe(`${GOOD}\n${GOOD}\n`);
  });

  test.each([
    ["not JSON", "not a JSON object"],
    ['{"time":"2026-11-20T12:00:00Z","client":"192.0.2.7"}', "a field is missing"],
    [GOOD.replace("ws.open", "ws.opened"), "no known name"],
    [GOOD.replace("192.0.2.7", "example.com"), "not an address"],
    [GOOD.replace("Z", ""), "the time is none"],
    [GOOD.replace("{", '{"version":2,'), "newer than this Sekisho"],
    ["\0\xff\r", "not a JSON object"],
  ])("that are none are answered, and kept to be shown: %j", async (line, error) => {
    await using scene = await Scene.start();
    expect(await scene.sent(Buffer.from(`${line}\n${GOOD}\n`, "latin1"))).toEqual([complaint(error)]);
    expect(scene.text).toBe(`${line}\n${GOOD}\n`);
  });

  test.each([5_000, 30_000])(
    "whose detail is nested %d deep are answered, and the next one is read",
    async (levels) => {
      await using scene = await Scene.start();
      const deep = GOOD.replace("}", `,"detail":{"a":${"[".repeat(levels)}${"]".repeat(levels)}}}`);
      expect(await scene.sent(`${deep}\n${GOOD}\n`)).toEqual([complaint("of the wrong type")]);
      expect(scene.text).toBe(`${deep}\n${GOOD}\n`);
    },
  );

  test("of the longest length are taken; longer ones are refused, and what follows them is read", async () => {
    await using scene = await Scene.start();
    const long = (length: number): string => GOOD.replace("}", `,"detail":{"a":"${"x".repeat(length)}"}}`);
    const longest = long(LINE_BYTES - long(0).length);
    expect(longest.length).toBe(LINE_BYTES);
    const answers = await scene.sent(`${longest}\n${longest} \n${GOOD}\n${"y".repeat(1_000_000)}\n${GOOD}\n`);
    expect(answers).toEqual([complaint("longer than 65536 bytes"), complaint("longer than 65536 bytes")]);
    expect(scene.text).toBe(`${longest}\n${GOOD}\n${GOOD}\n`);
    expect(scene.receiver.counts.dropped).toBe(2);
  });

  test("whose end never comes are dropped, told and counted", async () => {
    await using scene = await Scene.start();
    expect(await scene.sent(`${GOOD}\n${GOOD}`)).toEqual([complaint("has no end")]);
    expect([scene.text, scene.receiver.counts.dropped]).toEqual([`${GOOD}\n`, 1]);
    const socket = await scene.connected();
    await new Promise((resolve) => socket.write('{"half', resolve));
    socket.destroy();
    await expect.poll(() => scene.receiver.counts, PATIENT).toEqual({ connections: 0, dropped: 2 });
  });

  test("that are empty ask how many have arrived, and are answered once these are in the file", async () => {
    await using scene = await Scene.start();
    const socket = await scene.connected();
    let answer = once(socket, "data");
    socket.write(`${GOOD}\n${GOOD}\n\n`);
    expect([String((await answer)[0]), scene.text]).toEqual(['{"received":2}\n', `${GOOD}\n${GOOD}\n`]);
    answer = once(socket, "data");
    socket.write(`${GOOD}\n\n`);
    expect(String((await answer)[0])).toBe('{"received":3}\n');
    socket.destroy();
  });
});

test("a socket that somebody removed is made anew, and the connections that there are stay", async () => {
  await using scene = await Scene.start();
  const first = await scene.connected();
  rmSync(scene.path);
  await expect.poll(() => existsSync(scene.path), PATIENT).toBe(true);
  expect(await scene.sent(`${GOOD}\n`)).toEqual([]);
  const ended = answersOf(first);
  first.end(`${GOOD}\n`);
  expect([await ended, scene.text]).toEqual([[], `${GOOD}\n${GOOD}\n`]);
  expect(scene.receiver.problem).toBeNull();
});

test("a folder that is not there yet is waited for", async () => {
  using folder = temporaryFolder();
  const blocked = join(folder.path, "run");
  writeFileSync(blocked, "");
  const settings = {
    path: join(blocked, "chat.sock"),
    spool: join(folder.path, "x.jsonl"),
    group: null,
    mode: 0o660,
  };
  await using receiver = await Receiver.start(settings, { check: complaintOf, progress: () => "unread" });
  expect(receiver.problem).toMatchObject({ code: "SOCKET_FAILED" });
  rmSync(blocked);
  await expect.poll(() => receiver.problem, PATIENT).toBeNull();
  expect(existsSync(settings.path)).toBe(true);
});

describe("an app", () => {
  test("that never reads its answers costs no memory for them, and its lines are taken all the same", async () => {
    await using scene = await Scene.start();
    const socket = await scene.connected();
    const bad = Buffer.from("x\n".repeat(100_000));
    const written = new Promise((resolve) => socket.write(bad, resolve));
    await written;
    await expect.poll(() => scene.text.length, PATIENT).toBe(bad.length);
    const waiting = await answersUntilQuiet(socket);
    // What the kernel holds of a socket, and what is held of answers here.
    expect(waiting).toBeLessThan(1_000_000);
    socket.destroy();
  });

  test("that opens too many connections is told, and the first ones go on", async () => {
    await using scene = await Scene.start();
    const sockets = await Promise.all(Array.from({ length: 64 }, () => scene.connected()));
    await expect.poll(() => scene.receiver.counts.connections, PATIENT).toBe(64);
    expect(await answersOf(await scene.connected())).toEqual([complaint("64 connections already")]);
    const ended = answersOf(sockets[0]!);
    sockets[0]!.end(`${GOOD}\n`);
    expect(await ended).toEqual([]);
    expect(scene.text).toBe(`${GOOD}\n`);
    for (const socket of sockets) socket.destroy();
  });

  test("is held back while the spool is full, and goes on when it has been read: nothing is lost", async () => {
    let progress: Progress = "unread";
    await using scene = await Scene.start({ rotateAt: 10_000, fullAt: 100_000 }, () => progress);
    const socket = await scene.connected();
    const lines = 200_000;
    let isAllWritten = false;
    const written = new Promise<void>((resolve) => {
      socket.write(`${GOOD}\n`.repeat(lines), () => {
        isAllWritten = true;
        resolve();
      });
    });
    const isSame = async (): Promise<boolean> => {
      const before = scene.text.length;
      await new Promise((resolve) => setTimeout(resolve, 600));
      return before > 0 && scene.text.length === before;
    };
    while (!(await isSame()));
    expect(isAllWritten).toBe(false);
    // From now on all is read as soon as it is asked for, as if the tailer followed; generations are thrown away.
    progress = "read";
    const answer = once(socket, "data");
    await written;
    socket.write("\n");
    expect(String((await answer)[0])).toBe(`{"received":${lines}}\n`);
    expect(existsSync(`${scene.spool}.1`)).toBe(true);
    socket.destroy();
  });
});

async function answersUntilQuiet(socket: Socket): Promise<number> {
  let length = 0;
  socket.on("data", (chunk: Buffer) => {
    length += chunk.length;
  });
  for (let before = -1; before !== length; ) {
    before = length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return length;
}

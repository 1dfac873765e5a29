import { once } from "node:events";
import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { GuardChannel, MOST_APPS } from "../../../src/enforce/guard/channel.ts";
import { Guard } from "../../../src/enforce/guard/guard.ts";
import { type GuardLine, guardLineSchema } from "../../../src/enforce/guard/messages.ts";
import type { Block } from "../../../src/model/decision.ts";
import { parseTarget, type Target } from "../../../src/model/ip.ts";
import { unixMs } from "../../../src/model/time.ts";
import { temporaryFolder } from "../../temporary-folder.ts";
import { block } from "../blocks.ts";

const PATIENT = { timeout: 60_000 };
const many = (count: number): Block[] =>
  Array.from({ length: count }, (_, n) => block(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`));

/** An app that keeps the lines it got, and what they amount to. */
class App {
  readonly socket: Socket;
  readonly lines: GuardLine[] = [];
  /** Target to until. */
  bans = new Map<string, string | null>();
  #next = new Map<string, string | null>();

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on("error", () => {});
    createInterface({ input: this.socket, crlfDelay: 0 }).on("line", (line) => this.#take(line));
  }

  get types(): string[] {
    return this.lines.map(({ type }) => type).filter((type) => type !== "heartbeat");
  }

  #take(text: string): void {
    const line = guardLineSchema.parse(JSON.parse(text));
    this.lines.push(line);
    if (line.type === "snapshot") {
      if (line.part === 0) this.#next = new Map();
      for (const { target, until } of line.bans) this.#next.set(target, until);
      if (line.last) this.bans = this.#next;
    } else if (line.type === "ban") this.bans.set(line.target, line.until);
    else if (line.type === "unban") this.bans.delete(line.target);
  }
}

/** A guard with its socket. */
class Scene implements Disposable {
  readonly #folder = temporaryFolder();
  readonly place = { path: join(this.#folder.path, "run/guard.sock"), group: null, mode: 0o660 };
  readonly channel: GuardChannel;
  readonly guard: Guard;

  constructor(heartbeatMs?: number) {
    this.channel = new GuardChannel(heartbeatMs === undefined ? {} : { heartbeatMs });
    this.guard = new Guard(this.place, this.channel);
  }

  async want(...blocks: Block[]) {
    return this.guard.reconcile(blocks);
  }

  /** An app that has its snapshot. */
  async app(): Promise<App> {
    const app = new App(this.place.path);
    await expect.poll(() => app.types, PATIENT).toContain("snapshot");
    return app;
  }

  [Symbol.dispose](): void {
    this.channel[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

const targets = (...texts: string[]) => new Set(texts.map((text) => parseTarget(text)!));

describe("an app", () => {
  test("gets who it speaks to, then all bans, then each change", async () => {
    using scene = new Scene();
    const until = unixMs(Date.parse("2099-01-01T00:00:00Z"));
    await scene.want(block("192.0.2.1", until), block("2001:db8::/64"));
    const app = await scene.app();
    await scene.want(block("192.0.2.1"), block("198.51.100.0/24", until));
    await expect.poll(() => app.lines.length, PATIENT).toBe(5);
    expect(app.lines).toEqual([
      { type: "hello", version: 1, heartbeat: 30 },
      {
        type: "snapshot",
        part: 0,
        last: true,
        bans: [
          { target: "192.0.2.1/32", until: "2099-01-01T00:00:00.000Z" },
          { target: "2001:db8::/64", until: null },
        ],
      },
      { type: "ban", target: "192.0.2.1/32", until: null },
      { type: "ban", target: "198.51.100.0/24", until: "2099-01-01T00:00:00.000Z" },
      { type: "unban", target: "2001:db8::/64" },
    ]);
  });

  test("gets an empty snapshot where nobody is banned, and a heartbeat where nothing happens", async () => {
    using scene = new Scene(20);
    await scene.want();
    const app = await scene.app();
    expect(app.lines[1]).toEqual({ type: "snapshot", part: 0, last: true, bans: [] });
    await expect
      .poll(() => app.lines.filter(({ type }) => type === "heartbeat").length, PATIENT)
      .toBeGreaterThan(2);
  });

  test("cannot connect before the bans are known, so no empty list lifts what it holds", async () => {
    using scene = new Scene();
    await scene.guard.probe();
    expect(existsSync(scene.place.path)).toBe(false);
  });

  test("gets a hundred thousand bans, and changes meanwhile in their order", async () => {
    using scene = new Scene();
    const all = many(100_000);
    await scene.guard.reconcile(all);
    const app = new App(scene.place.path);
    await expect.poll(() => scene.channel.counts.apps, PATIENT).toBe(1);
    await scene.guard.reconcile(all.slice(1));
    await scene.guard.reconcile([...all.slice(2), block("192.0.2.1")]);
    await expect.poll(() => scene.guard.current().pending, PATIENT).toBe(false);
    expect(scene.guard.current().inForce.size).toBe(99_999);
    await expect.poll(() => app.bans.has("192.0.2.1/32"), PATIENT).toBe(true);
    expect(app.bans.size).toBe(99_999);
    expect([app.bans.has(all[0]!.target), app.bans.has(all[1]!.target)]).toEqual([false, false]);
    expect(Math.max(...app.lines.map((line) => (line.type === "snapshot" ? line.bans.length : 0)))).toBe(500);
  });

  test("that does not read is sent away, and holds up nobody meanwhile", async () => {
    using scene = new Scene(200);
    await scene.guard.reconcile(many(50_000));
    const deaf = connect(scene.place.path);
    const closed = once(deaf, "close");
    deaf.on("error", () => {});
    deaf.pause();
    const app = await scene.app();
    for (let round = 0; round < 20; round++) await scene.guard.reconcile(many(50_000).slice(round * 20));
    await expect.poll(() => app.bans.size, PATIENT).toBe(50_000 - 19 * 20);
    await expect.poll(() => scene.channel.counts.apps, PATIENT).toBe(1);
    deaf.resume();
    await closed;
    expect(app.types.at(-1)).not.toBe("bye");
  });

  test("that reads again after too many changes gets a new snapshot in the place of the old one", async () => {
    using scene = new Scene();
    await scene.guard.reconcile(many(40_000));
    const app = new App(scene.place.path);
    app.socket.pause();
    await expect.poll(() => scene.channel.counts.apps, PATIENT).toBe(1);
    const others = Array.from({ length: 30_000 }, (_, n) =>
      block(`172.${16 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`),
    );
    await scene.guard.reconcile(others);
    app.socket.resume();
    await expect.poll(() => app.bans.size, PATIENT).toBe(30_000);
    expect(new Set(app.bans.keys())).toEqual(new Set(others.map(({ target }) => target)));
    expect(app.lines.filter((line) => line.type === "snapshot" && line.part === 0)).toHaveLength(2);
  });

  test("of too many is told so, and the others stay", async () => {
    using scene = new Scene();
    await scene.want(block("192.0.2.1"));
    const first = await scene.app();
    const others = Array.from({ length: MOST_APPS - 1 }, () => new App(scene.place.path));
    await expect.poll(() => scene.channel.counts.apps, PATIENT).toBe(MOST_APPS);
    const late = new App(scene.place.path);
    await once(late.socket, "close");
    expect(late.lines).toEqual([{ type: "bye", reason: "too-many" }]);
    await scene.want();
    await expect.poll(() => first.types.at(-1), PATIENT).toBe("unban");
    for (const { socket } of others) socket.destroy();
  });

  test("may tell how many sockets it closed; whatever else it sends is passed over", async () => {
    using scene = new Scene(50);
    await scene.want(block("192.0.2.1"));
    const app = await scene.app();
    const cut = (sockets: unknown, target = "192.0.2.1/32") =>
      `${JSON.stringify({ type: "cut", target, sockets })}\n`;
    app.socket.write(
      `${cut(2)}rubbish\n{"type":"cut"}\n${cut(-1)}${cut(1.5)}${cut(1e9)}${cut("9")}[]\nnull\n\n`,
    );
    app.socket.write(cut(7, "x".repeat(2_000)));
    app.socket.write("y".repeat(300_000));
    app.socket.write(`\n${cut(3)}`);
    await expect.poll(() => scene.channel.counts.cut, PATIENT).toBe(5);
    expect(scene.guard.note()).toBe("1 app is connected; apps closed 5 sockets of banned clients");
  });
});

describe("in force", () => {
  test("is nothing while no app is connected, and everything once every app was sent it", async () => {
    using scene = new Scene();
    const enforced = await scene.want(block("192.0.2.1"));
    expect(enforced).toMatchObject({ inForce: new Set(), waiting: targets("192.0.2.1"), pending: true });
    expect(scene.guard.note()).toBe("no app is connected");
    const app = await scene.app();
    expect(scene.guard.current()).toMatchObject({
      inForce: targets("192.0.2.1"),
      waiting: new Set(),
      pending: false,
    });
    app.socket.destroy();
    await expect.poll(() => scene.guard.current().inForce.size, PATIENT).toBe(0);
  });

  test("is not what an app that does not read has still to be sent, and what it was not told to lift lingers", async () => {
    using scene = new Scene();
    await scene.guard.reconcile(many(50_000));
    const deaf = connect(scene.place.path);
    deaf.on("error", () => {});
    deaf.pause();
    await expect.poll(() => scene.channel.counts.apps, PATIENT).toBe(1);
    const last = many(50_000).at(-1)!.target;
    expect(scene.guard.current().waiting.has(last)).toBe(true);
    const { lingering, inForce, waiting } = await scene.guard.reconcile([
      ...many(49_999),
      block("192.0.2.1"),
    ]);
    expect([lingering, waiting.has("192.0.2.1/32" as Target), inForce.size > 0]).toEqual([
      new Set([last]),
      true,
      true,
    ]);
    deaf.destroy();
  });
});

describe("the socket", () => {
  test("ends with a farewell when Sekisho stops, and a new Sekisho replaces the whole list", async () => {
    using scene = new Scene();
    await scene.want(block("192.0.2.1"), block("192.0.2.2"));
    const app = await scene.app();
    scene.channel[Symbol.dispose]();
    await once(app.socket, "close");
    expect([app.types.at(-1), app.bans.size, existsSync(scene.place.path)]).toEqual(["bye", 2, false]);
    using channel = new GuardChannel();
    await new Guard(scene.place, channel).reconcile([block("192.0.2.2")]);
    expect([...(await scene.app()).bans.keys()]).toEqual(["192.0.2.2/32"]);
  });

  test("stays, with its apps, when the configuration is read again and says the same", async () => {
    using scene = new Scene();
    await scene.want(block("192.0.2.1"));
    const app = await scene.app();
    await new Guard({ ...scene.place }, scene.channel).reconcile([block("192.0.2.1"), block("192.0.2.2")]);
    await expect.poll(() => app.types, PATIENT).toEqual(["hello", "snapshot", "ban"]);
  });

  test("tells its apps to lift all when it is no longer wanted, or moves", async () => {
    for (const next of [null, "moved.sock"]) {
      using scene = new Scene();
      await scene.want(block("192.0.2.1"));
      const app = await scene.app();
      scene.channel.use(next === null ? null : { ...scene.place, path: join(scene.place.path, "..", next) });
      await once(app.socket, "close");
      expect([app.types.slice(2), app.bans.size]).toEqual([["unban", "bye"], 0]);
      expect(existsSync(scene.place.path)).toBe(false);
    }
  });

  test("keeps the bans in its apps when only who may connect changes", async () => {
    using scene = new Scene();
    await scene.want(block("192.0.2.1"));
    const app = await scene.app();
    await new Guard({ ...scene.place, mode: 0o600 }, scene.channel).reconcile([block("192.0.2.1")]);
    await once(app.socket, "close");
    expect([app.types.slice(2), app.bans.size]).toEqual([["bye"], 1]);
    expect((await scene.app()).bans.size).toBe(1);
  });

  test("that cannot be made is an error with a hint, and is made when it can be", async () => {
    using scene = new Scene();
    const folder = join(scene.place.path, "..");
    writeFileSync(folder, "");
    await expect(scene.want(block("192.0.2.1"))).rejects.toMatchObject({ code: "SOCKET_FAILED" });
    rmSync(folder);
    await scene.want(block("192.0.2.1"));
    expect((await scene.app()).bans.size).toBe(1);
    chmodSync(folder, 0o777);
    await expect(scene.guard.probe()).rejects.toMatchObject({ code: "SOCKET_UNSAFE" });
  });
});

import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { type Daemon, startDaemon } from "../src/daemon.ts";
import type { BanItem, ListStatus, Page, Status } from "../src/model/api.ts";
import { type Clock, unixMs } from "../src/model/time.ts";
import { DaemonLog } from "../src/observe/log.ts";
import { loadSetup, type Setup } from "../src/setup.ts";
import { webServer } from "./download/web-server.ts";
import { missing } from "./requirements.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const TOKEN = "a-token-of-this-test-0123456789";
const clock: Clock = { now: () => unixMs(Date.now()) };

/** A daemon that blocks by a ban directory which no Apache reads. */
function setupWith(folder: string, rest: string, mode = "enforce"): Setup {
  const file = join(folder, "sekisho.yaml");
  writeFileSync(
    file,
    `data: data
mode: ${mode}
logs: []
enforcers:
  apache-directory: { directory: ${folder}/banned, user: root }
probe: { enabled: false }
dashboard: { listen: "127.0.0.1:0" }
${rest}`,
  );
  return loadSetup({ file, cwd: folder });
}

const start = (setup: Setup): Promise<Daemon> =>
  startDaemon({
    setup,
    version: "test",
    demo: false,
    log: new DaemonLog(() => {}, false),
    clock,
    env: { SEKISHO_TOKEN: TOKEN },
    failed: (error) => expect.unreachable(error.message),
  });

async function ask<T = unknown>({ url }: Daemon, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return (text === "" ? null : JSON.parse(text)) as T;
}
type Refusal = { readonly error: { readonly code: string; readonly message: string } };
const listsOf = async (daemon: Daemon) => (await ask<Page<ListStatus>>(daemon, "GET", "/api/lists")).items;
/** Whom Apache would refuse. */
const listed = (folder: string): string[] => readdirSync(join(folder, "banned")).sort();
const soon = (check: () => unknown) => vi.waitFor(check, { timeout: 60_000, interval: 50 });

describe.skipIf(missing("root"))("a blocklist", () => {
  test("is enforced beside the bans, without who is allowlisted, and shown", async () => {
    using folder = temporaryFolder();
    using web = await webServer({
      "/l": "198.51.100.0/24\n198.51.100.77\n192.0.2.7\n192.0.2.8\nwhat\n127.0.0.0/8\n",
    });
    const setup = setupWith(
      folder.path,
      `allowlist: [198.51.100.9]\nlists: [{ name: drop, from: "${web.url}/l", ownAndPrivate: leave-out }]\n`,
    );
    await using daemon = await start(setup);
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7", "192.0.2.8", "198.51.100.77"]));
    const [drop] = await listsOf(daemon);
    expect(drop).toMatchObject({
      ...{ name: "drop", kind: "block", from: `${web.url}/l`, entries: 4, wrong: 1, refused: 1, spared: 1 },
      error: null,
    });
    expect((await ask<Page<BanItem>>(daemon, "GET", "/api/bans")).items).toEqual([]);

    await ask(daemon, "POST", "/api/bans", { target: "203.0.113.5", for: "4h" });
    expect(listed(folder.path)).toContain("203.0.113.5");
    const { enforcers, jobs, lists } = await ask<Status>(daemon, "GET", "/api/status");
    expect(enforcers[0]).toMatchObject({ blocks: 4, unenforced: [] });
    expect(jobs.map(({ name }) => name)).toContain("fetch-list-drop");
    expect(lists).toHaveLength(1);
  });

  test("whose entries are banned all the same stays when that ban ends; panic lifts it, until it ends, and so does the allowlist", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n" });
    await using daemon = await start(
      setupWith(folder.path, `lists: [{ name: drop, from: "${web.url}/l" }]\n`),
    );
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7"]));
    await ask(daemon, "POST", "/api/bans", { target: "192.0.2.7", for: "4h" });
    const { items } = await ask<Page<BanItem>>(daemon, "GET", "/api/bans?state=active");
    expect(items.map(({ target }) => target)).toEqual(["192.0.2.7/32"]);
    expect(listed(folder.path)).toEqual(["192.0.2.7"]);
    await ask(daemon, "DELETE", "/api/bans/192.0.2.7%2F32");
    expect(listed(folder.path)).toEqual(["192.0.2.7"]);
    const refusal = await ask<Refusal>(daemon, "DELETE", "/api/bans/192.0.2.7%2F32");
    expect(refusal.error).toMatchObject({
      code: "TARGET_NOT_BANNED",
      message: "192.0.2.7/32 is not banned; an imported list blocks it",
    });
    await ask(daemon, "POST", "/api/panic", {});
    expect(listed(folder.path)).toEqual([]);
    await ask(daemon, "DELETE", "/api/panic");
    expect(listed(folder.path)).toEqual(["192.0.2.7"]);
    await ask(daemon, "POST", "/api/allowlist", { target: "192.0.2.7" });
    expect(listed(folder.path)).toEqual([]);
    expect((await listsOf(daemon))[0]).toMatchObject({ entries: 1, spared: 1 });
  });

  test("that comes to cover a trusted proxy or loopback is refused as a whole, its last good copy holds, and the problem names the lines", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n" });
    await using daemon = await start(
      setupWith(
        folder.path,
        `trustedProxies: [203.0.113.9]\nlists: [{ name: drop, from: "${web.url}/l" }]\n`,
      ),
    );
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7"]));
    for (const [text, why] of [
      ["192.0.2.8\n203.0.113.0/24\n", "line 2: '203.0.113.0/24' covers a trusted proxy"],
      ["192.0.2.8\n\n127.0.0.1\n", "line 3: '127.0.0.1' is not of the public Internet"],
    ]) {
      web.pages["/l"] = text!;
      const { error, hint, entries } = await ask<ListStatus>(daemon, "POST", "/api/lists/drop/fetch");
      expect(error).toContain(`one of its entries covers own or private ranges: ${why}`);
      expect(hint).toContain("ownAndPrivate: leave-out");
      expect(entries).toBe(1);
      const { problems } = await ask<Status>(daemon, "GET", "/api/status");
      expect(problems.map(({ message }) => message)).toContain(error);
    }
    expect(listed(folder.path)).toEqual(["192.0.2.7"]);
  });

  test("is fetched when a person asks for it, and says what came of that", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n" });
    const lists = `lists: [{ name: drop, from: "${web.url}/l", schedule: "0 0 1 1 *" }]\n`;
    await using daemon = await start(setupWith(folder.path, lists));
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7"]));
    web.pages["/l"] = "192.0.2.8\n192.0.2.9\n";
    const fetchNow = () => ask<ListStatus>(daemon, "POST", "/api/lists/drop/fetch");
    expect(await fetchNow()).toMatchObject({ entries: 2, error: null });
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.8", "192.0.2.9"]));
    web.pages["/l"] = "";
    expect(await fetchNow()).toMatchObject({
      entries: 2,
      error: expect.stringContaining("list drop is not taken"),
    });
    expect(await ask<Refusal>(daemon, "POST", "/api/lists/dorp/fetch")).toMatchObject({
      error: { code: "NOT_FOUND" },
    });
  });

  test("is in force at a restart though its source is away, changes with a reload, and goes with its section", async () => {
    using folder = temporaryFolder();
    using web = await webServer({ "/l": "192.0.2.7\n" });
    const lists = `lists: [{ name: drop, from: "${web.url}/l" }]\n`;
    const first = await start(setupWith(folder.path, lists));
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7"]));
    await first[Symbol.asyncDispose]();
    web.pages["/l"] = 500;
    await using daemon = await start(setupWith(folder.path, lists));
    expect(listed(folder.path)).toEqual(["192.0.2.7"]);
    expect((await listsOf(daemon))[0]).toMatchObject({ entries: 1 });

    web.pages["/l"] = "192.0.2.8\n";
    await daemon.reload(setupWith(folder.path, lists));
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.8"]));
    web.pages["/l"] = 500;
    await daemon.reload(setupWith(folder.path, lists));
    await soon(async () => {
      const { problems } = await ask<Status>(daemon, "GET", "/api/status");
      expect(problems.map(({ message }) => message).join()).toContain("list drop cannot be had");
    });
    expect(listed(folder.path)).toEqual(["192.0.2.8"]);
    await daemon.reload(setupWith(folder.path, ""));
    expect(listed(folder.path)).toEqual([]);
    expect(await listsOf(daemon)).toEqual([]);
  });

  test("in observe mode is fetched and shown, and blocks nobody", async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, "bad.txt");
    writeFileSync(file, "192.0.2.7\n");
    const lists = "lists: [{ name: drop, from: bad.txt }]\n";
    await using daemon = await start(setupWith(folder.path, lists, "observe"));
    await soon(async () => expect((await listsOf(daemon))[0]).toMatchObject({ from: file, entries: 1 }));
    expect((await ask<Status>(daemon, "GET", "/api/status")).enforcers[0]).toMatchObject({
      state: "off",
      blocks: 0,
    });
  });
});

describe.skipIf(missing("root"))("an allowlist from elsewhere", () => {
  test("spares from bans and from blocklists, also when it came later", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "good.txt"), "# nobody yet\n");
    writeFileSync(join(folder.path, "bad.txt"), "192.0.2.7\n192.0.2.8\n");
    const setup = setupWith(
      folder.path,
      "lists: [{ name: good, kind: allow, from: good.txt }, { name: bad, from: bad.txt }]\n",
    );
    await using daemon = await start(setup);
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7", "192.0.2.8"]));
    await ask(daemon, "POST", "/api/bans", { target: "192.0.2.9", for: "4h" });
    writeFileSync(join(folder.path, "good.txt"), "192.0.2.8/31\n");
    await daemon.reload(setup);
    await soon(() => expect(listed(folder.path)).toEqual(["192.0.2.7"]));
    const refusal = await ask<Refusal>(daemon, "POST", "/api/bans", {
      target: "192.0.2.9",
    });
    expect(refusal.error.code).toBe("TARGET_PROTECTED");
    expect(await listsOf(daemon)).toMatchObject([
      { name: "good", entries: 1, spared: 0 },
      { name: "bad", entries: 2, spared: 1 },
    ]);
  });
});

test("a list that the configuration has no more spares nobody, though it came while that was read again", async () => {
  using folder = temporaryFolder();
  let answer = (): void => {};
  await using web = createServer((_request, response) => {
    answer = () => void response.end("203.0.113.0/24\n");
  });
  await once(web.listen(0, "127.0.0.1"), "listening");
  const from = `http://127.0.0.1:${(web.address() as AddressInfo).port}/l`;
  const lists = `lists: [{ name: partners, kind: allow, from: "${from}" }]\n`;
  await using daemon = await start(setupWith(folder.path, lists, "observe"));
  await once(web, "request");
  const reloading = daemon.reload(setupWith(folder.path, "", "observe"));
  await setImmediate();
  answer();
  await reloading;
  expect(await ask(daemon, "POST", "/api/bans", { target: "203.0.113.9" })).toMatchObject({
    state: "active",
  });
});

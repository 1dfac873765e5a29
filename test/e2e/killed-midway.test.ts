import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { BanItem, Page } from "../../src/model/api.ts";
import { type Apache, startApache } from "../apache.ts";
import { nftIn } from "../nft.ts";
import { missing } from "../requirements.ts";
import { TcpClient } from "../tcp-client.ts";
import { startUfw, type Ufw } from "../ufw.ts";
import { DaemonUnderTest } from "./daemon.ts";

const BANNED = "203.0.113.7";
const SPARED = "203.0.113.9";
const PATIENCE = { timeout: 60_000, interval: 200 };

/** Bans these by the HTTP interface, all at once, until it is ended: the next daemon would be asked too. */
async function burst(
  daemon: DaemonUnderTest,
  inside: (script: string) => ReturnType<typeof spawn>,
  targets: string[],
): Promise<Disposable> {
  const { url } = JSON.parse(readFileSync(join(daemon.data, "daemon.json"), "utf8")) as { url: string };
  const token = readFileSync(join(daemon.data, "token"), "utf8").trim();
  const child = inside(`
    const headers = { authorization: "Bearer ${token}", "content-type": "application/json" };
    console.log("begins");
    for (const target of ${JSON.stringify(targets)}) {
      const body = JSON.stringify({ target, for: "2h", reason: "burst" });
      fetch("${url}/api/bans", { method: "POST", headers, body }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 2));
    }`);
  await once(child.stdout!, "data");
  return { [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

/** Counts how often a client gets through, again and again. Without the pause the client alone would take one of two cores. */
function attacker(client: TcpClient) {
  const seen = { tries: 0, passed: 0 };
  let isOver = false;
  const trying = (async () => {
    for (; !isOver; seen.tries++) {
      if (await client.connects(BANNED)) seen.passed++;
      await sleep(2);
    }
  })();
  return {
    seen,
    async [Symbol.asyncDispose]() {
      isOver = true;
      await trying;
    },
  };
}

async function targetsOf(daemon: DaemonUnderTest): Promise<string[]> {
  const { items } = await daemon.api<Page<BanItem>>("/api/bans?state=active&limit=500");
  return items.map(({ target }) => target.replace(/\/32$/, "")).sort();
}

/** Processes of this name that the daemon's main thread has started. */
const childrenOf = (parent: number, name: string): number[] =>
  readIfThere(`/proc/${parent}/task/${parent}/children`)
    .split(" ")
    .filter((child) => child !== "" && readIfThere(`/proc/${child}/comm`) === `${name}\n`)
    .map(Number);

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Kills the next process of this name that the daemon starts, at some moment within the first milliseconds. */
async function killChild(daemon: DaemonUnderTest, name: string, mayKill: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; await breathe()) {
    for (const child of childrenOf(daemon.pid, name)) {
      if (Math.random() < 0.3) await sleep(Math.random() * 20);
      try {
        // Stopped first, so that what is looked at stays as it is.
        process.kill(child, "SIGSTOP");
        const isKilled = mayKill();
        process.kill(child, isKilled ? "SIGKILL" : "SIGCONT");
        if (isKilled) return;
      } catch {
        // It had just ended.
      }
    }
  }
  throw new Error(`no ${name} was started`);
}

const batch = (round: number): string[] =>
  Array.from({ length: 60 }, (_, n) => `198.51.${100 + round}.${n + 1}`);

const leftovers = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /new$|tmp/.test(name));

test.skipIf(missing("root", "apache2", "netns", "nft"))(
  "killed at any moment while nftables is changed, the next start finds its way, and nobody passes meanwhile",
  async () => {
    await using apache = await startApache();
    const client = await TcpClient.beside(apache, 2222);
    const nft = nftIn(apache);
    nft.run("add", "table", "inet", "admin");
    nft.run("add", "set", "inet", "admin", "own", "{ type ipv4_addr; }");
    nft.run("add", "element", "inet", "admin", "own", "{ 192.0.2.77 }");
    const before = nft.run("list", "table", "inet", "admin");
    const folder = join(apache.root, "sekisho");
    mkdirSync(folder);
    await using daemon = new DaemonUnderTest(
      folder,
      "mode: enforce\nlogs: []\nenforcers: { nftables: {} }\ncut: { enabled: false }\n",
      (command, args, options) => apache.inNamespace(command, args, options),
    );
    await daemon.start();
    await daemon.cli("ban", BANNED, "--for", "permanent");
    await using trying = attacker(client);
    const inside = (script: string) =>
      apache.inNamespace(process.execPath, ["--input-type=module", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
    for (let round = 0; round < 3; round++) {
      const bursting = await burst(daemon, inside, batch(round));
      const delay = Math.random() * 250;
      // A transaction is the kernel's as a whole or not at all, whenever nft dies.
      if (round === 1) await killChild(daemon, "nft", () => true);
      await sleep(delay);
      await daemon.kill("SIGKILL");
      bursting[Symbol.dispose]();
      await daemon.start();
      await expect.poll(async () => (await daemon.status()).enforcers[0]!.state, PATIENCE).toBe("in-sync");
      const wanted = await targetsOf(daemon);
      const elements = [...nft.elements().keys()].filter((each) => each !== "192.0.2.77").sort();
      expect(elements, `killed after ${delay} ms`).toEqual(wanted);
    }
    expect(await client.connects(SPARED)).toBe(true);
    expect(nft.run("list", "table", "inet", "admin")).toBe(before);
    expect(nft.tables().sort()).toEqual(["inet admin", "inet sekisho"]);
    expect(trying.seen.tries).toBeGreaterThan(10);
    expect(trying.seen.passed).toBe(0);
    await daemon.kill("SIGTERM");
    expect(leftovers(daemon.data)).toEqual([]);
  },
);

/** Rules that are not Sekisho's, as ufw stores them. */
const foreignTuples = (ufw: Ufw): string[] => ufw.tuples().filter((tuple) => !tuple.includes(OUR_COMMENT));
const OUR_COMMENT = `comment=${Buffer.from("sekisho ").toString("hex")}`;

/** Whom ufw's rules of ours and the set beside them refuse. */
function refusedBy(ufw: Ufw, apache: Apache): string[] {
  const ruled = ufw
    .tuples()
    .filter((tuple) => tuple.includes(OUR_COMMENT))
    .map((tuple) => tuple.split(" ")[8]!);
  const { elements, tables } = nftIn(apache);
  const inSet = tables().includes("inet sekisho_ufw") ? [...elements().keys()] : [];
  return [...new Set([...ruled, ...inSet])].sort();
}

test.skipIf(missing("root", "apache2", "netns", "nft", "ufw"))(
  "killed at any moment while ufw's rules are changed, the next start finds its way, and nobody passes meanwhile",
  async () => {
    await using apache = await startApache();
    const [ufw, client] = await Promise.all([startUfw(apache), TcpClient.beside(apache, 2222)]);
    ufw.shell("ufw prepend deny proto tcp from 192.0.2.77 to any port 80 comment 'of the administrator'");
    // The dashboard's, which this ufw would keep from the test.
    ufw.shell("ufw allow 7080/tcp");
    const foreign = foreignTuples(ufw);
    const script = ufw.shell("cat /etc/ufw/before.init");
    const folder = join(apache.root, "sekisho");
    mkdirSync(folder);
    const enter = [`--target=${ufw.process}`, "--mount", "--net"];
    const configuration = (mode: string) =>
      `mode: ${mode}\nlogs: []\nenforcers: { ufw: { limit: 12 } }\ncut: { enabled: false }\n`;
    await using daemon = new DaemonUnderTest(
      folder,
      configuration("enforce"),
      (command, args, options = {}) =>
        spawn("nsenter", [...enter, command, ...args], { ...options, cwd: "/" }),
    );
    await daemon.start();
    await daemon.cli("ban", BANNED, "--for", "permanent");
    await using trying = attacker(client);
    const inside = (script: string) =>
      spawn("nsenter", [...enter, process.execPath, "--input-type=module", "-e", script], {
        cwd: "/",
        stdio: ["ignore", "pipe", "inherit"],
      });
    const areWhole = (): boolean =>
      ["user.rules", "user6.rules"].every((name) =>
        readIfThere(`/proc/${ufw.process}/root/etc/ufw/${name}`).trimEnd().endsWith("COMMIT"),
      );
    for (let round = 0; round < 2; round++) {
      const bursting = await burst(daemon, inside, batch(round).slice(0, 3));
      const delay = Math.random() * 600;
      // What ufw has half written when it is killed nobody can read again, ufw itself neither: it is killed at other moments.
      if (round === 1) await killChild(daemon, "ufw", areWhole);
      await sleep(delay);
      await daemon.kill("SIGKILL");
      bursting[Symbol.dispose]();
      await daemon.start();
      await expect.poll(async () => (await daemon.status()).enforcers[0]!.state, PATIENCE).toBe("in-sync");
      expect(refusedBy(ufw, apache), `killed after ${delay} ms`).toEqual(await targetsOf(daemon));
      expect(foreignTuples(ufw)).toEqual(foreign);
      for (const tuple of ufw.tuples().filter((each) => each.includes(OUR_COMMENT)))
        expect(ufw.shell("iptables -S ufw-user-input")).toContain(`-s ${tuple.split(" ")[8]}/32`);
    }
    expect(await client.connects(SPARED)).toBe(true);
    expect(trying.seen.tries).toBeGreaterThan(10);
    expect(trying.seen.passed).toBe(0);
    // Nobody holds ufw's lock.
    expect(ufw.shell("timeout 20 ufw status")).toContain("Status: active");
    await trying[Symbol.asyncDispose]();
    await daemon.kill("SIGTERM");
    expect(leftovers(daemon.data)).toEqual([]);
    expect(leftovers(`/proc/${ufw.process}/root/etc/ufw`)).toEqual([]);
    daemon.configure(configuration("observe"));
    await daemon.start();
    // Longer than a start waits for an enforcer, on a busy machine.
    await expect.poll(() => refusedBy(ufw, apache), PATIENCE).toEqual([]);
    expect(ufw.shell("cat /etc/ufw/before.init")).toBe(script);
    expect(foreignTuples(ufw)).toEqual(foreign);
  },
);

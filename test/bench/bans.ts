import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { ApacheDirectory } from "../../src/enforce/apache/directory.ts";
import { apacheSnippet } from "../../src/enforce/apache/snippet.ts";
import type { Enforcer } from "../../src/enforce/enforcer.ts";
import { Nftables } from "../../src/enforce/nftables/nftables.ts";
import type { Block } from "../../src/model/decision.ts";
import { parseTarget, type Target } from "../../src/model/ip.ts";
import { NEVER, type UnixMs, unixMs } from "../../src/model/time.ts";
import { StoreWriter } from "../../src/store/writer.ts";
import { type Apache, startApache } from "../apache.ts";
import { DaemonUnderTest } from "../e2e/daemon.ts";
import { nftIn } from "../nft.ts";
import { TcpClient } from "../tcp-client.ts";
import { type BenchOptions, markdown, percentile } from "./measure.ts";

const BANS = 100_000;
const LISTED = 500_000;
const HOUR_MS = 3_600_000;
const clock = { now: (): UnixMs => unixMs(Date.now()) };
const { signal } = new AbortController();

/** IPv4 addresses, and one in seven an IPv6 /64. */
const TARGETS: readonly Target[] = Array.from(
  { length: BANS },
  (_, n) =>
    parseTarget(
      n % 7 === 0
        ? `2001:db8:${(n >> 16).toString(16)}:${(n & 65_535).toString(16)}::/64`
        : `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
    )!,
);
/** One of them, which goes on trying. */
const BANNED = "10.0.1.1";
/** As /run is, where it is by default. */
const BANNED_IN_MEMORY = `/dev/shm/sekisho-bench-${process.pid}/banned`;

/** An enforcer in the namespace of an Apache, and whether it lets a client through. */
interface Subject {
  readonly name: string;
  readonly config: string;
  make(): Enforcer;
  refuses(address: string): Promise<boolean>;
}

async function nftables(apache: Apache): Promise<Subject> {
  const client = await TcpClient.beside(apache, 2222);
  const { program } = nftIn(apache);
  return {
    name: "nftables",
    config: "nftables: {}",
    make: () => new Nftables({ ports: [80, 443], clock, program }),
    refuses: async (address) => !(await client.connects(address)),
  };
}

async function apacheDirectory(apache: Apache): Promise<Subject> {
  const directory = BANNED_IN_MEMORY;
  return {
    name: "apache-directory",
    config: `apache-directory: { directory: ${directory} }`,
    make: () => new ApacheDirectory({ directory }),
    refuses: async (from) => (await apache.request({ from, path: "/" })).status === 403,
  };
}

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1_000;
};

const median = (values: readonly number[]): number => percentile(values, 0.5);

/**
 * How soon are 100,000 bans in force: after a reboot, after the daemon was killed, and one more of them, also beside half a
 * million entries of a list? Does anybody get through while it is away and comes back? Needs root, apache2 and nft.
 */
export async function bansBench(options: BenchOptions): Promise<string> {
  try {
    return await measured(options);
  } finally {
    rmSync(dirname(BANNED_IN_MEMORY), { recursive: true, force: true });
  }
}

async function measured({ rounds, directory }: BenchOptions): Promise<string> {
  const columns: string[][] = [];
  for (const subjectOf of [nftables, apacheDirectory]) {
    await using apache = await startApache({
      config: () =>
        apacheSnippet({
          directory: BANNED_IN_MEMORY,
          includeFile: null,
          logFormat: "%a",
          tlsLogFormat: "%a",
          openingMessage: "m",
        }),
    });
    const subject = await subjectOf(apache);
    const alone = await enforcerAlone(subject, rounds);
    const restart = await wholeDaemon(subject, apache, directory, rounds);
    columns.push([subject.name, ...alone, ...restart]);
  }
  const what = [
    "",
    "the enforcer alone: all anew, s",
    "nothing to do after a full look, s",
    "one more ban, ms",
    "all lifted, s",
    "the daemon's start until all are in force, nothing there before, s",
    "the same after SIGKILL, s",
    "requests of a banned client meanwhile, and how many came through",
    "asked of the daemon: one more ban until it is in force, ms; the longest of twenty",
    `the same beside ${LISTED} entries of a list, ms`,
  ];
  const rows = what.map((first, row) => [first, ...columns.map((column) => column[row]!)]);
  return markdown(rows[0]!, rows.slice(1));
}

async function enforcerAlone({ make }: Subject, rounds: number): Promise<string[]> {
  const times: { fresh: number[]; look: number[]; more: number[]; lift: number[] } = {
    fresh: [],
    look: [],
    more: [],
    lift: [],
  };
  for (let round = 0; round < rounds; round++) {
    const until = unixMs(clock.now() + HOUR_MS);
    const want: Block[] = TARGETS.map((target) => ({ target, until }));
    times.fresh.push(await seconds(() => make().reconcile(want, true, signal)));
    const enforcer = make();
    times.look.push(await seconds(() => enforcer.reconcile(want, true, signal)));
    for (let n = 0; n < 10; n++) {
      want.push({ target: parseTarget(`198.51.100.${n}`)!, until });
      times.more.push(await seconds(() => enforcer.reconcile(want, false, signal)));
    }
    if ((await enforcer.blocked(signal)).size !== BANS + 10) throw new Error("not all are in force");
    times.lift.push(await seconds(() => enforcer.reconcile([], false, signal)));
  }
  const { fresh, look, more, lift } = times;
  return [
    median(fresh).toFixed(2),
    median(look).toFixed(2),
    (median(more) * 1_000).toFixed(0),
    median(lift).toFixed(2),
  ];
}

async function wholeDaemon(subject: Subject, apache: Apache, directory: string, rounds: number) {
  const folder = join(directory, subject.name);
  const config = `mode: enforce\nlogs: []\nenforcers: { ${subject.config} }\n`;
  mkdirSync(folder, { recursive: true });
  await using daemon = new DaemonUnderTest(folder, config, (command, args, options) =>
    apache.inNamespace(command, args, options),
  );
  storeBans(join(daemon.data, "sekisho.sqlite"));
  const first: number[] = [];
  const again: number[] = [];
  let asked = 0;
  let passed = 0;
  for (let round = 0; round < rounds; round++) {
    await subject.make().reconcile([], true, signal);
    first.push(await seconds(() => daemon.start()));
    let isBack = false;
    const attacker = (async () => {
      for (; !isBack; asked++) if (!(await subject.refuses(BANNED))) passed++;
    })();
    await daemon.kill("SIGKILL");
    again.push(await seconds(() => daemon.start()));
    isBack = true;
    await attacker;
    const held = (await subject.make().blocked(signal)).size;
    if (held !== BANS) throw new Error(`${held} are in force`);
    await daemon.kill("SIGKILL");
  }
  await daemon.start();
  const alone = await moreBans(daemon, apache);
  await daemon.kill("SIGTERM");
  const list = join(folder, "list.txt");
  writeFileSync(
    list,
    Array.from({ length: LISTED }, (_, n) => `11.${n >> 16}.${(n >> 8) & 255}.${n & 255}\n`).join(""),
  );
  daemon.configure(`${config}lists: [{ name: bad, kind: block, from: ${list} }]\n`);
  await daemon.start();
  await heldBy(daemon, BANS + LISTED);
  const beside = await moreBans(daemon, apache);
  return [median(first).toFixed(2), median(again).toFixed(2), `${asked}, ${passed}`, alone, beside];
}

async function heldBy(daemon: DaemonUnderTest, least: number): Promise<void> {
  for (;;) {
    const [enforcer] = (await daemon.status()).enforcers;
    if (enforcer!.state === "in-sync" && enforcer!.blocks >= least) return;
    await sleep(500);
  }
}

/** Bans twenty, one after the other, by the HTTP interface, which answers when enforcers have seen the ban. */
async function moreBans(daemon: DaemonUnderTest, apache: Apache): Promise<string> {
  const { url } = JSON.parse(readFileSync(join(daemon.data, "daemon.json"), "utf8")) as { url: string };
  const token = readFileSync(join(daemon.data, "token"), "utf8").trim();
  const script = `const headers = { authorization: "Bearer ${token}", "content-type": "application/json" };
    const times = [];
    for (let n = 0; n < 20; n++) {
      const target = "203.0.113." + n + "/32";
      const started = performance.now();
      const answer = await fetch("${url}/api/bans", { method: "POST", headers, body: JSON.stringify({ target, for: "1h", reason: "bench" }) });
      const { enforcedBy } = await answer.json();
      times.push(performance.now() - started);
      if (enforcedBy.length === 0) throw new Error(target + " is not in force");
      await fetch("${url}/api/bans/" + encodeURIComponent(target), { method: "DELETE", headers });
    }
    console.log(JSON.stringify(times));`;
  const child = apache.inNamespace(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const times = JSON.parse(await text(child.stdout!)) as number[];
  return `${median(times).toFixed(0)}; ${Math.max(...times).toFixed(0)}`;
}

function storeBans(file: string): void {
  using store = new StoreWriter(file, 0, clock);
  const at = clock.now();
  for (const target of TARGETS) {
    store.decide({
      kind: "ban",
      target,
      rule: null,
      by: "person",
      reason: "bench",
      at,
      until: NEVER,
      reportedBy: null,
    });
  }
}

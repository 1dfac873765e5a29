import { type ChildProcess, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Apache } from "../apache.ts";
import { versionOf } from "./peers.ts";

const SYSTEM_FOLDER = "/etc/fail2ban";
const GIVE_UP_MS = 20_000;

/** The version that is installed, or null. */
export const fail2banVersion = (): string | null => versionOf("fail2ban-server", /(\d+\.\d+\.\d+)/);

/**
 * fail2ban's server beside a test's Apache: one jail that bans at the first line which matches, by its nftables action, with
 * all its files in a folder of its own. It ends with the Apache's namespace. Resolves to how it follows the log.
 */
export async function startFail2ban(apache: Apache, directory: string, failregex: string): Promise<string> {
  const folder = mkdtempSync(join(directory, "fail2ban-"));
  const socket = join(folder, "socket");
  const log = join(folder, "fail2ban.log");
  const write = (file: string, ...lines: string[]): void =>
    writeFileSync(join(folder, file), lines.join("\n"));
  mkdirSync(join(folder, "filter.d"));
  symlinkSync(join(SYSTEM_FOLDER, "action.d"), join(folder, "action.d"));
  write(
    "fail2ban.conf",
    ...["[Definition]", "loglevel = INFO", `logtarget = ${log}`, "syslogsocket = auto", `socket = ${socket}`],
    ...[
      `pidfile = ${folder}/pid`,
      `dbfile = ${folder}/fail2ban.sqlite3`,
      "dbpurgeage = 1d",
      "dbmaxmatches = 10",
    ],
  );
  write("filter.d/bench.conf", "[Definition]", `failregex = ${failregex}`);
  write(
    "jail.conf",
    ...["[bench]", "enabled = true", "filter = bench", `logpath = ${apache.accessLog}`, "backend = auto"],
    ...["maxretry = 1", "findtime = 10m", "bantime = 1h", "usedns = no"],
    'action = nftables-multiport[name=bench, port="80", protocol=tcp]',
  );
  const server = apache.inNamespace("fail2ban-server", ["-c", folder, "-f", "start"], { stdio: "ignore" });
  await isReady(server, socket);
  return /Initiated '(\w+)' backend/.exec(readFileSync(log, "utf8"))?.[1] ?? "unknown";
}

async function isReady(server: ChildProcess, socket: string): Promise<void> {
  for (let waited = 0; waited < GIVE_UP_MS; waited += 100) {
    if (server.exitCode !== null) break;
    if (spawnSync("fail2ban-client", ["-s", socket, "status", "bench"]).status === 0) return;
    await sleep(100);
  }
  throw new Error("fail2ban did not start");
}

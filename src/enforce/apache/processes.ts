import { readdir, readFile, stat } from "node:fs/promises";
import { systemCode } from "../../model/errors.ts";

/** Debian's place, RHEL's, and that of an Apache that was built by hand. */
const USUAL_PID_FILES = [
  "/run/apache2/apache2.pid",
  "/run/httpd/httpd.pid",
  "/usr/local/apache2/logs/httpd.pid",
];
/** proc(5): the unit of a process's start time, on every architecture that Linux runs Apache on. */
const TICKS_A_SECOND = 100;
/** The first children start in the same tick as the file is written; after a reload they start a second later. */
const SLACK_MS = 200;

const pidFiles = (pidFile: string | undefined): readonly string[] =>
  pidFile === undefined ? USUAL_PID_FILES : [pidFile];

/**
 * How many processes of earlier generations Apache has: each holds connections that outlived a reload, WebSockets above
 * all, and takes a slot of the scoreboard. When no slot is left no new process starts, and HTTP stops. Null when it
 * cannot be told: no Apache runs, its pid file is elsewhere, or there is no /proc.
 *
 * Apache writes its pid file anew at each reload, whoever asks for it, so what is older than the file is of an earlier
 * generation (tried with 2.4.71, event). Processes of one thread (prefork) take no more slots than before a reload, and
 * are not counted.
 */
export async function lingeringProcesses(pidFile: string | undefined): Promise<number | null> {
  for (const file of pidFiles(pidFile)) {
    try {
      const pid = Number((await readFile(file, "utf8")).trim());
      if (!Number.isInteger(pid) || pid <= 0) continue;
      const { mtimeMs } = await stat(file);
      return (await multiThreaded(pid)).filter((started) => started < mtimeMs - SLACK_MS).length;
    } catch (error) {
      // ESRCH: it ended while we looked.
      if (!["ENOENT", "ESRCH", "EACCES", "ENOTDIR"].includes(systemCode(error) ?? "")) throw error;
    }
  }
  return null;
}

/** Whether Apache was started or reloaded, by whomever, since this file was written. False also when that cannot be told. */
export async function isReloadedSince(file: string, pidFile: string | undefined): Promise<boolean> {
  const timeOf = async (path: string) => (await stat(path).catch(() => null))?.mtimeMs;
  const written = await timeOf(file);
  if (written === undefined) return false;
  for (const each of pidFiles(pidFile)) if (((await timeOf(each)) ?? 0) >= written) return true;
  return false;
}

/** Whether some process is one of Apache's, by its name. True also where that cannot be told. */
export async function runsApache(): Promise<boolean> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, "latin1").catch(() => "")));
  return pids.length === 0 || names.some((name) => /^(apache2|httpd)/.test(name));
}

/** When the children with several threads started. */
async function multiThreaded(parent: number): Promise<number[]> {
  const children = await readFile(`/proc/${parent}/task/${parent}/children`, "utf8");
  const uptime = Number((await readFile("/proc/uptime", "utf8")).split(" ")[0]) * 1_000;
  const bootedAt = Date.now() - uptime;
  const started: number[] = [];
  for (const pid of children.split(" ").filter((text) => /^\d+$/.test(text))) {
    // The name, in brackets, may hold spaces and brackets. Fields 20 and 22 of proc(5) are the threads and the start.
    const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(fields[17]) > 1) started.push(bootedAt + (Number(fields[19]) * 1_000) / TICKS_A_SECOND);
  }
  return started;
}

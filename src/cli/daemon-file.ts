import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Whereabouts } from "../config/config-file.ts";
import { systemCode } from "../model/errors.ts";

/** What the daemon writes to DATA/daemon.json while it runs. */
interface DaemonFile {
  readonly pid: number;
  /** Where it listens, with the true port. */
  readonly listen: Whereabouts["listen"];
  /** The configuration that it started with, and when it had read it; null where it runs without one. */
  readonly readConfig: { readonly file: string; readonly before: number } | null;
}

/** Null when there is none, or none that this user may read: then the configured address is tried. */
export function readDaemonFile(data: string): DaemonFile | null {
  try {
    const path = join(data, "daemon.json");
    const { pid, url, config } = JSON.parse(readFileSync(path, "utf8"));
    const { hostname, port } = new URL(url);
    const listen = { host: hostname.replace(/[[\]]/g, ""), port: Number(port) };
    const readConfig = typeof config === "string" ? { file: config, before: statSync(path).mtimeMs } : null;
    return Number.isInteger(pid) ? { pid, listen, readConfig } : null;
  } catch {
    return null;
  }
}

/** The daemon that runs with this data folder; null when none does. */
function running(data: string): DaemonFile | null {
  const told = readDaemonFile(data);
  return told !== null && isAlive(told.pid) ? told : null;
}
export const runningPid = (data: string): number | null => running(data)?.pid ?? null;
export const runningAt = (data: string): Whereabouts["listen"] | null => running(data)?.listen ?? null;

/** Before the token is sent: after a crash somebody else's program may have taken the port. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

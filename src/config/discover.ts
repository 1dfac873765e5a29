import { accessSync, constants, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../model/errors.ts";
import type { LogConfig } from "./schema.ts";

/**
 * Where Apache writes its logs as Debian and RHEL ship it; other_vhosts_access.log and ssl_* match too. `own` is the log
 * that `sekisho apache snippet` proposes: it holds every request too, so it is read instead of the others.
 */
const PLACES = [
  { directory: "/var/log/apache2", own: "sekisho.log", access: "*access.log", error: "*error.log" },
  { directory: "/var/log/httpd", own: "sekisho_log", access: "*access_log", error: "*error_log" },
] as const;

export interface Discovery {
  /** Patterns that match at least one readable file; a vhost's log that appears later is found by them too. */
  readonly logs: readonly LogConfig[];
  /** Files and folders that are there and cannot be read by this user. */
  readonly unreadable: readonly UnreadableLog[];
}

export interface UnreadableLog {
  readonly path: string;
  readonly hint: string;
}

/** Looks for Apache's logs in the usual places below `root`. */
export function discoverLogs(root = "/"): Discovery {
  const logs: LogConfig[] = [];
  const unreadable: UnreadableLog[] = [];
  for (const place of PLACES) {
    const directory = join(root, place.directory);
    const names = namesIn(directory);
    if (names === "unreadable") unreadable.push({ path: directory, hint: accessHint(directory) });
    if (typeof names === "string") continue;
    for (const kind of ["access", "error"] as const) {
      const pattern = kind === "access" && names.includes(place.own) ? place.own : place[kind];
      const files = names
        .filter((name) => name.endsWith(pattern.replace("*", "")))
        .map((name) => join(directory, name));
      const closed = files.filter((file) => !isReadable(file));
      unreadable.push(...closed.map((path) => ({ path, hint: accessHint(path) })));
      if (closed.length < files.length) logs.push({ path: join(directory, pattern), kind, format: "auto" });
    }
  }
  return { logs, unreadable };
}

function namesIn(directory: string): readonly string[] | "missing" | "unreadable" {
  try {
    return readdirSync(directory).sort();
  } catch (error) {
    return ["EACCES", "EPERM"].includes(systemCode(error) ?? "") ? "unreadable" : "missing";
  }
}

export function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** How a user gets to read the path: by its group where that has the right (Debian's adm), else by an ACL. */
export function accessHint(path: string): string {
  let stats: Stats;
  try {
    stats = statSync(path);
  } catch {
    // A folder above is closed too, so nothing is known of it.
    return `give the user that runs Sekisho read access to ${path} and the folders above it`;
  }
  const { mode, gid } = stats;
  const group = groupName(gid);
  if ((mode & 0o040) !== 0 && gid !== 0 && group !== null) {
    return `run Sekisho as a user in group ${group}: sudo usermod -aG ${group} USER, then sign in anew`;
  }
  return `give the user that runs Sekisho read access: sudo setfacl -R -m u:USER:rX ${path}`;
}

function groupName(gid: number): string | null {
  try {
    const line = readFileSync("/etc/group", "utf8")
      .split("\n")
      .find((each) => each.split(":")[2] === String(gid));
    return line?.split(":")[0] ?? null;
  } catch {
    return null;
  }
}

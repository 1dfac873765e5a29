import { accessSync, constants, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../model/errors.ts";
import type { LogConfig } from "./schema.ts";

/** Files of one kind in one folder, or in those that a star stands for. */
interface LogPlace {
  readonly directory: string;
  /** The log that `sekisho apache snippet` proposes. */
  readonly own?: string;
  readonly access: string;
  readonly error: string;
}

/** Where Apache writes its logs as Debian and RHEL ship it; other_vhosts_access.log and ssl_* match too. */
const PLACES: readonly LogPlace[] = [
  { directory: "/var/log/apache2", own: "sekisho.log", access: "*access.log", error: "*error.log" },
  { directory: "/var/log/httpd", own: "sekisho_log", access: "*access_log", error: "*error_log" },
  // Plesk's and Virtualmin's: of vhosts that write to none of those above. What nginx writes beside them (proxy_*) is left out.
  { directory: "/var/www/vhosts/system/*/logs", access: "access*_log", error: "error_log" },
  { directory: "/var/log/virtualmin", access: "*_access_log", error: "*_error_log" },
];

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

/**
 * Looks for Apache's logs in the usual places below `root`. The log that Sekisho proposed holds every request, so it is
 * read instead of all other access logs.
 */
export function discoverLogs(root = "/"): Discovery {
  const unreadable = new Map<string, UnreadableLog>();
  const found = PLACES.flatMap((place) => logsAt(place, root, unreadable));
  const own = found.filter(({ isOwn }) => isOwn);
  const logs = found.filter(({ log, isOwn }) => isOwn || log.kind === "error" || own.length === 0);
  return { logs: logs.map(({ log }) => log), unreadable: [...unreadable.values()] };
}

interface FoundLog {
  readonly log: LogConfig;
  readonly isOwn: boolean;
}

/** Of the folders that a star stands for and that are closed the first is told: one remedy is for all. */
function logsAt(place: LogPlace, root: string, unreadable: Map<string, UnreadableLog>): FoundLog[] {
  const refuse = (path: string, key = path): void => {
    if (!unreadable.has(key)) unreadable.set(key, { path, hint: accessHint(path) });
  };
  const directory = join(root, place.directory);
  const files: { readonly name: string; readonly path: string }[] = [];
  for (const folder of foldersAt(directory)) {
    const names = namesIn(folder);
    if (names === "unreadable") refuse(folder, directory);
    else if (names !== "missing") files.push(...names.map((name) => ({ name, path: join(folder, name) })));
  }
  return (["access", "error"] as const).flatMap((kind) => {
    const isOwn = kind === "access" && files.some(({ name }) => name === place.own);
    const pattern = isOwn ? place.own! : place[kind];
    const ofKind = files.filter(({ name }) => isOf(pattern, name)).map(({ path }) => path);
    const closed = ofKind.filter((file) => !isReadable(file));
    for (const file of closed) refuse(file);
    const log = { path: join(directory, pattern), kind, format: "auto" } as const;
    return closed.length < ofKind.length ? [{ log, isOwn }] : [];
  });
}

/** A path whose one star, if it has any, is a folder's whole name. */
function foldersAt(directory: string): string[] {
  const [upper, lower] = directory.split("/*/");
  if (lower === undefined) return [directory];
  const names = namesIn(upper!);
  return typeof names === "string" ? [] : names.map((name) => join(upper!, name, lower));
}

function isOf(pattern: string, name: string): boolean {
  const [start = "", end] = pattern.split("*");
  if (end === undefined) return name === pattern;
  return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);
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

import { basename, dirname, join, resolve } from "node:path";
import type { AuditTrust } from "../model/audit.ts";
import { AUDIT_NAMES } from "../model/event.ts";
import type { LogConfig, WrittenLog } from "./schema.ts";

/** What sun_path holds (unix(7)), without the byte that ends it: nobody could connect to a longer one. */
const LONGEST_SOCKET = 107;
/** The same without the folder in which a socket is made. */
const LONGEST_FOLDER = LONGEST_SOCKET - "/.s-XXXXXX/s".length;
const SOCKET_NAME = /^([A-Za-z0-9][A-Za-z0-9_-]{0,31})\.sock$/;
const DEFAULT_SHARE = 0.5;
const DEFAULT_BANS_ALWAYS = 20;

/** `chat` of `/run/sekisho/audit/chat.sock`; what is refused later is called by its whole name until then. */
export const socketName = (socket: string): string =>
  SOCKET_NAME.exec(basename(socket))?.[1] ?? basename(socket);

/** A log with absolute paths. What comes over a socket is kept in a file of the data folder, and read from there. */
export function runningLog(log: WrittenLog, folder: string, data: string): LogConfig {
  if (log.socket === undefined) return { ...log, path: resolve(folder, log.path ?? "") };
  const socket = resolve(folder, log.socket);
  return { ...log, socket, path: join(data, "audit", `${socketName(socket)}.jsonl`) };
}

/** What is wrong with the keys of a source, each with the key that it is said of. */
export function* sourceProblems(
  written: WrittenLog,
  running: LogConfig,
): Iterable<readonly [string, string]> {
  const { path, socket, kind } = written;
  if (path === undefined && socket === undefined) {
    yield ["path", "is missing; write the path of a log, or socket: for audit events that an app sends"];
  }
  if (socket === undefined) {
    for (const key of ["group", "mode"] as const)
      if (written[key] !== undefined) yield [key, "is only for a socket; remove it"];
  } else {
    if (path !== undefined) yield ["path", "cannot stand beside socket; keep one of them"];
    if (written.rotatedTo !== undefined) yield ["rotatedTo", "cannot stand beside socket; remove it"];
    for (const problem of socketProblems(running.socket!)) yield ["socket", problem];
  }
  if (kind === "audit") return;
  for (const key of ["socket", "mayBan", "maxBanShare", "bansAlways"] as const)
    if (written[key] !== undefined) yield [key, "is only for kind: audit; remove it, or write kind: audit"];
}

/** What is wrong with the path of a socket that Sekisho is to make. */
export function* socketProblems(socket: string): Iterable<string> {
  if (!SOCKET_NAME.test(basename(socket)))
    yield `'${basename(socket)}' is not the name of a socket; write letters, digits, _ and - and .sock (chat.sock)`;
  if (Buffer.byteLength(dirname(socket)) > LONGEST_FOLDER)
    yield `the folder of a socket has ${LONGEST_FOLDER} bytes at most; name one with a shorter path`;
  else if (Buffer.byteLength(socket) > LONGEST_SOCKET)
    yield `the path of a socket has ${LONGEST_SOCKET} bytes at most; name a shorter one`;
}

/** What an audit source may cause; null for Apache's logs. */
export function trustOf(log: LogConfig): AuditTrust | null {
  if (log.kind !== "audit") return null;
  return {
    name: log.socket === undefined ? log.path : socketName(log.socket),
    mayBan: log.mayBan ?? AUDIT_NAMES,
    maxBanShare: log.maxBanShare ?? DEFAULT_SHARE,
    bansAlways: log.bansAlways ?? DEFAULT_BANS_ALWAYS,
  };
}

import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";

/** Where a socket is, and who may connect. */
export interface SocketPlace {
  readonly path: string;
  /** A name or a number; null: the group of Sekisho itself. */
  readonly group: string | null;
  readonly mode: number;
}

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

/**
 * Has the server listen there. The kernel checks who connects, by the socket's permissions; so these are set before anybody
 * can reach it: it is made in a folder that only we may enter, and moved to its place when it is as it should be. What is
 * left of a daemon that was killed is replaced; a socket on which somebody listens is not, nor is anything else.
 */
export async function listenAt(server: Server, place: SocketPlace): Promise<void> {
  const { path, group, mode } = place;
  const folder = dirname(path);
  const gid = group === null ? null : groupId(path, group);
  attempt(path, () => checkFolder(path));
  makeFolder(folder);
  attempt(path, () => checkFolder(path));
  await checkOccupant(path);
  const closed = attempt(path, () => mkdtempSync(join(folder, ".s-")));
  try {
    const made = join(closed, "s");
    await listening(server, made);
    attempt(path, () => {
      if (gid !== null) chownSync(made, -1, gid);
      chmodSync(made, mode);
      renameSync(made, path);
    });
  } finally {
    rmSync(closed, { recursive: true, force: true });
  }
}

/**
 * What is in the way of it, as far as can be seen without changing anything; null when nothing is. `data`: where Sekisho keeps its data.
 * When root looks, whose that is tells whom Sekisho runs as.
 */
export function placeProblem(
  { path, group }: Omit<SocketPlace, "mode">,
  data: string | null = null,
): SekishoError | null {
  try {
    if (group !== null) groupId(path, group);
    accessSync(nearestFolder(path), constants.W_OK | constants.X_OK);
    checkFolder(path, runsAs(data));
    checkKind(path);
    return null;
  } catch (error) {
    return failure(path, error);
  }
}

function runsAs(data: string | null): number | undefined {
  const own = process.getuid?.();
  return own !== 0 || data === null ? own : statSync(data, { throwIfNoEntry: false })?.uid;
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(failure(path, error));
    server.once("error", failed);
    server.listen(path, () => {
      server.off("error", failed);
      resolve();
    });
  });
}

/** /run is empty after a boot. What is made here others may pass, whatever our umask, and not write. */
function makeFolder(folder: string): void {
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    for (let each = folder; ; each = dirname(each)) {
      chmodSync(each, 0o755);
      if (each === first) return;
    }
  } catch (error) {
    throw new SekishoError(
      "SOCKET_FAILED",
      `cannot make ${folder}: ${messageOf(error)}`,
      `make it and give it to the user that Sekisho runs as: sudo install -d -m 0755 -o USER ${folder}`,
      { cause: error },
    );
  }
}

/** The socket's folder, or while there is none the first one above it that is there. */
function nearestFolder(path: string): string {
  let folder = dirname(path);
  while (lstatSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
  return folder;
}

/** Whoever may write in the folder, or exchange one above it, could put a socket of his own there. */
function checkFolder(path: string, listener = process.getuid?.()): void {
  const nearest = nearestFolder(path);
  for (const lowest of new Set([nearest, realpathSync(nearest)])) {
    for (let folder = lowest; ; folder = dirname(folder)) {
      const { mode, uid } = statSync(folder);
      // In /tmp nobody can rename what is another's; but anybody could have made our socket there before us.
      const isForSocket = folder === lowest && nearest === dirname(path);
      const isOpen = (mode & WRITABLE_BY_OTHERS) !== 0 && ((mode & STICKY) === 0 || isForSocket);
      // A link belongs to whoever can point it elsewhere.
      const isOurs = [uid, lstatSync(folder).uid].every((owner) => owner === 0 || owner === listener);
      if (isOpen || !isOurs) throw unsafe(path, folder, isOpen);
      if (folder === "/") break;
    }
  }
}

const unsafe = (path: string, folder: string, isOpen: boolean): SekishoError =>
  new SekishoError(
    "SOCKET_UNSAFE",
    `${path}: ${isOpen ? `others may write in ${folder}` : `${folder} belongs to another user`}, and could put a socket of their own there`,
    isOpen
      ? `sudo chmod go-w ${folder}, or name another folder; who may connect is said by group:`
      : "name a folder that belongs to root or to the user that Sekisho runs as; so must all above it",
  );

/** Throws when what is there is no socket. */
function checkKind(path: string): "nothing" | "socket" {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return "nothing";
  if (stat.isSocket()) return "socket";
  throw new SekishoError(
    "SOCKET_FAILED",
    `${path} is there and is no socket`,
    "move it away, or name another path; Sekisho replaces no file that it did not make",
  );
}

/** Throws when what is there is no socket, or one on which somebody listens. */
async function checkOccupant(path: string): Promise<void> {
  if (attempt(path, () => checkKind(path)) === "nothing") return;
  if (await isListened(path)) {
    throw new SekishoError(
      "SOCKET_IN_USE",
      `another process listens on ${path}`,
      "stop it, or give each Sekisho its own sockets",
    );
  }
}

function isListened(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // Only a refusal tells that nobody is there: a full queue or a closed door does not.
    probe.once("error", (error) => resolve(systemCode(error) !== "ECONNREFUSED"));
  });
}

function groupId(path: string, group: string): number {
  const entries = readFileSync("/etc/group", "utf8").split("\n");
  const known = entries.map((entry) => entry.split(":")).find(([name]) => name === group)?.[2];
  const id = known ?? (/^\d{1,9}$/.test(group) ? group : undefined);
  if (id === undefined) {
    throw new SekishoError(
      "SOCKET_FAILED",
      `${path}: there is no group '${group}'`,
      `make it (sudo groupadd --system ${group}), or write the number of one that is kept elsewhere`,
    );
  }
  const own = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  if (process.geteuid?.() === 0 || own.includes(Number(id))) return Number(id);
  throw new SekishoError(
    "SOCKET_FAILED",
    `${path}: Sekisho's user is no member of the group '${group}', so it cannot give it the socket`,
    `sudo usermod -aG ${group} USER, then start Sekisho anew`,
  );
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, cause: unknown): SekishoError {
  if (cause instanceof SekishoError) return cause;
  const isClosed = ["EACCES", "EPERM"].includes(systemCode(cause) ?? "");
  return new SekishoError(
    "SOCKET_FAILED",
    `cannot listen on ${path}: ${messageOf(cause)}`,
    isClosed
      ? `let the user that Sekisho runs as write in ${dirname(path)}, and be a member of the group`
      : "check the path",
    { cause },
  );
}

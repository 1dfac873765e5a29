import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** The account that Apache's children run as. */
export interface WebUser {
  readonly name: string;
  readonly uid: number;
  readonly gids: readonly number[];
}

/** Debian's and RHEL's names. */
const USUAL_NAMES = ["www-data", "apache"] as const;

/** The configured account, else the first usual one there is; null when there is none. */
export async function findWebUser(configured: string | undefined): Promise<WebUser | null> {
  const accounts = await entries("/etc/passwd");
  const names = configured === undefined ? USUAL_NAMES : [configured];
  const account = names
    .map((name) => accounts.find((entry) => entry[0] === name))
    .find((entry) => entry !== undefined);
  if (account === undefined) return null;
  const [name, , uid, gid] = account as [string, string, string, string];
  const groups = (await entries("/etc/group")).filter((entry) => entry[3]?.split(",").includes(name));
  return { name, uid: Number(uid), gids: [Number(gid), ...groups.map((entry) => Number(entry[2]))] };
}

const entries = async (file: string): Promise<string[][]> =>
  (await readFile(file, "utf8")).split("\n").map((line) => line.split(":"));

/** The first folder on the way to `directory` (itself included) that this user may not pass; null when none. */
export async function firstBlocking(directory: string, user: WebUser): Promise<string | null> {
  const path = await realpath(directory);
  const folders = [path];
  while (folders[0] !== "/") folders.unshift(dirname(folders[0]!));
  for (const folder of folders) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : user.gids.includes(gid) ? 0o010 : 0o001;
    if ((mode & bit) === 0 && user.uid !== 0) return folder;
  }
  return null;
}

/**
 * Whether this user reaches what is in the folder, tried as that user; null when it cannot be tried (not root, no
 * setpriv).
 */
export async function passesFolder(
  user: WebUser,
  folder: string,
  signal: AbortSignal,
): Promise<boolean | null> {
  if (process.getuid?.() !== 0) return null;
  const become = [`--reuid=${user.uid}`, `--regid=${user.gids[0]}`, `--groups=${user.gids.join(",")}`];
  const child = spawn("setpriv", [...become, "--", "test", "-x", folder], {
    cwd: "/",
    stdio: "ignore",
    signal,
  });
  try {
    const [status] = (await once(child, "exit")) as [number | null];
    // `test` answers 0 or 1; anything else is setpriv itself.
    return status === 0 ? true : status === 1 ? false : null;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return null;
    throw error;
  }
}

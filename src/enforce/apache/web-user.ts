import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Account, findAccount } from "../account.ts";

/** Debian's and RHEL's names. */
const USUAL_NAMES = ["www-data", "apache"];

/** Whom Apache's children run as: the configured account, else the first usual one there is; null when there is none. */
export const findWebUser = (configured: string | undefined): Promise<Account | null> =>
  findAccount(...(configured === undefined ? USUAL_NAMES : [configured]));

/** The first folder on the way to `directory` (itself included) that this user may not pass; null when none. */
export async function firstBlocking(directory: string, user: Account): Promise<string | null> {
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
  user: Account,
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

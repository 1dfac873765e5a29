import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../model/errors.ts";

/**
 * The folder itself, or while there is none the first one above it that is there: what decides whether it can be made
 * and reached. Looks only. Throws the system's error when nothing can be made in it.
 */
export async function nearestFolder(path: string): Promise<string> {
  let folder = path;
  while (!(await isThere(folder))) folder = dirname(folder);
  await access(folder, constants.W_OK | constants.X_OK);
  return folder;
}

async function isThere(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT" && path !== "/") return false;
    throw error;
  }
  throw new Error(`${path} is not a folder`);
}

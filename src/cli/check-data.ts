import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";

export interface DataCheck {
  readonly path: string;
  readonly exists: boolean;
  /** Null when the file system does not tell. */
  readonly freeBytes: number | null;
  readonly error: SekishoError | null;
}

/** Less than this fills up within hours on a busy site. */
const LEAST_FREE_BYTES = 256 * 2 ** 20;

/** Whether Sekisho could keep its database there. Creates nothing: a missing folder is judged by the one above it. */
export function checkDataFolder(path: string): DataCheck {
  let folder = path;
  try {
    while (statSync(folder, { throwIfNoEntry: false }) === undefined) folder = dirname(folder);
    const problem = (message: string, hint: string): SekishoError =>
      new SekishoError("DATA_DIRECTORY", message, hint);
    const exists = folder === path;
    const freeBytes = freeBytesOf(folder);
    const check = { path, exists, freeBytes };
    if (!statSync(folder).isDirectory()) {
      return {
        ...check,
        error: problem(`${folder} is not a folder`, "set data: to a folder that Sekisho may write"),
      };
    }
    if (!isWritable(folder)) {
      return {
        ...check,
        error: problem(`no permission to write ${folder}`, exists ? howToEnter(path) : howToOwn(path)),
      };
    }
    if (freeBytes !== null && freeBytes < LEAST_FREE_BYTES) {
      const message = `less than 256 MiB are free for ${path}`;
      return {
        ...check,
        error: new SekishoError("DISK_FULL", message, "free some space, or set data: to another disk"),
      };
    }
    return { ...check, error: null };
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw error;
    const message = `cannot look at ${path}: ${messageOf(error)}`;
    return {
      path,
      exists: false,
      freeBytes: null,
      error: new SekishoError("DATA_DIRECTORY", message, howToOwn(path)),
    };
  }
}

const howToEnter = (path: string): string =>
  `run this with sudo, or as the user that Sekisho runs as; to give it to another: sudo chown -R USER ${path}`;

const howToOwn = (path: string): string =>
  `make it and give it to the user that Sekisho runs as: sudo install -d -m 0750 -o USER ${path}`;

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytesOf(folder: string): number | null {
  const { bavail, bsize, blocks } = statfsSync(folder);
  return blocks === 0 ? null : bavail * bsize;
}

import { realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemCode } from "../model/errors.ts";

const OTHERS_WRITE = 0o002;
/** In a folder with this bit (/tmp) nobody replaces the files of others. */
const STICKY = 0o1000;

/**
 * The file, or the first folder above it, that somebody else than root and ourselves may write to; null when there is none,
 * or no such file. Group members are trusted: whoever set the group meant them.
 */
export async function firstWritableByOthers(path: string): Promise<string | null> {
  let place: string;
  try {
    place = await realpath(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  for (let isFile = true; ; isFile = false) {
    const { mode, uid } = await stat(place);
    const isOpen = (mode & OTHERS_WRITE) !== 0 && (isFile || (mode & STICKY) === 0);
    if (isOpen || ![0, process.getuid?.()].includes(uid)) return place;
    if (place === "/") return null;
    place = dirname(place);
  }
}

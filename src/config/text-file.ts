import { isUtf8 } from "node:buffer";
import { closeSync, openSync, readSync } from "node:fs";
import { type ErrorCode, messageOf, SekishoError, systemCode } from "../model/errors.ts";

/** More than any honest configuration, rule or list; keeps a wrong file from filling the memory. */
const MAX_BYTES = 16 * 2 ** 20;

/** A UTF-8 file's text without its byte order mark. `invalid` is the code for contents that are not text. */
export function readTextFile(file: string, invalid: ErrorCode): string {
  const bytes = readBytes(file);
  if (bytes.length > MAX_BYTES) {
    throw new SekishoError(invalid, `${file} is larger than 16 MiB`, "name the right file");
  }
  if (!isUtf8(bytes)) {
    throw new SekishoError(
      invalid,
      `${file}:${firstBadLine(bytes)}:1: not UTF-8 text`,
      "save the file as UTF-8 (iconv -f ISO-8859-1 -t UTF-8 converts from Latin-1)",
    );
  }
  return bytes.toString("utf8").replace(/^\ufeff/, "");
}

function readBytes(file: string): Buffer {
  try {
    return firstBytes(file, MAX_BYTES + 1);
  } catch (error) {
    const [reason, hint] = readFailure(systemCode(error), file);
    throw new SekishoError("CONFIG_UNREADABLE", `${file}: ${reason ?? messageOf(error)}`, hint, {
      cause: error,
    });
  }
}

const piece = Buffer.alloc(65_536);

/** No more than these: a device has no end. */
function firstBytes(file: string, most: number): Buffer {
  const descriptor = openSync(file, "r");
  try {
    const parts: Buffer[] = [];
    for (let left = most; left > 0; ) {
      const length = readSync(descriptor, piece, 0, Math.min(left, piece.length), null);
      if (length === 0) break;
      parts.push(Buffer.from(piece.subarray(0, length)));
      left -= length;
    }
    return Buffer.concat(parts);
  } finally {
    closeSync(descriptor);
  }
}

/** Why a file could not be read, in words, and what to do about it. */
export function readFailure(code: string | null, file: string): readonly [string | null, string] {
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return ["there is no such file", "check the path's spelling"];
    case "EISDIR":
      return ["is a folder", "name a file in it"];
    case "EACCES":
    case "EPERM":
      return [
        "no permission to read it",
        `run this with sudo, or as the user that Sekisho runs as (ls -l ${file} shows who may read it)`,
      ];
    default:
      return [null, "check the path and the disk"];
  }
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(10, start);
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

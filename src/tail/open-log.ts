import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { bytesAt } from "./fingerprint.ts";
import { MAGIC_LENGTH, type Packing, packingOf } from "./unpack.ts";

/** Without waiting: to open a pipe that took the log's place would last until somebody writes to it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a log that `stat` was a regular file. It is looked at before, since to open a device can set something going, and
 * again once it is open, as it may have been replaced in between.
 */
export function openLog(path: string, stat: Stats): number {
  if (!stat.isFile()) throw notAFile(path);
  const descriptor = openSync(path, FLAGS);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw notAFile(path);
}

/** How the open file is packed; null: it is plain. */
export const packingIn = (descriptor: number): Packing | null =>
  packingOf(bytesAt(descriptor, 0, MAGIC_LENGTH));

export const missing = (path: string): SekishoError =>
  new SekishoError(
    "LOG_MISSING",
    `${path} does not exist`,
    "Apache makes it with its first request; check logs[].path",
  );

const notAFile = (path: string): SekishoError =>
  new SekishoError(
    "LOG_UNREADABLE",
    `${path} is not a regular file`,
    "name Apache's log file itself; it is read once it is a file again",
  );

/** What is wrong with a path, as its user is told. */
export function problemOf(path: string, error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  switch (systemCode(error)) {
    case "ENOENT":
      return missing(path);
    case "EACCES":
    case "EPERM":
      return new SekishoError(
        "LOG_UNREADABLE",
        `${path} cannot be read`,
        "run Sekisho as a user who may read it (on Debian: a member of group adm)",
        { cause: error },
      );
    default:
      return new SekishoError(
        "LOG_UNREADABLE",
        `${path} cannot be read: ${messageOf(error)}`,
        "check the file",
        { cause: error },
      );
  }
}

import { closeSync, constants, fstatSync, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import { bytesAt } from "./fingerprint.ts";
import { MAGIC_LENGTH, type Packing, packingOf } from "./unpack.ts";

/** Without waiting: to open a pipe that took the log's place would last until somebody writes to it. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Opens a log that `stat` was a regular file. It is looked at before, since to open a device can set something going, and
 * again once it is open, as it may have been replaced in between.
 */
export function openLog(path: string, stat: Stats, kind: SourceKind): number {
  if (!stat.isFile()) throw notAFile(path);
  const descriptor = kind === "audit" && !isKept(dirname(path)) ? openOfApp(path) : openSync(path, FLAGS);
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw notAFile(path);
}

/** Opens a log as `openLog` does, and tells how it is packed; null: it is plain. */
export function openAnyLog(path: string, stat: Stats, kind: SourceKind): OpenLog {
  const descriptor = openLog(path, stat, kind);
  return { descriptor, packing: orClosed(descriptor, () => packingOf(bytesAt(descriptor, 0, MAGIC_LENGTH))) };
}

export interface OpenLog {
  readonly descriptor: number;
  readonly packing: Packing | null;
}

/** What is read of an open file, which is closed where that fails: on a bad disk it would be opened again and again. */
export function orClosed<T>(descriptor: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** True when nobody but root and Sekisho's own user may put something into the folder. */
function isKept(folder: string): boolean {
  const { uid, mode } = statSync(folder);
  return (uid === 0 || uid === process.geteuid?.()) && (mode & 0o022) === 0;
}

/** An app that could have Sekisho follow a link would read, as unparsed lines, what only Sekisho may read. */
function openOfApp(path: string): number {
  try {
    return openSync(path, FLAGS | constants.O_NOFOLLOW);
  } catch (cause) {
    if (systemCode(cause) !== "ELOOP") throw cause;
    throw new SekishoError(
      "LOG_UNREADABLE",
      `${path} is a link in a folder that others than root and Sekisho may write to`,
      "links to audit logs are followed only where root alone can make them: name the file itself, or take the right to write from others",
      { cause },
    );
  }
}

export const missing = (path: string): SekishoError =>
  new SekishoError(
    "LOG_MISSING",
    `${path} does not exist`,
    "it is read once it is there (Apache makes its logs when it starts); check logs[].path",
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
        "run Sekisho as a user who may read it (on Debian: a member of group adm); of a log in a home see docs/service.md",
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

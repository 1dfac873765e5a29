import { closeSync, openSync, statSync } from "node:fs";
import { messageOf, SekishoError } from "../model/errors.ts";
import { LineReader, type ReadLines } from "./line-reader.ts";

/** All whole lines of a finished file, a batch at a time; a last line without a newline counts. For replay. */
export function* readLog(path: string): Generator<ReadLines> {
  const descriptor = open(path);
  const reader = new LineReader();
  try {
    let offset = 0;
    for (;;) {
      const read = reader.read(descriptor, offset);
      if (read.offset === offset) break;
      offset = read.offset;
      yield read;
    }
    const rest = reader.unfinished(descriptor, offset);
    if (rest !== "") yield { lines: [rest], cut: new Set(), offset: offset + rest.length };
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    // Looked at first: opening a pipe that nobody writes to waits for ever.
    if (statSync(path).isFile()) return openSync(path, "r");
  } catch (cause) {
    throw unreadable(
      `${path} cannot be read: ${messageOf(cause)}`,
      "check the path and its permissions",
      cause,
    );
  }
  throw unreadable(
    `${path} is not a regular file`,
    "name a log file; what comes through a pipe must be written to one first",
  );
}

const unreadable = (message: string, hint: string, cause?: unknown): SekishoError =>
  new SekishoError("LOG_UNREADABLE", message, hint, { cause });

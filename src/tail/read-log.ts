import { closeSync, openSync } from "node:fs";
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
    return openSync(path, "r");
  } catch (error) {
    throw new SekishoError(
      "LOG_UNREADABLE",
      `${path} cannot be read: ${messageOf(error)}`,
      "check the path and its permissions",
      {
        cause: error,
      },
    );
  }
}

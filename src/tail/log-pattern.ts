import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isNamedPacked } from "./generations.ts";

/** A configured path, or a glob whose stars and question marks stand in the file name only. */
export interface LogPattern {
  readonly directory: string;
  readonly matches: (name: string) => boolean;
  /** True when the pattern names one file, which is then expected to exist. */
  readonly literal: boolean;
}

export function logPattern(path: string): LogPattern {
  const absolute = resolve(path);
  const name = basename(absolute);
  const literal = !/[*?]/.test(name);
  const expression = new RegExp(
    `^${name
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]")}$`,
  );
  return { directory: dirname(absolute), matches: (each) => expression.test(each), literal };
}

/**
 * Files that match now, in order of name, but for those that are packed: rotation made them, and they are read with the log
 * that they were. Empty when the folder is not there.
 */
export function matchingFiles({ directory, matches }: LogPattern): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => matches(name) && !isNamedPacked(name))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

import { readdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isGenerationOf, mayBeGeneration } from "./generations.ts";

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
 * Files that match now, in order of name. What rotation made of one of them is not a log of its own: it is read with it.
 * Empty when the folder is not there.
 */
export function matchingFiles({ directory, matches }: LogPattern): string[] {
  try {
    const names = readdirSync(directory).filter(matches).sort();
    const isGeneration = (name: string): boolean =>
      mayBeGeneration(name) && names.some((base) => isGenerationOf(base, name));
    return names.filter((name) => !isGeneration(name)).map((name) => join(directory, name));
  } catch {
    return [];
  }
}

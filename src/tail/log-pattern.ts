import { lstatSync } from "node:fs";
import { join, resolve } from "node:path";
import { systemCode } from "../model/errors.ts";
import { foldersIn, namesIn } from "./folder-names.ts";
import { isNamedPacked } from "./generations.ts";

/** One name of a path: itself, or a glob. */
interface NamePattern {
  /** Null for a glob. */
  readonly name: string | null;
  readonly matches: (name: string) => boolean;
}

/** A configured path, or a glob: a star or a question mark stands for what is within one name. */
export interface LogPattern {
  /** What stands before the first glob; of a path without one its folder. */
  readonly directory: string;
  /** The folders below it. */
  readonly folders: readonly NamePattern[];
  readonly file: NamePattern;
  readonly matches: (path: string) => boolean;
  /** True when the pattern names one file, which is then expected to exist. */
  readonly literal: boolean;
}

/** So many folders are looked at for one pattern: whoever may make folders in one of them could keep all logs waiting. */
export const MOST_FOLDERS = 5_000;

export function logPattern(path: string): LogPattern {
  const absolute = resolve(path);
  const names = absolute.split("/").slice(1).map(namePattern);
  const expression = expressionOf(absolute);
  const first = names.findIndex(({ name }) => name === null);
  const literal = first === -1;
  const below = literal ? names.slice(-1) : names.slice(first);
  const upper = names.slice(0, names.length - below.length).map(({ name }) => name!);
  return {
    directory: join("/", ...upper),
    folders: below.slice(0, -1),
    file: below.at(-1)!,
    matches: literal ? (each) => each === absolute : (each) => expression.test(each),
    literal,
  };
}

function namePattern(name: string): NamePattern {
  if (!/[*?]/.test(name)) return { name, matches: (each) => each === name };
  const expression = expressionOf(name);
  return { name: null, matches: (each) => expression.test(each) };
}

const expressionOf = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*+/g, "[^/]*")
      .replaceAll("?", "[^/]")}$`,
  );

/** True for what any of the patterns names; of very many paths without a star it costs no more than of one. */
export function matchesAny(patterns: readonly LogPattern[]): (path: string) => boolean {
  const globs = patterns.filter(({ literal }) => !literal);
  const paths = new Set(
    patterns.flatMap(({ literal, directory, file }) => (literal ? [join(directory, file.name!)] : [])),
  );
  return (path) => paths.has(path) || globs.some(({ matches }) => matches(path));
}

/** The folders that may hold files of the pattern, in order of name, one more than are looked at where there are too many. */
export function foldersOf({ directory, folders }: LogPattern): string[] {
  let found = [directory];
  for (const { name, matches } of folders) {
    const next: string[] = [];
    for (const folder of found) {
      if (next.length > MOST_FOLDERS) break;
      // Hidden ones are no star's, as in a shell: copies of the folder beside them stand there.
      const names =
        name === null ? foldersIn(folder).filter((each) => each[0] !== "." && matches(each)) : [name];
      for (const each of names) next.push(join(folder, each));
    }
    found = next.slice(0, MOST_FOLDERS + 1);
  }
  return found;
}

/**
 * Files that match now, in order of name, but for those that are packed: rotation made them, and they are read with the log
 * that they were. Empty when there is no such folder.
 */
export const matchingFiles = (pattern: LogPattern): string[] => filesIn(foldersOf(pattern), pattern);

export const filesIn = (folders: readonly string[], { file: { name, matches } }: LogPattern): string[] =>
  folders.slice(0, MOST_FOLDERS).flatMap((folder) => {
    if (name !== null) return isThere(join(folder, name)) ? [join(folder, name)] : [];
    return namesIn(folder)
      .filter((each) => matches(each) && !isNamedPacked(each))
      .map((each) => join(folder, each));
  });

/** A link into nothing is there, too, and what may not be looked at may be: both are told where the log is opened. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return systemCode(error) === "EACCES";
  }
}

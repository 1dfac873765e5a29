import { realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { namesIn } from "./folder-names.ts";

/** A file that rotation made of a log. */
export interface Generation {
  readonly path: string;
  readonly stat: Stats;
}

/** `.1`, `-20261120`, `.2026-11-20-13`, each perhaps packed. */
const SUFFIX = /^([.-]\d[\d.-]*?)(\.gz|\.zst|\.xz|\.bz2)?$/;
/** Numbers of one word from this on are dates; below it they count rotations. */
const FIRST_DATE = 10_000;

/** True where the name says that the file is packed. */
export const isNamedPacked = (path: string): boolean => /\.(gz|zst|xz|bz2)$/.test(path);

/**
 * The generations of a log that are there now, oldest first. One that stands there both plain and packed is being packed,
 * and is the plain one, which is whole. Where the log is a link they may be beside the link or beside the file.
 */
export function generationsOf(path: string): Generation[] {
  const bases = new Set([path, ...realPath(path)]);
  const found = [...bases].flatMap((base) => generationsBeside(base));
  return found.sort(found.every(isDated) || !found.some(isDated) ? byName : byLastWrite);
}

function generationsBeside(base: string): (Generation & { readonly numbers: readonly number[] })[] {
  const names = new Map<string, string>();
  for (const name of namesBeginningWith(basename(base), dirname(base))) {
    const [, suffix, packing] = SUFFIX.exec(name.slice(basename(base).length)) ?? [];
    if (suffix !== undefined && (packing === undefined || !names.has(suffix))) names.set(suffix, name);
  }
  return [...names].flatMap(([suffix, name]) => {
    const generation = join(dirname(base), name);
    const stat = statOf(generation);
    return stat?.isFile() ? [{ path: generation, stat, numbers: numbersIn(suffix) }] : [];
  });
}

type Named = Generation & { readonly numbers: readonly number[] };

const numbersIn = (suffix: string): number[] => (suffix.match(/\d+/g) ?? []).map(Number);
const isDated = ({ numbers }: Named): boolean => numbers.length > 1 || numbers[0]! >= FIRST_DATE;
const byLastWrite = (a: Generation, b: Generation): number => a.stat.mtimeMs - b.stat.mtimeMs;

/** Counted ones grow older with their number, dated ones younger. */
function byName(a: Named, b: Named): number {
  const order = isDated(a) ? 1 : -1;
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at++) {
    const difference = (a.numbers[at] ?? -1) - (b.numbers[at] ?? -1);
    if (difference !== 0) return order * difference;
  }
  return byLastWrite(a, b);
}

function namesBeginningWith(start: string, folder: string): string[] {
  const names = namesIn(folder);
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (names[middle]! < start) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (names[end]?.startsWith(start)) end++;
  return names.slice(low, end);
}

/** Null for a link into nothing, or what went away meanwhile: it must not hide the others. */
function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

function realPath(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return [];
  }
}

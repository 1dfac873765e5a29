import { realpathSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { namesIn } from "./folder-names.ts";

/** A file that rotation made of a log. */
export interface Generation {
  readonly path: string;
  readonly stat: Stats;
}

/** `20261120`, `2026-11-20_13`, `202611`, `20-11-2026`, seconds since 1970: what logrotate, rotatelogs and cronolog write. */
const DAY = "(?:19|20)\\d\\d[-._]?\\d\\d(?:[-._]?\\d\\d)?|\\d\\d[-._]?\\d\\d[-._]?(?:19|20)\\d\\d|1\\d{9}";
const DATE = `(?:${DAY})(?:[-._T@]?\\d[\\d.:_-]*)?`;
const PACKING = "(\\.gz|\\.zst|\\.xz|\\.bz2)?";
const BEHIND_NAME = "([._-]\\d[\\d.:_T@-]*?)";
/** Little may stand there, or `access-8080.log` would be taken for a generation of `access.log`. */
const WITHIN_NAME = `(\\.\\d{1,3}|[._-]${DATE})`;

/** True where the name says that the file is packed. */
export const isNamedPacked = (path: string): boolean => /\.(gz|zst|xz|bz2)$/.test(path);

/** What else is known of a log's rotation. */
export interface RotationNames {
  /** Where rotation puts generations beside the log's own folder, from which a relative path starts; null: nowhere. */
  readonly rotatedTo?: string | null | undefined;
  /** True for files that are read as logs of their own. */
  readonly isLog?: (path: string) => boolean;
}

/**
 * The generations of a log that are there now, oldest first. One that is there both plain and packed is being packed just
 * now: the plain file, which is whole, is taken. Where the log is a link they may be beside the link or beside the file, or be what
 * it led to before.
 */
export function generationsOf(path: string, { rotatedTo, isLog }: RotationNames = {}): Generation[] {
  const beside = new Set([path, ...realPath(path)]);
  const folder = rotatedTo ? resolve(dirname(path), rotatedTo) : null;
  const moved = folder === null ? [] : [...beside].map((base) => join(folder, basename(base)));
  const found = [
    ...[...beside, ...moved].flatMap((base) => generationsOfName(base, shapesOf(basename(base)))),
    ...[...linkedNames(path)].flatMap((base) => generationsOfName(base, datedShapes(basename(base)))),
  ];
  const generations = [...new Map(found.map((each) => [each.path, each])).values()].filter(
    (each) => isLog === undefined || isNamedPacked(each.path) || !isLog(each.path),
  );
  const isInOrder = generations.every(isDated) || generations.every(isCounted);
  return generations.sort(isInOrder ? byName : byLastWrite);
}

/** Names that begin and look so; what the first group holds tells one generation from another. */
interface Shape {
  readonly starts: readonly string[];
  readonly expression: RegExp;
}

/** `access.log.1`; logrotate's `extension .log` makes `access.1.log` and `access-20261120.log`. */
function shapesOf(name: string): Shape[] {
  const behind = { starts: [name], expression: shape(name, BEHIND_NAME, "") };
  const [, stem, ending] = /^(.+)(\.[A-Za-z]\w*)$/.exec(name) ?? [];
  if (stem === undefined || ending === undefined) return [behind];
  const starts = [`${stem}-`, `${stem}.`, `${stem}_`];
  return [behind, { starts, expression: shape(stem, WITHIN_NAME, ending) }];
}

/** `access.2026-11-20.log` of `access.2026-11-21.log`, to which the log is a link now. */
function datedShapes(name: string): Shape[] {
  const [, before, after] = new RegExp(`^(.*?)${DATE}(.*)$`).exec(name) ?? [];
  if (before === undefined || after === undefined) return [];
  return [{ starts: [before], expression: shape(before, `(${DATE})`, after) }];
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const shape = (before: string, part: string, after: string): RegExp =>
  new RegExp(`^${escaped(before)}${part}${escaped(after)}${PACKING}$`);

function generationsOfName(base: string, shapes: readonly Shape[]): Named[] {
  const folder = dirname(base);
  const names = new Map<string, { readonly name: string; readonly part: string }>();
  for (const { starts, expression } of shapes)
    for (const name of starts.flatMap((start) => namesBeginningWith(start, folder))) {
      const [, part, packing = ""] = expression.exec(name) ?? [];
      const plain = name.slice(0, name.length - packing.length);
      if (part === undefined || plain === basename(base)) continue;
      if (packing === "" || !names.has(plain)) names.set(plain, { name, part });
    }
  return [...names.values()].flatMap(({ name, part }) => {
    const path = join(folder, name);
    const stat = statOf(path);
    return stat?.isFile() ? [{ path, stat, numbers: numbersIn(part), digits: part.replace(/\D/g, "") }] : [];
  });
}

interface Named extends Generation {
  readonly numbers: readonly number[];
  readonly digits: string;
}

const numbersIn = (part: string): number[] => (part.match(/\d+/g) ?? []).map(Number);
/** Its date begins with the year, or is seconds: so it grows with time. */
const isDated = ({ digits, numbers }: Named): boolean =>
  /^(?:19|20)\d\d(?:0\d|1[012])/.test(digits) || (numbers.length === 1 && /^1[6-9]\d{8}$/.test(digits));
const isCounted = (each: Named): boolean => each.numbers.length === 1 && !isDated(each);
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

/** Where the log is a link to a name with a date: that name. rotatelogs makes a second name of the same file. */
function linkedNames(path: string): string[] {
  const stat = statOf(path);
  const folder = dirname(path);
  const second = (name: string): boolean => {
    const other = datedShapes(name).length > 0 ? statOf(join(folder, name)) : null;
    return other !== null && other.ino === stat?.ino && other.dev === stat.dev;
  };
  const others = stat !== null && stat.nlink > 1 ? namesIn(folder).filter(second) : [];
  const named = new Set([...realPath(path), ...others.map((name) => join(folder, name))]);
  named.delete(path);
  return [...named];
}

import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { systemCode } from "../model/errors.ts";
import { hasWildcard, matchesGlob } from "./glob.ts";

/** More than any honest file of a configuration; keeps a wrong one from filling the memory. */
const MAX_FILE_BYTES = 16 * 2 ** 20;
/** Links that stand one behind the other. */
const MAX_LINKS = 10;
/** As AP_MAX_INCLUDE_DIR_DEPTH. */
const MAX_FOLDER_DEPTH = 20;
const MAX_MATCHES = 10_000;

/** Why a file could not be read. `missing` may be meant; the others are not. */
export type Failure =
  | "missing"
  | "no permission to read it"
  | "not a file"
  | "larger than 16 MiB"
  | "cannot be read";

/** The file tree that Apache's paths are in: the machine's own, or one that is mounted below a folder. */
export class FileTree {
  /** Where `/` of Apache's paths is. */
  readonly root: string;

  constructor(root: string) {
    this.root = resolve(root);
  }

  /** Apache's path as it is reached from here. A relative one begins at `base`, which is Apache's. */
  locate(path: string, base: string): string {
    return join(this.root, isAbsolute(path) ? path : join(base, path));
  }

  exists(path: string): boolean {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  }

  /** The text of a file that can be reached here. */
  read(path: string): { readonly text: string } | { readonly failure: Failure } {
    let descriptor: number | null = null;
    try {
      // O_NONBLOCK: a named pipe without a writer must not hang the reading.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const stat = fstatSync(descriptor);
      if (!stat.isFile()) return { failure: "not a file" };
      if (stat.size > MAX_FILE_BYTES) return { failure: "larger than 16 MiB" };
      return { text: readFileSync(descriptor, "utf8").replace(/^\ufeff/, "") };
    } catch (error) {
      return { failure: failureOf(error) };
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  /**
   * The files that an Include names, in Apache's order: wildcards in any part of the path, and a folder with all that is
   * in it, hidden files too. `closed` are folders that this user may not look into.
   */
  matching(path: string): { readonly files: readonly string[]; readonly closed: readonly string[] } {
    const found = new Found();
    const below = path.slice(this.root === "/" ? 1 : this.root.length + 1).split("/");
    for (const each of expandParts(this.root, below.filter(Boolean), found)) found.addAll(each, 0);
    return found;
  }

  /**
   * The path with its folder's own link followed, so that RHEL's /etc/httpd/logs is /var/log/httpd. An absolute link stays
   * in this tree.
   */
  withoutFolderLink(path: string): string {
    let folder = dirname(path);
    for (let links = 0; links < MAX_LINKS; links++) {
      try {
        const target = readlinkSync(folder);
        folder = isAbsolute(target) ? join(this.root, target) : resolve(dirname(folder), target);
      } catch {
        break;
      }
    }
    return join(folder, basename(path));
  }
}

class Found {
  readonly files: string[] = [];
  readonly closed: string[] = [];

  list(folder: string): readonly string[] {
    try {
      return readdirSync(folder).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    } catch (error) {
      if (failureOf(error) === "no permission to read it") this.closed.push(folder);
      return [];
    }
  }

  addAll(path: string, depth: number): void {
    if (this.files.length >= MAX_MATCHES || depth > MAX_FOLDER_DEPTH) return;
    if (isFolder(path)) for (const name of this.list(path)) this.addAll(join(path, name), depth + 1);
    else this.files.push(path);
  }
}

function expandParts(start: string, parts: readonly string[], found: Found): string[] {
  let paths = [start];
  for (const part of parts) {
    paths = hasWildcard(part)
      ? paths.flatMap((folder) =>
          found
            .list(folder)
            .filter((name) => matchesGlob(part, name))
            .map((name) => join(folder, name)),
        )
      : paths.map((folder) => join(folder, part));
    paths.splice(MAX_MATCHES);
  }
  return paths;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
  }
}

function failureOf(error: unknown): Failure {
  switch (systemCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return "missing";
    case "EACCES":
    case "EPERM":
      return "no permission to read it";
    case "EISDIR":
    case "ENXIO":
      return "not a file";
    default:
      return "cannot be read";
  }
}

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
/** Folders that link to each other can be looked into without end. */
const MAX_LISTINGS = 50_000;

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
  #listings = 0;

  constructor(root: string) {
    this.root = resolve(root);
  }

  /** Apache's path as it is reached from here. A relative one begins at `base`, which is Apache's. */
  locate(path: string, base: string): string {
    // Resolved from Apache's own root, so that no `..` leads out of the tree.
    return join(this.root, resolve("/", base, path));
  }

  exists(path: string): boolean {
    return statSync(this.#followed(path), { throwIfNoEntry: false }) !== undefined;
  }

  /** The text of a file that can be reached here. */
  read(path: string): { readonly text: string } | { readonly failure: Failure } {
    let descriptor: number | null = null;
    try {
      // O_NONBLOCK: a named pipe without a writer must not hang the reading.
      descriptor = openSync(this.#followed(path), constants.O_RDONLY | constants.O_NONBLOCK);
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
    const mayList = () => ++this.#listings <= MAX_LISTINGS;
    const found = new Found((each) => this.#followed(each), mayList);
    const below = path.slice(this.root === "/" ? 1 : this.root.length + 1).split("/");
    for (const each of expandParts(this.root, below.filter(Boolean), found)) found.addAll(each, 0);
    return found;
  }

  /**
   * The path with its folder's own link followed, so that RHEL's /etc/httpd/logs is /var/log/httpd. An absolute link stays
   * in this tree.
   */
  withoutFolderLink(path: string): string {
    return join(this.#linked(dirname(path)), basename(path));
  }

  /** Links are left to the system, but for a tree that is mounted elsewhere, whose absolute links mean its own files. */
  #followed(path: string): string {
    return this.root === "/" ? path : this.#linked(path);
  }

  #linked(path: string): string {
    let at = path;
    for (let links = 0; links < MAX_LINKS; links++) {
      try {
        const target = readlinkSync(at);
        at = isAbsolute(target) ? join(this.root, target) : resolve(dirname(at), target);
      } catch {
        break;
      }
    }
    return at;
  }
}

class Found {
  readonly files: string[] = [];
  readonly closed: string[] = [];
  readonly followed: (path: string) => string;
  readonly #mayList: () => boolean;

  constructor(followed: (path: string) => string, mayList: () => boolean) {
    this.followed = followed;
    this.#mayList = mayList;
  }

  list(folder: string): readonly string[] {
    if (!this.#mayList()) return [];
    try {
      return readdirSync(folder).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    } catch (error) {
      if (failureOf(error) === "no permission to read it") this.closed.push(folder);
      return [];
    }
  }

  addAll(path: string, depth: number): void {
    if (this.files.length >= MAX_MATCHES || depth > MAX_FOLDER_DEPTH) return;
    const folder = this.followed(path);
    if (isFolder(folder)) for (const name of this.list(folder)) this.addAll(join(folder, name), depth + 1);
    else this.files.push(path);
  }
}

function expandParts(start: string, parts: readonly string[], found: Found): string[] {
  let paths = [start];
  for (const part of parts) {
    const folders = paths.map((path) => found.followed(path));
    paths = hasWildcard(part)
      ? folders.flatMap((folder) =>
          found
            .list(folder)
            .filter((name) => matchesGlob(part, name))
            .map((name) => join(folder, name)),
        )
      : folders.map((folder) => join(folder, part));
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

import {
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { toIso, type UnixMs } from "../model/time.ts";

export interface Written {
  readonly file: string;
  /** Where the file is that was there before; null when there was none. */
  readonly backup: string | null;
}

/**
 * Puts the configuration in its place by a rename, so that there is always a whole one. What is there already is kept
 * beside it, and is replaced only with `force`. Throws CONFIG_EXISTS or CONFIG_UNWRITABLE.
 */
export function writeConfig(path: string, text: string, force: boolean, now: UnixMs): Written {
  const there = isThere(path);
  if (there && !force) throw exists(path);
  try {
    // Through a link, so that the file that is meant is replaced and not the link.
    const file = there && statSync(path, { throwIfNoEntry: false }) !== undefined ? realpathSync(path) : path;
    mkdirSync(dirname(file), { recursive: true });
    const backup = there ? keep(file, now) : null;
    replace(file, text);
    return { file, backup };
  } catch (error) {
    throw new SekishoError(
      "CONFIG_UNWRITABLE",
      `cannot write ${path}: ${systemCode(error) === "EACCES" ? "no permission" : messageOf(error)}`,
      "run it as root, or name a file of yours: sekisho init --write ./sekisho.yaml",
      { cause: error },
    );
  }
}

/** A dangling link is there too. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

const exists = (path: string): SekishoError =>
  lstatSync(path).isDirectory()
    ? new SekishoError("CONFIG_UNWRITABLE", `${path} is a folder`, "name a file in it")
    : new SekishoError(
        "CONFIG_EXISTS",
        `${path} is there already and was left as it is`,
        "`sekisho init` shows what would change; --force changes it and keeps a copy",
      );

/** `sekisho.yaml.20261121T120000Z` beside it, or null for a link that leads nowhere. */
function keep(file: string, now: UnixMs): string | null {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
  const backup = `${file}.${toIso(now).replace(/\.\d+/, "").replace(/[-:]/g, "")}`;
  copyFileSync(file, backup, constants.COPYFILE_EXCL);
  return backup;
}

function replace(file: string, text: string): void {
  const before = statSync(file, { throwIfNoEntry: false });
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.new`);
  try {
    rmSync(temporary, { force: true });
    // O_EXCL: whatever has that name by now is not followed.
    const descriptor = openSync(temporary, "wx", 0o640);
    try {
      writeFileSync(descriptor, text);
      fchmodSync(descriptor, 0o640);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    // The group of the service that reads it stays.
    if (before !== undefined && process.getuid?.() === 0) chownSync(temporary, before.uid, before.gid);
    renameSync(temporary, file);
    syncFolder(dirname(file));
  } finally {
    rmSync(temporary, { force: true });
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

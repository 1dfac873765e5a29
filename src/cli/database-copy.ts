import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import Database from "better-sqlite3";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { databaseFile } from "../setup.ts";
import { explainedError } from "../store/database.ts";

/** Pages copied between two looks at the event loop: 1 MiB at SQLite's usual 4 KiB. */
const PAGES_AT_ONCE = 256;

/** Copies a database that may be in use to a file that must not exist. Throws BACKUP_FAILED and leaves nothing then. */
export async function backUp(database: string, destination: string): Promise<void> {
  assertReadable(database);
  refuseExisting(destination);
  const folder = dirname(destination);
  if (!existsSync(folder)) throw failed(`${folder}: there is no such folder`, `make it: mkdir -p ${folder}`);
  const temporary = join(folder, `.${basename(destination)}.${process.pid}.partial`);
  try {
    // Made first, so that what is copied into it can never be read by others.
    closeSync(openSync(temporary, "wx", 0o600));
    chmodSync(temporary, 0o600);
    await copy(database, temporary);
    verify(temporary);
    sync(temporary);
    refuseExisting(destination);
    renameSync(temporary, destination);
    sync(folder);
  } catch (error) {
    if (error instanceof SekishoError) throw error;
    throw failed(
      `cannot back up to ${destination}: ${messageOf(error)}`,
      "check the folder, its permissions and its free space",
      error,
    );
  } finally {
    for (const leftover of ["", "-journal", "-wal", "-shm"]) rmSync(temporary + leftover, { force: true });
  }
}

function assertReadable(database: string): void {
  try {
    accessSync(database, constants.R_OK);
  } catch (error) {
    if (systemCode(error) === "ENOENT")
      throw failed(`there is no database at ${database}`, hintFor(database));
    throw failed(
      `cannot read ${database}: ${systemCode(error) === "EACCES" ? "no permission" : messageOf(error)}`,
      "run this command as the user that Sekisho runs as (sudo -u sekisho sekisho …) or as root",
      error,
    );
  }
}

/** What a demo stores is made anew at each start of one: nobody would restore it. */
const hintFor = (database: string): string =>
  existsSync(databaseFile(dirname(database), true))
    ? "only the demo ran here, and what it stores is not kept; start sekisho run without --demo first"
    : "name the daemon's configuration with --config";

async function copy(database: string, temporary: string): Promise<void> {
  const source = new Database(database, { readonly: true, timeout: 10_000 });
  try {
    // Without a read transaction of our own the copy would start anew whenever the daemon writes, so never end.
    begin(source, database);
    await source.backup(temporary, { progress: () => PAGES_AT_ONCE });
  } finally {
    source.close();
  }
}

/** The first look at it: what is wrong here is wrong with the database, and not with the copy. */
function begin(source: Database.Database, file: string): void {
  try {
    source.exec("BEGIN");
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    throw explainedError(file, error);
  }
}

/** Makes it one file without a write-ahead log, and reads it in full. */
function verify(temporary: string): void {
  const copied = new Database(temporary);
  try {
    copied.pragma("journal_mode = DELETE");
    const answer = copied.pragma("quick_check", { simple: true });
    if (answer === "ok") return;
    throw failed(
      `the copy is damaged: ${String(answer)}`,
      "the database itself may be damaged; see DATABASE_DAMAGED in docs/errors.md",
    );
  } finally {
    copied.close();
  }
}

function refuseExisting(destination: string): void {
  const there = lstatSync(destination, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (there.isDirectory())
    throw failed(`${destination} is a folder`, `name a file in it: ${join(destination, "sekisho.sqlite")}`);
  throw failed(`${destination} exists and is not overwritten`, "choose another name, or remove it first");
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const failed = (message: string, hint: string, cause?: unknown): SekishoError =>
  new SekishoError("BACKUP_FAILED", message, hint, { cause });

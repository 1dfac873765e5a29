import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { type ErrorCode, messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { initial } from "./migrations/0001-initial.ts";
import { banSources } from "./migrations/0002-ban-sources.ts";
import { sockets } from "./migrations/0003-sockets.ts";
import { checkpointTails } from "./migrations/0004-checkpoint-tails.ts";
import { retention } from "./migrations/0005-retention.ts";
import { decidedAt } from "./migrations/0006-decided-at.ts";
import { spans } from "./migrations/0007-spans.ts";
import { evidence } from "./migrations/0008-evidence.ts";
import { tls } from "./migrations/0009-tls.ts";
import { halts } from "./migrations/0010-halts.ts";
import { revocations } from "./migrations/0011-revocations.ts";
import { findingsByRule } from "./migrations/0012-findings-by-rule.ts";
import { newestEvents } from "./migrations/0013-newest-events.ts";

export type Connection = Database.Database;

/** Applied in order, each once; `PRAGMA user_version` counts them. What has shipped is never edited. */
const MIGRATIONS: readonly string[] = [
  initial,
  banSources,
  sockets,
  checkpointTails,
  retention,
  decidedAt,
  spans,
  evidence,
  tls,
  halts,
  revocations,
  findingsByRule,
  newestEvents,
];
/** What `PRAGMA auto_vacuum` answers where free space can be given back. */
const INCREMENTAL = 2;

/** How long a writer waits for another process's lock. */
const BUSY_MS = 5_000;
/** What the write-ahead log is cut to; it is longer while somebody reads, since it holds what changed meanwhile. */
const LOG_BYTES = 64 * 2 ** 20;
/** How long ingestion waits for readers so that the log can begin anew. */
const READERS_MS = 10;

/** Opens the database for its one writer, made or brought up to date. `lock` holds off a second Sekisho. */
export function openForWriting(file: string): Connection {
  makeFolder(dirname(file));
  return explained(file, () => {
    removeForeignLog(file);
    const connection = new Database(file, { timeout: BUSY_MS });
    try {
      const version = knownVersion(connection, file);
      chmodSync(file, 0o600);
      // Before anything is in it: free pages can be given back a few at a time.
      connection.pragma("auto_vacuum = INCREMENTAL");
      connection.pragma("journal_mode = WAL");
      // A power cut may lose the last transactions, never part of one; the checkpoint in them makes that a re-read.
      connection.pragma("synchronous = NORMAL");
      // In KiB. What is written lies together, so that more would only hold what nobody asks for.
      connection.pragma("cache_size = -8192");
      // In pages, 4 MiB. Copying more back at once is no faster and would hold up ingestion for longer than 20 ms.
      connection.pragma("wal_autocheckpoint = 1000");
      connection.pragma(`journal_size_limit = ${LOG_BYTES}`);
      connection.pragma("foreign_keys = ON");
      migrate(connection, version);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  });
}

/**
 * Begins the write-ahead log anew where readers that follow each other closely have kept SQLite from it, and it has grown.
 * A reader that stays keeps it from this too; the next time succeeds.
 */
export function shortenLog(connection: Connection): void {
  const log = statSync(`${connection.name}-wal`, { throwIfNoEntry: false });
  if (log === undefined || log.size <= LOG_BYTES) return;
  connection.pragma(`busy_timeout = ${READERS_MS}`);
  try {
    connection.pragma("wal_checkpoint(TRUNCATE)");
  } finally {
    connection.pragma(`busy_timeout = ${BUSY_MS}`);
  }
}

export const openForReading = (file: string): Connection =>
  explained(file, () => new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS }));

/**
 * Holds the data folder for this process, so that two daemons never write to one database. It is SQLite's own lock on a
 * small file beside it: the kernel lets go of it when the process dies, however it dies.
 */
export function lockData(folder: string): Disposable {
  makeFolder(folder);
  try {
    const lock = new Database(`${folder}/lock`, { timeout: 0 });
    // Nothing is written, so that it can be had on a full disk.
    lock.pragma("journal_mode = MEMORY");
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
    return { [Symbol.dispose]: () => lock.close() };
  } catch (cause) {
    if (!systemCode(cause)?.startsWith("SQLITE_BUSY"))
      throw notWritable(folder) ?? explainedError(`${folder}/lock`, cause);
    throw new SekishoError(
      "DATA_IN_USE",
      `another Sekisho uses ${folder}`,
      "stop it first, or give this one its own data folder (data: in the configuration)",
      { cause },
    );
  }
}

/** SQLite says only that it cannot open the file. */
function notWritable(folder: string): SekishoError | null {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return null;
  } catch (cause) {
    if (systemCode(cause) !== "EACCES") return null;
    const hint = "run this as the user that Sekisho runs as (sudo -u sekisho sekisho …) or as root";
    return new SekishoError("DATA_DIRECTORY", `no permission to write ${folder}`, hint, { cause });
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SekishoError(
      "DATA_DIRECTORY",
      `cannot make ${folder}: ${messageOf(cause)}`,
      "check data: in the configuration, and who may write there",
      {
        cause,
      },
    );
  }
}

/** Asked before anything is written: a database of a newer Sekisho is left as it is. */
function knownVersion(connection: Connection, file: string): number {
  const version = connection.pragma("user_version", { simple: true }) as number;
  if (version > MIGRATIONS.length) {
    throw new SekishoError(
      "DATABASE_NEWER",
      `${file} was written by a newer Sekisho (schema ${version}, this one knows ${MIGRATIONS.length})`,
      "update Sekisho, or name another data folder; nothing was changed",
    );
  }
  return version;
}

function migrate(connection: Connection, version: number): void {
  for (let next = version; next < MIGRATIONS.length; next++) {
    connection.transaction(() => {
      connection.exec(MIGRATIONS[next]!);
      connection.pragma(`user_version = ${next + 1}`);
    })();
  }
  // An older database has no list of what lies where, which only writing it anew makes; whoever was killed in that has still none.
  if (connection.pragma("auto_vacuum", { simple: true }) !== INCREMENTAL) connection.exec("VACUUM");
}

/** Where SQLite says whether a database has a write-ahead log (2) or not (1): https://sqlite.org/fileformat.html. */
const LOGGED_AT = 18;

/**
 * A backup, which has no write-ahead log, was put in the place of a database that was killed and has left its own: SQLite would
 * take what is in that for the backup's and damage it.
 */
function removeForeignLog(file: string): void {
  if (hasForeignLog(file)) for (const ending of ["-wal", "-shm"]) rmSync(file + ending, { force: true });
}

function hasForeignLog(file: string): boolean {
  if (!existsSync(`${file}-wal`) || statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    return false;
  const byte = Buffer.alloc(1);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, byte, 0, 1, LOGGED_AT);
  } finally {
    closeSync(descriptor);
  }
  return byte[0] === 1;
}

/**
 * DATABASE_REPLACED where the open database, which had this inode, is not in its place any more, or a backup was copied over it: what
 * is stored would be lost. Else null.
 */
export function replaced(file: string, inode: number): SekishoError | null {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.ino === inode && !hasForeignLog(file)) return null;
  return new SekishoError(
    "DATABASE_REPLACED",
    `${file} was ${there === undefined ? "moved or removed" : "replaced"} while Sekisho ran`,
    "start Sekisho again: it goes on with what is there now; the next time stop it first",
  );
}

/** Where a backup was copied over the open database, the log is emptied first: SQLite would write what is in it into the backup. */
export function closeDatabase(connection: Connection): void {
  const { name } = connection;
  if (hasForeignLog(name)) truncateSync(`${name}-wal`);
  connection.close();
}

/** Throws what SQLite throws as an error that says what to do. */
export function explained<T>(file: string, ask: () => T): T {
  try {
    return ask();
  } catch (error) {
    throw explainedError(file, error);
  }
}

/** An SQLite error as one that says what to do; anything else as it is. */
export function explainedError(file: string, error: unknown): unknown {
  const code = systemCode(error) ?? "";
  const known = Object.entries(EXPLANATIONS).find(([prefix]) => code.startsWith(prefix))?.[1];
  if (known === undefined) return error;
  return new SekishoError(known.code, `${file}: ${known.what} (${messageOf(error)})`, known.hint, {
    cause: error,
  });
}

interface Explanation {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
}
const FULL: Explanation = {
  code: "DISK_FULL",
  what: "the disk is full",
  hint: "free some space; nothing stored is lost and reading goes on where it stopped",
};
const OF_OTHERS: Explanation = {
  code: "DATA_DIRECTORY",
  what: "the database cannot be written",
  hint: "check who owns the data folder and its files",
};
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  SQLITE_FULL: FULL,
  // What readers and writers share beside the database is a file, too, and is made anew at each start.
  SQLITE_IOERR_SHMSIZE: FULL,
  SQLITE_IOERR_WRITE: {
    code: "DISK_FULL",
    what: "the disk cannot be written",
    hint: "free some space or check the disk; nothing stored is lost and reading goes on where it stopped",
  },
  SQLITE_BUSY: {
    code: "DATABASE_LOCKED",
    what: "another program holds the database",
    hint: "close what has it open (a backup, an sqlite3 shell in a transaction)",
  },
  SQLITE_CORRUPT: {
    code: "DATABASE_DAMAGED",
    what: "the database is damaged",
    hint: "keep a copy, then put a backup in its place (sekisho backup makes them) or move it away to begin anew",
  },
  SQLITE_NOTADB: {
    code: "DATABASE_DAMAGED",
    what: "this is not an SQLite database",
    hint: "keep a copy, then put a backup in its place (sekisho backup makes them) or move it away to begin anew",
  },
  SQLITE_CANTOPEN: {
    code: "DATA_DIRECTORY",
    what: "the database cannot be opened",
    hint: "check data: in the configuration, and who may write there",
  },
  SQLITE_IOERR: {
    code: "DATA_DIRECTORY",
    what: "the database cannot be read or written",
    hint: "check the disk (dmesg), and that this is a plain file on a disk of this machine",
  },
  SQLITE_READONLY: OF_OTHERS,
  // As of a backup that root has put there.
  EPERM: OF_OTHERS,
  EACCES: OF_OTHERS,
};

import { accessSync, closeSync, constants, readdirSync, readSync, statSync } from "node:fs";
import { accessHint } from "../config/discover.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { LogConfig } from "../config/schema.ts";
import { placeProblem } from "../local-socket/place.ts";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import type { SourceKind } from "../model/event.ts";
import { filesIn, foldersOf, type LogPattern, logPattern } from "../tail/log-pattern.ts";
import { missing, openLog } from "../tail/open-log.ts";

export interface LogCheck {
  readonly path: string;
  readonly kind: SourceKind;
  /** As configured; for `auto` what the file's first lines show, null while they show nothing. */
  readonly format: string | null;
  readonly error: SekishoError | null;
}

type DetectFormat = (lines: readonly string[]) => string | null;

/** Enough for the first lines that a format is told by. */
const HEAD_BYTES = 65_536;

/** One entry for each file that the configuration names or matches, and for each that was found and cannot be read. */
export function checkLogs({ config, discovery }: LoadedConfig, detectFormat: DetectFormat): LogCheck[] {
  const checks = config.logs.flatMap((log) => checkLog(log, config.data, detectFormat));
  for (const { path, hint } of discovery?.unreadable ?? []) {
    if (checks.some((check) => check.path === path)) continue;
    const error = new SekishoError("LOG_UNREADABLE", `no permission to read ${path}`, hint);
    checks.push({ path, kind: path.includes("error") ? "error" : "access", format: null, error });
  }
  return checks;
}

/** The socket of a running daemon is fine: it will be closed when the next one starts. */
const checkSocket = (log: LogConfig, socket: string, data: string): LogCheck => ({
  path: socket,
  kind: log.kind,
  format: log.kind,
  error: placeProblem({ path: socket, group: log.group ?? null }, data),
});

function checkLog(log: LogConfig, data: string, detectFormat: DetectFormat): LogCheck[] {
  if (log.socket !== undefined) return [checkSocket(log, log.socket, data)];
  const pattern = logPattern(log.path);
  const failed = (error: SekishoError): LogCheck[] => [
    { path: log.path, kind: log.kind, format: null, error },
  ];
  try {
    readdirSync(pattern.directory);
  } catch (error) {
    return failed(unreadable(pattern.directory, error));
  }
  const folders = foldersOf(pattern);
  const files = filesIn(folders, pattern);
  const closed = pattern.folders.length > 0 ? closedFolders(folders, pattern) : null;
  const unread = closed === null ? [] : failed(closed);
  if (files.length > 0 || closed !== null)
    return [...unread, ...files.map((path) => checkFile(path, log, detectFormat))];
  const message = pattern.literal ? `${log.path}: there is no such file` : `${log.path}: no file matches`;
  return failed(
    new SekishoError(
      "LOG_MISSING",
      message,
      "correct the path; a log that appears later is found while Sekisho runs",
    ),
  );
}

/** Folders that a glob stands for and that may not be read: one entry for all. */
function closedFolders(folders: readonly string[], { file }: LogPattern): SekishoError | null {
  // Of a file that is named it is told by itself.
  if (file.name !== null) return null;
  const closed = folders.filter((folder) => {
    try {
      accessSync(folder, constants.R_OK | constants.X_OK);
      return false;
    } catch (error) {
      return ["EACCES", "EPERM"].includes(systemCode(error) ?? "");
    }
  });
  const [first] = closed;
  if (first === undefined) return null;
  const more = closed.length > 1 ? `, nor ${closed.length - 1} more that the star stands for` : "";
  return new SekishoError("LOG_UNREADABLE", `no permission to read ${first}${more}`, accessHint(first));
}

function checkFile(path: string, { kind, format }: LogConfig, detectFormat: DetectFormat): LogCheck {
  try {
    const head = firstLines(path, kind);
    if (kind === "audit" || format !== "auto" || head.length === 0) {
      const known = format !== "auto" ? format : kind === "access" ? null : kind;
      return { path, kind, format: known, error: null };
    }
    const detected = detectFormat(head);
    if (kind === "error")
      return { path, kind, format: kind, error: detected === null ? null : accessLines(path) };
    const error = detected !== null ? null : isErrorLog(head) ? errorLines(path) : unknownFormat(path);
    return { path, kind, format: detected, error };
  } catch (error) {
    return { path, kind, format: null, error: unreadable(path, error) };
  }
}

/** Most lines begin as Apache's error log writes them. */
const isErrorLog = (lines: readonly string[]): boolean =>
  lines.filter((line) => /^\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d/.test(line)).length * 2 >
  lines.length;

const errorLines = (path: string): SekishoError =>
  new SekishoError(
    "LOG_FORMAT_INVALID",
    `${path}: its first lines are those of an error log`,
    "add kind: error to its entry under logs:",
  );

const accessLines = (path: string): SekishoError =>
  new SekishoError(
    "LOG_FORMAT_INVALID",
    `${path}: its first lines are those of an access log`,
    "take kind: error out of its entry under logs:",
  );

const unknownFormat = (path: string): SekishoError =>
  new SekishoError(
    "LOG_FORMAT_INVALID",
    `${path}: its first lines have no format that Sekisho knows`,
    "copy the LogFormat string from Apache's configuration to format:, in single quotes",
  );

/** Whole lines at the beginning of the file, one character a byte. */
function firstLines(path: string, kind: SourceKind): string[] {
  const buffer = Buffer.alloc(HEAD_BYTES);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw missing(path);
  const descriptor = openLog(path, stat, kind);
  try {
    const text = buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, HEAD_BYTES, 0));
    return text.split("\n").slice(0, -1);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(path: string, error: unknown): SekishoError {
  if (error instanceof SekishoError) return error;
  switch (systemCode(error)) {
    case "ENOENT":
      return new SekishoError(
        "LOG_MISSING",
        `${path}: there is no such folder`,
        "make it, or correct the path",
        {
          cause: error,
        },
      );
    case "EACCES":
    case "EPERM":
      return new SekishoError("LOG_UNREADABLE", `no permission to read ${path}`, accessHint(path), {
        cause: error,
      });
    default:
      return new SekishoError(
        "LOG_UNREADABLE",
        `${path}: ${messageOf(error)}`,
        "check the path and the disk",
        {
          cause: error,
        },
      );
  }
}

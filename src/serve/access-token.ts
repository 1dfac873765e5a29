import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { asSekishoError, messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { isLoopbackName } from "./request-origin.ts";

/** Visible ASCII, so that it survives a header; 8 is the least that nobody guesses by hand. */
const USABLE = /^[\x21-\x7e]{8,512}$/;

/** What a token must have where other machines can try: as nobody may lock others out, nobody is kept from trying on. */
const LEAST_LENGTH = 24;
const LEAST_DIFFERENT = 6;

const accessTokenPath = (data: string): string => join(data, "token");

/**
 * The daemon's access token: SEKISHO_TOKEN (`given`) where it is set, else what DATA/token holds; the file is made
 * at the first start. Never follows a symbolic link, and takes away what others may read.
 */
export function ensureAccessToken(data: string, given: string | undefined): string {
  if (isGiven(given)) return checkedGiven(given);
  const path = accessTokenPath(data);
  // Two turns: an empty file is one whose writer died between creating and writing it.
  for (let turn = 0; turn < 2; turn++) {
    const created = create(path);
    if (created !== null) return created;
    const held = readHeld(path, true);
    if (held !== null && held !== "") return held;
    if (held === "") unlinkSync(path);
  }
  throw unusable(path, "it keeps vanishing", undefined);
}

/**
 * Throws TOKEN_WEAK for a token that can be guessed from other machines. `hosts`: by which the dashboard is asked for, each
 * without a port or with one.
 */
export function checkAccessToken(token: string, hosts: readonly string[]): void {
  if (hosts.every((host) => isLoopbackName(host) || isLoopbackName(host.replace(/:\d{1,5}$/, "")))) return;
  if (token.length >= LEAST_LENGTH && new Set(token).size >= LEAST_DIFFERENT) return;
  throw new SekishoError(
    "TOKEN_WEAK",
    "the dashboard can be reached from other machines, and its access token can be guessed: " +
      `it has fewer than ${LEAST_LENGTH} characters, or fewer than ${LEAST_DIFFERENT} different ones`,
    "set SEKISHO_TOKEN to what `openssl rand -hex 32` prints, or unset it and remove the file token in the data folder: the next start makes one",
  );
}

/** Why the next start would refuse the token that it finds, for `sekisho check`; null when it would not. Changes nothing. */
export function tokenProblem(
  data: string,
  given: string | undefined,
  hosts: readonly string[],
): SekishoError | null {
  try {
    const token = readAccessToken(data, given);
    if (token !== null) checkAccessToken(token, hosts);
    return null;
  } catch (thrown) {
    const error = asSekishoError(thrown);
    // What is wrong with the data folder is told of that, and its token is for its owner to read.
    return error.code === "DATA_DIRECTORY" ? null : error;
  }
}

/** The token for a client on the same machine; null when no daemon has made one. Changes nothing. */
export function readAccessToken(data: string, given: string | undefined): string | null {
  if (isGiven(given)) return checkedGiven(given);
  return readHeld(accessTokenPath(data), false) || null;
}

const isGiven = (given: string | undefined): given is string => given !== undefined && given !== "";

function checkedGiven(given: string): string {
  if (USABLE.test(given)) return given;
  throw new SekishoError(
    "USAGE",
    "SEKISHO_TOKEN is not usable as a token",
    "set it to 8 or more visible ASCII characters without spaces (openssl rand -hex 32), or unset it",
  );
}

/** Null when the file is there already. */
function create(path: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  } catch (cause) {
    if (systemCode(cause) === "EEXIST") return null;
    throw unusable(path, messageOf(cause), cause);
  }
  try {
    const token = randomBytes(32).toString("base64url");
    // The umask can only have taken rights away; without this an unusual one leaves a file that we cannot read.
    fchmodSync(descriptor, 0o600);
    writeSync(descriptor, `${token}\n`);
    fsyncSync(descriptor);
    return token;
  } catch (cause) {
    unlinkSync(path);
    if (systemCode(cause) === "ENOSPC") {
      throw new SekishoError("DISK_FULL", `no room to write ${path}`, "free some space and start again", {
        cause,
      });
    }
    throw unusable(path, messageOf(cause), cause);
  } finally {
    closeSync(descriptor);
  }
}

/** Null when there is no file, empty text when it is empty. `tighten` also insists that it is ours. */
function readHeld(path: string, tighten: boolean): string | null {
  const descriptor = openHeld(path);
  if (descriptor === null) return null;
  try {
    const held = fstatSync(descriptor);
    if (!held.isFile()) throw unusable(path, "it is not a regular file", undefined);
    if (tighten) {
      const own = process.getuid?.() ?? held.uid;
      // Somebody else's file is a token that somebody else knows.
      if (held.uid !== own && held.uid !== 0) throw unusable(path, "it belongs to another user", undefined);
      if ((held.mode & 0o077) !== 0) fchmodSync(descriptor, 0o600);
    }
    const token = readFileSync(descriptor, "latin1").trim();
    if (token !== "" && !USABLE.test(token)) throw unusable(path, "what it holds is no token", undefined);
    return token;
  } catch (cause) {
    throw cause instanceof SekishoError ? cause : unusable(path, messageOf(cause), cause);
  } finally {
    closeSync(descriptor);
  }
}

function openHeld(path: string): number | null {
  try {
    // O_NONBLOCK: a named pipe in its place must not hang the start.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return null;
    if (systemCode(cause) === "ELOOP") throw unusable(path, "it is a symbolic link", cause);
    throw unusable(path, messageOf(cause), cause);
  }
}

const unusable = (path: string, why: string, cause: unknown): SekishoError =>
  new SekishoError(
    "DATA_DIRECTORY",
    `cannot use the token file ${path}: ${why}`,
    "it must be a regular file of the user that Sekisho runs as; delete it and a new one is made at the next start",
    { cause },
  );

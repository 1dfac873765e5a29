import { closeSync, constants, linkSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { chmod, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import type { Block } from "../model/decision.ts";
import { messageOf, SekishoError, systemCode } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import { banFiles, targetOfBanFile } from "./ban-files.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED } from "./enforcer.ts";
import { nearestFolder } from "./nearest-folder.ts";
import { findWebUser, firstBlocking, passesFolder } from "./web-user.ts";

export interface ApacheDirectoryOptions {
  readonly directory: string;
  /** Whom Apache runs as; default: www-data or apache. */
  readonly user?: string | undefined;
  /** Told once about each thing in the directory that is not ours. */
  readonly onForeign?: (path: string) => void;
}

type Files = ReadonlyMap<Target, readonly string[]>;

/** Files made or removed before other work gets its turn: about 5 ms. */
const SLICE = 256;

/**
 * Blocks by an empty file for each banned address or range (ban-files.ts), which Apache looks for on each request.
 *
 * What it believes to be in the directory (`#held`) is what it read or wrote there last; `verify` reads it again.
 * Ours is a plain file whose name we would write; anything else is left alone and never followed.
 */
export class ApacheDirectory implements Enforcer {
  readonly name = "apache-directory";
  readonly level = "request";
  readonly schedule = null;
  readonly #directory: string;
  readonly #user: string | undefined;
  readonly #onForeign: (path: string) => void;
  readonly #reported = new Set<string>();
  #held: Set<string> | null = null;
  /** A file that we made, which others are hard links to. */
  #model: string | null = null;
  /** Files of the targets of the last set, since most targets stay from one set to the next. */
  #files: Files = new Map();
  #enforced = NOTHING_ENFORCED;

  constructor(options: ApacheDirectoryOptions) {
    this.#directory = options.directory;
    this.#user = options.user;
    this.#onForeign = options.onForeign ?? (() => {});
  }

  async probe(signal: AbortSignal): Promise<void> {
    const folder = await nearestFolder(this.#directory).catch((error: unknown) => {
      throw this.#unwritable(error);
    });
    const user = await findWebUser(this.#user);
    if (user === null) throw noWebUser(this.#user);
    const blocking = await firstBlocking(folder, user);
    const passes = (await passesFolder(user, folder, signal)) ?? blocking === null;
    if (!passes) throw this.#unreachable(user.name, blocking);
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    const files = await this.#read();
    const targets = new Set<Target>();
    for (const file of files) {
      const target = targetOfBanFile(file)!;
      // An IPv6 prefix is blocked only when each of its spellings is.
      if (banFiles(target)!.every((spelling) => files.has(spelling))) targets.add(target);
    }
    return targets;
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const files = filesOf(want, this.#files);
    const drift = verify || this.#held === null ? await this.#verify() : 0;
    const held = this.#held!;
    try {
      await this.#makeEqual(held, files, signal);
    } catch (error) {
      this.#held = null;
      throw systemCode(error) === null ? error : this.#unwritable(error);
    }
    this.#files = files;
    const inForce = new Set<Target>();
    const unenforced: Target[] = [];
    for (const { target } of want) {
      const names = files.get(target);
      if (names?.every((name) => held.has(name))) inForce.add(target);
      else unenforced.push(target);
    }
    this.#enforced = { ...NOTHING_ENFORCED, inForce, unenforced, drift };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  /** Reads the directory into `#held`; returns in how many files it differed from what was believed. */
  async #verify(): Promise<number> {
    await this.#ensureDirectory();
    const believed = this.#held;
    const found = await this.#read();
    this.#held = found;
    return believed === null ? 0 : believed.symmetricDifference(found).size;
  }

  /** Additions first, so that nothing wanted is ever missing because of a removal. */
  async #makeEqual(held: Set<string>, files: Files, signal: AbortSignal): Promise<void> {
    const wanted = new Set<string>();
    for (const names of files.values()) for (const name of names) wanted.add(name);
    let done = 0;
    const turn = async (): Promise<void> => {
      if (++done % SLICE !== 0) return;
      await breathe();
      signal.throwIfAborted();
    };
    const add = async (): Promise<void> => {
      for (const name of wanted) {
        if (held.has(name)) continue;
        if (this.#create(name)) held.add(name);
        await turn();
      }
    };
    const remove = async (mayGo: (name: string) => boolean): Promise<void> => {
      for (const name of held) {
        if (wanted.has(name) || !mayGo(name)) continue;
        this.#remove(name);
        held.delete(name);
        await turn();
      }
    };
    try {
      await add();
    } catch (error) {
      // On a full disk too whoever is let in gets in; but no block goes that a wider one was to take the place of.
      const asked = new TargetSet(files.keys());
      if (!signal.aborted) await remove((name) => asked.covering(targetOfBanFile(name)!) === null);
      throw error;
    }
    await remove(() => true);
  }

  /** False when something that is not ours has the name. */
  #create(name: string): boolean {
    const path = join(this.#directory, name);
    try {
      if (!this.#link(path)) {
        closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o644));
        this.#model = path;
      }
      return true;
    } catch (error) {
      if (systemCode(error) !== "EEXIST") throw error;
      if (lstatSync(path).isFile()) return true;
      this.#report(name);
      return false;
    }
  }

  /**
   * One more name of a file takes a sixth of the time of one more file on ext4, and no inode. False where that cannot be: the
   * file was removed, has as many names as the file system allows (65,000), or there are no links.
   */
  #link(path: string): boolean {
    if (this.#model === null) return false;
    try {
      linkSync(this.#model, path);
      return true;
    } catch (error) {
      if (systemCode(error) === "EEXIST") throw error;
      this.#model = null;
      return false;
    }
  }

  #remove(name: string): void {
    try {
      unlinkSync(join(this.#directory, name));
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }

  /** Our files. A directory that does not exist holds none. */
  async #read(): Promise<Set<string>> {
    const ours = new Set<string>();
    try {
      for (const entry of await readdir(this.#directory, { withFileTypes: true })) {
        if (entry.isFile() && targetOfBanFile(entry.name) !== null) ours.add(entry.name);
        else this.#report(entry.name);
      }
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw this.#unwritable(error);
    }
    return ours;
  }

  #report(name: string): void {
    if (this.#reported.has(name)) return;
    this.#reported.add(name);
    this.#onForeign(join(this.#directory, name));
  }

  /** Mode 0711: Apache needs to find a name in it, nobody needs to list whom we ban. */
  async #ensureDirectory(): Promise<void> {
    try {
      const parent = resolve(this.#directory, "..");
      const made = await mkdir(parent, { recursive: true });
      // Apache has to pass what we made, whatever our umask is.
      for (let folder = parent; made !== undefined && folder.length >= made.length; folder = dirname(folder))
        await chmod(folder, 0o755);
      await mkdir(this.#directory);
      await chmod(this.#directory, 0o711);
    } catch (error) {
      const isThere = systemCode(error) === "EEXIST" && (await stat(this.#directory)).isDirectory();
      if (!isThere) throw this.#unwritable(error);
    }
  }

  #unwritable(cause: unknown): SekishoError {
    return new SekishoError(
      "BAN_DIRECTORY_UNWRITABLE",
      `cannot write bans into ${this.#directory}: ${messageOf(cause)}`,
      `let the user that runs Sekisho write there, or set enforcers.apache-directory.directory to another folder`,
      { cause },
    );
  }

  #unreachable(user: string, blocking: string | null): SekishoError {
    const where = blocking === null ? "" : `: '${user}' may not pass ${blocking}`;
    return new SekishoError(
      "BAN_DIRECTORY_UNREACHABLE",
      `Apache cannot see the bans in ${this.#directory}, so nobody would be blocked${where}`,
      "use enforcers.apache-directory.directory: /run/sekisho/banned" +
        (blocking === null ? "" : `, or let others pass the folder (chmod o+x ${blocking})`),
    );
  }
}

function noWebUser(configured: string | undefined): SekishoError {
  const looked = configured === undefined ? "neither 'www-data' nor 'apache'" : `no user '${configured}'`;
  return new SekishoError(
    "BAN_DIRECTORY_UNREACHABLE",
    `cannot tell whether Apache sees the bans: ${looked} is in /etc/passwd`,
    "set enforcers.apache-directory.user to the user that Apache runs as",
  );
}

function filesOf(want: readonly Block[], known: Files): Files {
  const files = new Map<Target, readonly string[]>();
  for (const { target } of want) {
    const names = known.get(target) ?? banFiles(target);
    if (names !== null) files.set(target, names);
  }
  return files;
}

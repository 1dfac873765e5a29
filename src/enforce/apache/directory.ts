import { closeSync, constants, type Dirent, linkSync, lstatSync, openSync, unlinkSync } from "node:fs";
import { chmod, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setImmediate as breathe } from "node:timers/promises";
import { changedBlocks } from "../../model/block-changes.ts";
import type { Block } from "../../model/decision.ts";
import { messageOf, systemCode } from "../../model/errors.ts";
import { type Target, TargetSet } from "../../model/ip.ts";
import { Ahead } from "../ahead.ts";
import { type Enforced, type Enforcer, NOTHING_ENFORCED, type Proven } from "../enforcer.ts";
import { nearestFolder } from "../nearest-folder.ts";
import { banFiles, isSpread, targetOfBanFile } from "./ban-files.ts";
import { DIRECTORY_CANARY } from "./canary.ts";
import { noWebUser, unreachable, unwritable } from "./directory-errors.ts";
import { notRefused } from "./not-refused.ts";
import type { ApacheRequests } from "./requests.ts";
import { findWebUser, firstBlocking, passesFolder } from "./web-user.ts";

export interface ApacheDirectoryOptions {
  readonly directory: string;
  /** Whom Apache runs as; default: www-data or apache. */
  readonly user?: string | undefined;
  /** Asks Apache whether it refuses who has a file; null: nobody asks. */
  readonly requests?: ApacheRequests | null;
}

/** Null: it would take too many. */
type Files = ReadonlyMap<Target, readonly string[] | null>;

/** Files made or removed before other work gets its turn: about 5 ms. */
const SLICE = 256;

/**
 * Blocks by an empty file for each banned address or range (ban-files.ts), which Apache looks for on each request.
 *
 * What it believes to be in the directory (`#held`) is what it read or wrote there last; `verify` reads it again.
 * Ours is an empty plain file whose name we would write; anything else is left alone and never followed.
 */
export class ApacheDirectory implements Enforcer {
  readonly name = "apache-directory";
  readonly level = "request";
  readonly schedule = null;
  readonly #directory: string;
  readonly #user: string | undefined;
  readonly #requests: ApacheRequests | null;
  #held: Set<string> | null = null;
  readonly #ahead = new Ahead<Dirent[]>();
  /** A file that we made, which others are hard links to. */
  #model: string | null = null;
  /** What `#held` was made equal to last; null before the first look, and after a failure. */
  #asked: readonly Block[] | null = null;
  #inForce = new Set<Target>();
  #unenforced = new Set<Target>();
  /** Of both those that share files with others. */
  #spread = new TargetSet();
  /** Files with names of ours that are not ours, at the last look. */
  #foreign: readonly string[] = [];
  #enforced = NOTHING_ENFORCED;

  constructor(options: ApacheDirectoryOptions) {
    this.#directory = options.directory;
    this.#user = options.user;
    this.#requests = options.requests ?? null;
  }

  async probe(signal: AbortSignal): Promise<void> {
    const folder = await nearestFolder(this.#directory).catch((error: unknown) => {
      throw unwritable(this.#directory, error);
    });
    const user = await findWebUser(this.#user);
    if (user === null) throw noWebUser(this.#user);
    const blocking = await firstBlocking(folder, user);
    const passes = (await passesFolder(user, folder, signal)) ?? blocking === null;
    if (!passes) throw unreachable(this.#directory, user.name, blocking);
  }

  lookAhead(): void {
    this.#ahead.begin(this.#list());
  }

  async blocked(): Promise<ReadonlySet<Target>> {
    const files = await this.#read(new Set());
    const targets = new Set<Target>();
    for (const file of files) {
      const target = targetOfBanFile(file)!;
      // An IPv6 prefix is blocked only when each of its spellings is.
      if (banFiles(target)!.every((spelling) => files.has(spelling))) targets.add(target);
    }
    return targets;
  }

  async reconcile(want: readonly Block[], verify: boolean, signal: AbortSignal): Promise<Enforced> {
    const [held, asked] = [this.#held, this.#asked];
    this.#asked = null;
    // A copy: whoever asks may go on with the same list.
    const wanted = want.slice();
    let drift = 0;
    try {
      if (verify || asked === null || held === null) drift = await this.#look(wanted, signal);
      else await this.#follow(held, asked, wanted, signal);
    } catch (error) {
      this.#held = null;
      throw systemCode(error) === null ? error : unwritable(this.#directory, error);
    }
    this.#asked = wanted;
    const [inForce, unenforced] = [this.#inForce, [...this.#unenforced]];
    this.#enforced = { ...NOTHING_ENFORCED, inForce, unenforced, drift };
    return this.#enforced;
  }

  async apply(): Promise<Enforced> {
    return this.#enforced;
  }

  /** Apache refuses these clients all the same. */
  note(): string | null {
    const [first, ...others] = this.#foreign;
    if (first === undefined) return null;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    return `files that are not empty are not Sekisho's, and stay: ${first}${more}`;
  }

  /** With a file for one of our own addresses, which is there for this moment only and which nothing else here knows. */
  async prove(signal: AbortSignal): Promise<Proven | null> {
    if (this.#requests === null) return null;
    const path = join(this.#directory, DIRECTORY_CANARY);
    try {
      await rm(path, { force: true });
      await writeFile(path, "", { mode: 0o644, flag: "wx" });
    } catch (error) {
      return { kind: "unknown", why: messageOf(error) };
    }
    try {
      const asked = await this.#requests.isRefused(DIRECTORY_CANARY, signal);
      return asked.kind === "passed"
        ? { kind: "passed", error: notRefused(`the ban directory ${this.#directory}`, asked.where) }
        : asked;
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Reads the directory and makes it as wanted; returns in how many files it differed from what was believed. */
  async #look(want: readonly Block[], signal: AbortSignal): Promise<number> {
    await this.#ensureDirectory();
    const files = new Map(want.map(({ target }) => [target, banFiles(target)]));
    const wanted = new Set<string>();
    for (const names of files.values()) for (const name of names ?? []) wanted.add(name);
    const believed = this.#held;
    const held = await this.#read(wanted);
    this.#held = held;
    this.#inForce = new Set();
    this.#unenforced = new Set();
    this.#spread = new TargetSet();
    const drift = believed === null ? 0 : believed.symmetricDifference(held).size;
    await this.#makeEqual(held, files, held.difference(wanted), want, signal);
    return drift;
  }

  /** Makes of the directory that was as `asked` one that is as wanted, without looking at what is in both. */
  async #follow(
    held: Set<string>,
    asked: readonly Block[],
    want: readonly Block[],
    signal: AbortSignal,
  ): Promise<void> {
    const { gone, come } = changedBlocks(asked, want);
    for (const target of gone.keys()) {
      this.#inForce.delete(target);
      this.#unenforced.delete(target);
      this.#spread.delete(target);
    }
    // What is in the way of some may have gone.
    const missing = [...come.keys(), ...this.#unenforced].filter((target) => !this.#inForce.has(target));
    const files = new Map(missing.map((target) => [target, banFiles(target)]));
    await this.#makeEqual(held, files, this.#stale(held, gone.keys()), want, signal);
  }

  /** Files of these that no other target needs. */
  *#stale(held: ReadonlySet<string>, gone: Iterable<Target>): Generator<string> {
    for (const target of gone) {
      // Its files are its own then, and need not be looked into.
      const isAlone = this.#spread.size === 0 && !isSpread(target);
      for (const name of banFiles(target) ?? [])
        if (held.has(name) && (isAlone || !this.#isNeeded(name))) yield name;
    }
  }

  #isNeeded(name: string): boolean {
    const target = targetOfBanFile(name)!;
    if (this.#inForce.has(target) || this.#unenforced.has(target)) return true;
    return this.#spread.allCovering(target).some((range) => banFiles(range)!.includes(name));
  }

  /** Additions first, so that nothing wanted is ever missing because of a removal. */
  async #makeEqual(
    held: Set<string>,
    files: Files,
    stale: Iterable<string>,
    want: readonly Block[],
    signal: AbortSignal,
  ): Promise<void> {
    let done = 0;
    const turn = async (): Promise<void> => {
      if (++done % SLICE !== 0) return;
      await breathe();
      signal.throwIfAborted();
    };
    const remove = async (mayGo: (name: string) => boolean): Promise<void> => {
      for (const name of stale) {
        if (!mayGo(name)) continue;
        this.#remove(name);
        held.delete(name);
        await turn();
      }
    };
    try {
      await this.#add(held, files, turn);
    } catch (error) {
      // On a full disk too whoever is let in gets in; but no block goes that a wider one was to take the place of.
      const asked = new TargetSet(want.map(({ target }) => target));
      if (!signal.aborted) await remove((name) => asked.covering(targetOfBanFile(name)!) === null);
      throw error;
    }
    await remove(() => true);
  }

  async #add(held: Set<string>, files: Files, turn: () => Promise<void>): Promise<void> {
    for (const [target, names] of files) {
      for (const name of names ?? []) {
        if (held.has(name)) continue;
        if (this.#create(name)) held.add(name);
        await turn();
      }
      const isInForce = names?.every((name) => held.has(name)) === true;
      if (isInForce) this.#unenforced.delete(target);
      (isInForce ? this.#inForce : this.#unenforced).add(target);
      if (names !== null && isSpread(target)) this.#spread.add(target);
    }
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
      return lstatSync(path).isFile();
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

  /** What is in it, somebody else has written. */
  #isEmpty(name: string): boolean {
    return lstatSync(join(this.#directory, name), { throwIfNoEntry: false })?.size === 0;
  }

  #remove(name: string): void {
    if (!this.#isEmpty(name)) return;
    try {
      unlinkSync(join(this.#directory, name));
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }

  #list(): Promise<Dirent[]> {
    return readdir(this.#directory, { withFileTypes: true });
  }

  /** Our files, of which these are `known` to be ours by their names. A directory that does not exist holds none. */
  async #read(known: ReadonlySet<string>): Promise<Set<string>> {
    const ours = new Set<string>();
    const foreign: string[] = [];
    const listing = this.#ahead.take() ?? this.#list();
    try {
      for (const entry of await listing) {
        // Of a proof that runs just now, or that a kill broke off.
        if (entry.name === DIRECTORY_CANARY) continue;
        if (!entry.isFile()) continue;
        // To look at each that is wanted would take a start with 100,000 too long.
        if (known.has(entry.name)) ours.add(entry.name);
        else if (targetOfBanFile(entry.name) === null) continue;
        else if (this.#isEmpty(entry.name)) ours.add(entry.name);
        else foreign.push(entry.name);
      }
      this.#foreign = foreign;
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw unwritable(this.#directory, error);
    }
    return ours;
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
      if (!isThere) throw unwritable(this.#directory, error);
    }
  }
}

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Block } from "../../model/decision.ts";
import { messageOf, SekishoError, systemCode } from "../../model/errors.ts";
import type { GenerationChanges, GenerationItem } from "../../model/generation.ts";
import { parseTarget, type Target, TargetSet } from "../../model/ip.ts";
import { textOf } from "../text-of.ts";
import { type IncludeFile, makeFolder, parseInclude, targetsIn } from "./include-file.ts";

/** What the include is kept to until a person goes on. */
export interface Hold {
  readonly generation: number;
  /** RFC 3339. */
  readonly since: string;
  /** Why it was put back; null: a person went back to it. */
  readonly cause: string | null;
  readonly targets: readonly Target[];
}

interface Kept {
  readonly number: number;
  readonly at: string | null;
  readonly targets: ReadonlySet<Target>;
}

/**
 * Generations of the include that Apache ran with, and which of them it is kept to:
 *
 *     FILE.generations/17   the whole file of generation 17; the newest ones are kept, and one that is held
 *     FILE.held             what it is kept to, as JSON; there only while it is
 */
export class IncludeGenerations {
  readonly #file: IncludeFile;
  readonly #keep: number;
  readonly #folder: string;
  readonly #heldFile: string;

  constructor(file: IncludeFile, keep: number) {
    this.#file = file;
    this.#keep = keep;
    this.#folder = `${file.path}.generations`;
    this.#heldFile = `${file.path}.held`;
  }

  /** The number of the next one to be written; larger than any that is known. */
  async next(): Promise<number> {
    const written = await Promise.all(
      [this.#file.path, this.#file.applied].map((path) => this.#file.heading(path)),
    );
    return 1 + Math.max(0, ...written.map(({ generation }) => generation), ...(await this.#numbers()));
  }

  /**
   * Keeps this file, with which Apache runs or ran, and as many before it as there is room for. A disk that is full keeps nobody from
   * reloading: then this one is missing until the next full look.
   */
  async keep(path = this.#file.applied): Promise<void> {
    const { generation } = await this.#file.heading(path);
    const known = await this.#numbers();
    if (generation > 0 && !known.includes(generation)) {
      await this.#keepAs(generation, path);
      known.push(generation);
    }
    const held = (await this.held())?.generation;
    const old = known.slice(0, Math.max(0, known.length - this.#keep));
    for (const number of old) if (number !== held) await rm(this.#pathOf(number), { force: true });
  }

  async #keepAs(generation: number, path: string): Promise<void> {
    try {
      // Whom we ban and have banned is nobody else's business.
      await makeFolder(this.#folder);
      await this.#file.keep(path, this.#pathOf(generation));
    } catch (error) {
      const cause = error instanceof SekishoError ? error.cause : error;
      if (!["ENOSPC", "EDQUOT"].includes(systemCode(cause) ?? "")) throw error;
    }
  }

  /** Newest first: what waits, what is in force, and what was. */
  async list(): Promise<GenerationItem[]> {
    const all = await this.#all();
    return all.items.map((kept, at) => itemOf(kept, all.items[at + 1], all));
  }

  async changes(number: number): Promise<GenerationChanges> {
    const all = await this.#all();
    const at = all.items.findIndex((kept) => kept.number === number);
    const [kept, before] = [all.items[at], all.items[at + 1]];
    if (kept === undefined) throw unknownGeneration(number);
    const { added, removed } = difference(kept, before);
    return { ...itemOf(kept, before, all), addedTargets: [...added], removedTargets: [...removed] };
  }

  /** Throws NOT_FOUND. */
  async targetsOf(number: number): Promise<readonly Target[]> {
    const kept = await this.#read(this.#pathOf(number), number);
    if (kept === null) throw unknownGeneration(number);
    return [...kept.targets];
  }

  async hold(hold: Hold): Promise<void> {
    await this.#file.replace(this.#heldFile, `${JSON.stringify(hold)}\n`, true);
  }

  /** False when it was not held. */
  async release(): Promise<boolean> {
    const isHeld = (await this.held()) !== null;
    await rm(this.#heldFile, { force: true });
    return isHeld;
  }

  async held(): Promise<Hold | null> {
    const text = await this.#text(this.#heldFile);
    if (text === null) return null;
    try {
      const { generation, since, cause, targets } = JSON.parse(text) as Hold;
      const known = targets.map((target) => parseTarget(target)).filter((target) => target !== null);
      return { generation: Number(generation), since: String(since), cause, targets: known };
    } catch (error) {
      throw this.#unreadable(this.#heldFile, error);
    }
  }

  readonly #pathOf = (number: number): string => join(this.#folder, String(number));

  /** Of those that are kept, oldest first. */
  async #numbers(): Promise<number[]> {
    try {
      const names = await readdir(this.#folder);
      return names
        .filter((name) => /^[1-9]\d{0,14}$/.test(name))
        .map(Number)
        .sort((a, b) => a - b);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return [];
      throw this.#unreadable(this.#folder, error);
    }
  }

  async #all() {
    const [written, running] = await Promise.all(
      [this.#file.path, this.#file.applied].map((path) => this.#file.heading(path)),
    );
    const waits = (await this.#file.read(this.#file.path)) !== (await this.#file.read(this.#file.applied));
    const items: Kept[] = [];
    for (const number of await this.#numbers()) {
      const kept = await this.#read(this.#pathOf(number), number);
      if (kept !== null) items.unshift(kept);
    }
    const waiting = waits && written!.generation > 0 ? written!.generation : null;
    if (waiting !== null && !items.some(({ number }) => number === waiting))
      items.unshift((await this.#read(this.#file.path, waiting))!);
    return { items, running: running!.generation, waiting };
  }

  /** Null when it is not there, or is not ours. */
  async #read(path: string, number: number): Promise<Kept | null> {
    const text = await this.#text(path);
    const parsed = text === null ? null : parseInclude(text);
    return parsed === null ? null : { number, at: parsed.at, targets: targetsIn(parsed.lines) };
  }

  async #text(path: string): Promise<string | null> {
    try {
      return await textOf(path);
    } catch (error) {
      throw this.#unreadable(path, error);
    }
  }

  #unreadable(path: string, cause: unknown): SekishoError {
    return new SekishoError(
      "INCLUDE_UNWRITABLE",
      `cannot read ${path}: ${messageOf(cause)}`,
      "let the user that runs Sekisho read it, or remove it; what was held there goes on then",
      { cause },
    );
  }
}

/** Nobody: what Apache ran with before the first list. */
const NOTHING: Kept = { number: 0, at: null, targets: new Set() };

function itemOf(
  kept: Kept,
  before: Kept | undefined,
  { running, waiting }: { readonly running: number; readonly waiting: number | null },
): GenerationItem {
  const { added, removed } = difference(kept, before);
  const state = kept.number === waiting ? "waiting" : kept.number === running ? "in-force" : "former";
  return {
    number: kept.number,
    at: kept.at,
    state,
    targets: kept.targets.size,
    added: added.size,
    removed: removed.size,
  };
}

const difference = ({ targets }: Kept, before: Kept = NOTHING) => ({
  added: targets.difference(before.targets),
  removed: before.targets.difference(targets),
});

/**
 * What is wanted and may be blocked: who was blocked in the held generation, and is still to be. Nobody who was let in since is ever
 * blocked again by going back, and no block is wider than it was then.
 */
export function withinHold(
  want: readonly Block[],
  { targets }: Pick<Hold, "targets">,
): { readonly allowed: readonly Block[]; readonly heldBack: readonly Target[] } {
  const held = new TargetSet(targets);
  const allowed: Block[] = [];
  const heldBack: Target[] = [];
  const wider = new Map<Target, Block>();
  for (const block of want) {
    if (held.covering(block.target) !== null) allowed.push(block);
    else heldBack.push(block.target);
    if (held.overlapping(block.target) !== null) wider.set(block.target, block);
  }
  // A range that took the place of what was blocked one by one leaves just that blocked.
  const named = new Set(allowed.map(({ target }) => target));
  const wanted = new TargetSet(wider.keys());
  for (const target of targets) {
    const by = named.has(target) ? null : wanted.covering(target);
    if (by !== null) allowed.push({ ...wider.get(by)!, target });
  }
  return { allowed, heldBack };
}

const unknownGeneration = (number: number): SekishoError =>
  new SekishoError(
    "NOT_FOUND",
    `no generation ${number} is kept`,
    "sekisho apache generations shows those that are",
  );

import type { ListStatus } from "../model/api.ts";
import type { Block } from "../model/decision.ts";
import type { SekishoError } from "../model/errors.ts";
import { type Target, TargetSet } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import { NO_TARGETS, type PackedNetworks, PackedTargets } from "../model/packed-targets.ts";
import type { Clock, UnixMs } from "../model/time.ts";
import { ImportedList, type ListCheck, type ListKind, type ListSettings } from "./imported-list.ts";
import type { OwnPlaces } from "./own-and-private.ts";
import { NO_REACH, type Reach, reachOf, together } from "./reach.ts";

const RETRY_MS = 15 * 60_000;

export interface ListsOptions {
  readonly settings: readonly ListSettings[];
  /** Keeps the last good copies. */
  readonly folder: string;
  readonly clock: Clock;
  /** Asked at each fetch. */
  readonly own: () => OwnPlaces;
}

/** What lists mean for those who judge what the log tells. */
export interface ListedTargets {
  /** Whom enforcers refuse: that they are refused is no deed. */
  readonly blocked: PackedNetworks;
  /** Never banned. */
  readonly allowed: readonly Target[];
}

export interface ListedEntry {
  readonly list: string;
  readonly kind: ListKind;
  readonly target: Target;
}

/** Imported lists: what they ask enforcers to block beside the bans, and whom they never let be banned. */
export class Lists implements Disposable {
  readonly #lists: readonly ImportedList[];
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  /** The lists whose entries held when `blocks` were put together. */
  #built = "";
  #retry: NodeJS.Timeout | null = null;
  /** Another one: what lists ask for changed. */
  version = 0;
  /** Those whose entries enforcers refuse. */
  #blocking: readonly ImportedList[] = [];
  #blocks: readonly Block[] | null = null;
  /** All entries of these. */
  blocked = NO_TARGETS;
  allowed = new TargetSet();
  /** Told when what lists ask for, or a problem of one, changed. */
  changed: (what: "entries" | "status") => void = () => {};

  private constructor({ settings, folder, clock, own }: ListsOptions) {
    this.#clock = clock;
    this.#lists = settings.map((each) => {
      const list: ImportedList = new ImportedList(each, folder, clock, {
        own,
        others: () => this.#reachBeside(list),
      });
      return list;
    });
  }

  /** With the last good copies, so that nothing is lifted by a restart. */
  static async load(options: ListsOptions): Promise<Lists> {
    const lists = new Lists(options);
    for (const list of lists.#lists) await list.load();
    lists.#rebuild();
    return lists;
  }

  /** Looks at each without a network, one after the other, since what they have together counts. */
  static async check(options: ListsOptions, signal: AbortSignal): Promise<ListCheck[]> {
    const checks: ListCheck[] = [];
    for (const list of new Lists(options).#lists) checks.push(await list.check(signal));
    return checks;
  }

  #reachBeside(list: ImportedList): Reach {
    return this.#lists
      .filter((other) => other !== list && other.settings.kind === list.settings.kind)
      .map(({ targets }) => reachOf(targets))
      .reduce(together, NO_REACH);
  }

  [Symbol.dispose](): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#ending.abort();
  }

  get settings(): readonly ListSettings[] {
    return this.#lists.map(({ settings }) => settings);
  }

  /** Fetches one list. What is wrong with it is its problem, and not thrown. */
  async refresh(name: string): Promise<void> {
    await this.#refresh(this.#lists.filter(({ settings }) => settings.name === name));
  }

  /** Fetches what is not known to be as young as this, one after the other, so that only one needs memory. */
  async refreshOlderThan(age: number): Promise<void> {
    const now = this.#clock.now();
    // Either way: what was fetched by a clock that was ahead is not young until then.
    const isOld = (fetchedAt: UnixMs | null) => fetchedAt === null || Math.abs(now - fetchedAt) >= age;
    await this.#refresh(this.#lists.filter(({ fetchedAt }) => isOld(fetchedAt)));
  }

  async #refresh(lists: readonly ImportedList[]): Promise<void> {
    for (const list of lists) {
      const changed = await list.refresh(this.#ending.signal);
      if (this.#ending.signal.aborted) return;
      const isNew = changed || names(this.#holding()) !== this.#built;
      if (isNew) this.#rebuild();
      this.changed(isNew ? "entries" : "status");
    }
    this.#retrySoon();
  }

  /** A source that is away is not waited for until the schedule: it may be the network that was not there at the start. */
  #retrySoon(): void {
    const failed = this.#lists.filter(({ problem }) => problem !== null);
    if (failed.length === 0 || this.#retry !== null) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      void this.#refresh(failed.filter(({ problem }) => problem !== null));
    }, RETRY_MS).unref();
  }

  /** The lists whose entries hold. */
  #holding(): ImportedList[] {
    const now = this.#clock.now();
    return this.#lists.filter(({ until }) => now < until);
  }

  #rebuild(): void {
    const holding = this.#holding();
    this.#built = names(holding);
    this.#blocking = holding
      .filter(({ settings }) => settings.kind === "block")
      // What is in two of them is asked for by the one that holds longer.
      .sort((one, other) => (one.until === other.until ? 0 : one.until < other.until ? 1 : -1));
    const [only] = this.#blocking;
    this.blocked =
      only !== undefined && this.#blocking.length === 1
        ? only.targets
        : PackedTargets.of(chained(this.#blocking.map(({ targets }) => targets)));
    this.#blocks = null;
    const allowing = holding.filter(({ settings }) => settings.kind === "allow");
    this.allowed = new TargetSet(chained(allowing.map(({ targets }) => targets)));
    this.version++;
  }

  /** Each target once, with the latest end. Made when it is asked for: in observe mode nobody does. */
  get blocks(): readonly Block[] {
    if (this.#blocks !== null) return this.#blocks;
    const blocks: Block[] = [];
    for (const [at, { settings, targets, until }] of this.#blocking.entries()) {
      const earlier = this.#blocking.slice(0, at);
      for (const target of targets) {
        if (earlier.some((list) => list.targets.has(target))) continue;
        // Detached: text that was put together keeps its pieces, three times as much.
        blocks.push({ target: detached(target) as Target, until, list: settings.name });
      }
    }
    this.#blocks = blocks;
    return blocks;
  }

  forJudges(): ListedTargets {
    return { blocked: this.blocked.packed, allowed: [...this.allowed] };
  }

  /** Which lists have an entry that shares an address with the target, and one such entry of each. */
  touching(target: Target): ListedEntry[] {
    return this.#holding().flatMap(({ settings: { name, kind }, targets }) => {
      const [entry] = targets.touching(target);
      return entry === undefined ? [] : [{ list: name, kind, target: entry }];
    });
  }

  /** Each with the name of its list, since several may have the same one. */
  problems(): (Pick<SekishoError, "code" | "message" | "hint"> & { readonly path: string })[] {
    return this.#lists.flatMap(({ settings: { name: path }, problem }) =>
      problem === null ? [] : [{ code: problem.code, message: problem.message, hint: problem.hint, path }],
    );
  }

  /** How many of these entries each blocklist has. */
  countsOf(entries: ReadonlySet<Target>): Map<string, number> {
    return new Map(
      this.#blocking.map(({ settings, targets }) => {
        let count = 0;
        for (const entry of entries) if (targets.has(entry)) count++;
        return [settings.name, count];
      }),
    );
  }

  /** `spared`: how many entries of each list would hit somebody who is never banned. */
  statuses(
    spared: ReadonlyMap<string, number>,
    nextFetch: (name: string) => UnixMs | undefined,
  ): ListStatus[] {
    return this.#lists.map((list) => {
      const { name } = list.settings;
      return { ...list.status(nextFetch(name) ?? null), spared: spared.get(name) ?? 0 };
    });
  }
}

const names = (lists: readonly ImportedList[]): string => lists.map(({ settings }) => settings.name).join();

function* chained(all: readonly Iterable<Target>[]): Generator<Target> {
  for (const each of all) yield* each;
}

import { failure } from "../download/download.ts";
import type { ListStatus } from "../model/api.ts";
import { messageOf, SekishoError } from "../model/errors.ts";
import { NO_TARGETS } from "../model/packed-targets.ts";
import { type Clock, type DurationMs, later, NEVER, PERMANENT, toIso, type UnixMs } from "../model/time.ts";
import { isWebAddress } from "../model/web-address.ts";
import { NoColumn } from "./columns.ts";
import { type CopyAbout, hasCopy, readCopy, touchCopy, writeCopy } from "./copy.ts";
import { type Reading, type ReadingRules, readEntries } from "./entries.ts";
import { OwnAndPrivate, type OwnPlaces } from "./own-and-private.ts";
import { type Reach, reachOf, whyTooMuch } from "./reach.ts";
import { fetchSource, shownSource } from "./source.ts";

export type ListKind = "block" | "allow";

export interface ListSettings extends ReadingRules {
  readonly name: string;
  readonly kind: ListKind;
  /** An address or an absolute path. */
  readonly from: string;
  readonly schedule: string;
  /** How long entries hold after the list was fetched last; permanent: as long as there is a copy. */
  readonly keep: DurationMs;
  /** So many times the entries of the last good copy are too many. */
  readonly growth: number;
  /** What becomes of a list that blocks and covers own or private ranges: refused as a whole, or taken without those entries. */
  readonly ownAndPrivate: "refuse" | "leave-out";
}

/** What a list is looked at beside. */
export interface Surroundings {
  /** What no list that blocks may cover, as it is now. */
  readonly own: () => OwnPlaces;
  /** What the other lists of its kind have. */
  readonly others: () => Reach;
}

/** What `sekisho check` finds. */
export interface ListCheck extends ListStatus {
  /** Of what is at an address the last good copy; `unfit`: it is of another source, damaged or not to be read. Null: it is a file. */
  readonly copy: "good" | "unfit" | "none" | null;
  /** What is in the way of taking it. */
  readonly problem: SekishoError | null;
}
const NOT_FETCHED = { fetchedAt: 0 };

/** A list that is still short may grow by any factor. */
const SHORT_LIST = 1_000;

/**
 * One list: its entries, which are those of the last good copy, and what is wrong with its source.
 *
 *     no copy ── load, fetch ──▶ entries ── fetch: the same ──▶ entries, fetched now
 *                                  │ fetch: another text that is good ──▶ new entries
 *                                  └ fetch: away or refused ──▶ the same entries, and a problem
 */
export class ImportedList {
  readonly settings: ListSettings;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #surroundings: Surroundings;
  readonly #source: string;
  targets = NO_TARGETS;
  #about: CopyAbout | null = null;
  #triedAt: UnixMs | null = null;
  problem: SekishoError | null = null;
  #underWay: Promise<boolean> | null = null;

  /** `folder` keeps the copies. */
  constructor(settings: ListSettings, folder: string, clock: Clock, surroundings: Surroundings) {
    this.settings = settings;
    this.#folder = folder;
    this.#clock = clock;
    this.#surroundings = surroundings;
    const { from, kind, format, column, separator } = settings;
    this.#source = JSON.stringify({ from, kind, format, column, separator });
  }

  /** Takes the last good copy, if there is one. */
  async load(): Promise<void> {
    const { name, max } = this.settings;
    const copy = await readCopy(this.#folder, name, { source: this.#source, max });
    if (copy === null) return;
    const why = whyTooMuch(reachOf(copy.targets), this.#surroundings.others());
    if (why !== null) {
      this.problem = this.#refused(why);
      return;
    }
    this.#about = copy.about;
    this.targets = copy.targets;
  }

  get #unwanted(): OwnAndPrivate | null {
    return this.settings.kind === "block" ? new OwnAndPrivate(this.#surroundings.own()) : null;
  }

  /** What the source may answer that it still has; null where the copy would be refused by now, so that the lines are told. */
  get #known(): CopyAbout | null {
    const unwanted = this.settings.ownAndPrivate === "refuse" ? this.#unwanted : null;
    if (this.#about === null || unwanted === null) return this.#about;
    return this.#about.refused > 0 || unwanted.isTouchedBy(this.targets) ? null : this.#about;
  }

  get fetchedAt(): UnixMs | null {
    return this.#about === null ? null : (this.#about.fetchedAt as UnixMs);
  }

  /** When its entries hold no longer unless it is fetched again. */
  get until(): UnixMs {
    const { keep } = this.settings;
    const { fetchedAt } = this;
    return keep === PERMANENT || fetchedAt === null ? NEVER : later(fetchedAt, keep);
  }

  /** Fetches it. Never throws: what is wrong is the list's problem. True when its entries or their end changed. */
  refresh(signal: AbortSignal): Promise<boolean> {
    this.#underWay ??= this.#refresh(signal).finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  async #refresh(signal: AbortSignal): Promise<boolean> {
    const at = this.#clock.now();
    try {
      const fetched = await fetchSource(this.settings.from, this.#known, signal);
      const changed =
        fetched.kind === "unchanged"
          ? await this.#stillGood(at)
          : await this.#take(await this.#read(fetched.bytes, signal), {
              ...fetched.validators,
              fetchedAt: at,
            });
      this.#triedAt = at;
      return changed;
    } catch (error) {
      if (signal.aborted) return false;
      this.#triedAt = at;
      this.problem = error instanceof SekishoError ? error : this.#unavailable(error);
      return false;
    }
  }

  /**
   * What a fetch would make of it, without a network and without keeping anything: a file is read, of what is at an address
   * the last good copy is looked at.
   */
  async check(signal: AbortSignal): Promise<ListCheck> {
    await this.load();
    if (isWebAddress(this.settings.from)) {
      const { problem } = this;
      const isGood = this.#about !== null || problem !== null;
      const copy = isGood ? "good" : hasCopy(this.#folder, this.settings.name) ? "unfit" : "none";
      return { ...this.status(null), spared: 0, copy, problem };
    }
    try {
      const fetched = await fetchSource(this.settings.from, null, signal);
      if (fetched.kind === "new") this.#accept(await this.#read(fetched.bytes, signal), NOT_FETCHED);
    } catch (error) {
      this.problem = error instanceof SekishoError ? error : this.#unreadable(error);
    }
    return {
      ...this.status(null),
      spared: 0,
      fetchedAt: null,
      until: null,
      copy: null,
      problem: this.problem,
    };
  }

  async #stillGood(fetchedAt: UnixMs): Promise<boolean> {
    this.problem = null;
    this.#about = { ...this.#about!, fetchedAt };
    await this.#keep(async () => touchCopy(this.#folder, this.settings.name, this.#about!));
    return this.settings.keep !== PERMANENT;
  }

  async #read(bytes: Buffer, signal: AbortSignal): Promise<Reading> {
    let reading: Reading;
    try {
      reading = await readEntries(bytes, this.settings, this.#unwanted, signal);
    } catch (error) {
      if (error instanceof NoColumn) throw this.#refused(error.message);
      throw error;
    }
    const why = this.#whyNot(reading, bytes);
    if (why !== null) throw this.#refused(why);
    const { count, examples } = reading.covering;
    if (count > 0 && this.settings.ownAndPrivate === "refuse") {
      throw this.#refused(
        `${count === 1 ? "one of its entries covers" : `${count} of its entries cover`} own or private ranges: ${examples.join("; ")}`,
        "where such entries belong to the list, as to one of unused ranges, set lists[].ownAndPrivate: leave-out; else tell its publisher",
      );
    }
    return reading;
  }

  async #take(
    reading: Reading,
    told: Pick<CopyAbout, "fetchedAt" | "etag" | "lastModified">,
  ): Promise<boolean> {
    const before = this.targets;
    const source = this.#source;
    this.#accept(reading, told);
    await this.#keep(async () => {
      this.#about = await writeCopy(this.#folder, this.settings.name, reading, { source, ...told });
    });
    return !before.equals(this.targets) || this.settings.keep !== PERMANENT;
  }

  #accept({ targets, wrong, refused, examples }: Reading, told: Pick<CopyAbout, "fetchedAt">): void {
    this.problem = null;
    this.targets = targets;
    // Where it cannot be kept, what is fetched counts all the same, and is fetched whole again.
    const unkept = { fetchedAt: told.fetchedAt, etag: null, lastModified: null, bytes: 0 };
    this.#about = { version: 1, source: this.#source, ...unkept, wrong, refused, examples: [...examples] };
  }

  async #keep(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (cause) {
      this.problem = new SekishoError(
        "LIST_UNAVAILABLE",
        `list ${this.settings.name} was fetched, but its copy could not be kept: ${messageOf(cause)}`,
        "make room in the data folder, or let Sekisho write there; after a restart the list is fetched again",
        { cause },
      );
    }
  }

  /** Why a text is not taken for the list; null when it is. */
  #whyNot({ targets, wrong, lines, isCut }: Reading, bytes: Buffer): string | null {
    const { max, growth } = this.settings;
    const count = targets.size;
    if (lines === 0 || (bytes.length < 1_000 && bytes.toString("latin1").trim() === "")) return "it is empty";
    if (wrong > count) return `${wrong} of its lines are no addresses, and only ${count} are`;
    if (isCut || count > max) return `it has more than ${max} entries`;
    const before = this.targets.size;
    if (before > 0 && count > SHORT_LIST && count > before * growth) {
      return `it has ${count} entries, and had ${before}: more than ${growth} times as many`;
    }
    return whyTooMuch(reachOf(targets), this.#surroundings.others());
  }

  #refused(
    why: string,
    hint = "look at what is there; docs/lists.md says what is refused, and lists[].max and growth are the limits",
  ): SekishoError {
    return new SekishoError(
      "LIST_REFUSED",
      `list ${this.settings.name} is not taken from ${shownSource(this.settings.from)}: ${why}`,
      this.#staying(hint),
    );
  }

  #unavailable(cause: unknown): SekishoError {
    return new SekishoError(
      "LIST_UNAVAILABLE",
      `list ${this.settings.name} cannot be had: ${failure(cause)}`,
      this.#staying("it is tried again on schedule, and at once with sekisho lists --fetch"),
      { cause },
    );
  }

  #unreadable(cause: unknown): SekishoError {
    const { name, from } = this.settings;
    return new SekishoError(
      "LIST_UNAVAILABLE",
      `list ${name} cannot be read from ${from}: ${failure(cause)}`,
      "correct lists[].from, or let the user that Sekisho runs as read the file",
      { cause },
    );
  }

  #staying(hint: string): string {
    const { fetchedAt } = this;
    const stays =
      fetchedAt === null ? "it has no entries until then" : `its entries of ${toIso(fetchedAt)} stay`;
    return `${stays}; ${hint}`;
  }

  status(nextFetchAt: UnixMs | null): Omit<ListStatus, "spared"> {
    const { name, kind, from, ownAndPrivate } = this.settings;
    const { fetchedAt, until } = this;
    return {
      name,
      kind,
      ownAndPrivate: kind === "block" ? ownAndPrivate : null,
      from: shownSource(from),
      entries: this.targets.size,
      wrong: this.#about?.wrong ?? 0,
      refused: this.#about?.refused ?? 0,
      examples: this.#about?.examples ?? [],
      fetchedAt: fetchedAt === null ? null : toIso(fetchedAt),
      until: until === NEVER ? null : toIso(until),
      triedAt: this.#triedAt === null ? null : toIso(this.#triedAt),
      nextFetchAt: nextFetchAt === null ? null : toIso(nextFetchAt),
      error: this.problem?.message ?? null,
      hint: this.problem?.hint ?? null,
    };
  }
}

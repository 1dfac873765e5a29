/** Whom enforcers should hold, and whom nothing may hit: put together from all who say so. */
import { hostname } from "node:os";
import type { Config } from "./config/schema.ts";
import { type Protected, protectedBy } from "./decide/protected.ts";
import { FORMATS } from "./export/formats.ts";
import { BesideBans } from "./lists/beside-bans.ts";
import type { Lists } from "./lists/lists.ts";
import type { BanItem, Mode } from "./model/api.ts";
import type { Block } from "./model/decision.ts";
import type { Exported, ExportFormat } from "./model/export.ts";
import { type Target, TargetSet } from "./model/ip.ts";
import type { UnixMs } from "./model/time.ts";
import type { StoreReader } from "./store/reader.ts";
import { type BanRows, type Mark, RunningBans } from "./store/running-bans.ts";

const PAGE = 500;

/** What imported lists block, without those whom no block may hit. */
interface Listed {
  /** What it was made of. */
  readonly lists: Lists | null;
  readonly version: number;
  readonly named: string;
  /** Entries that would hit somebody who is to be spared, and how many of each list those are. */
  readonly hit: ReadonlySet<Target>;
  readonly spared: ReadonlyMap<string, number>;
  /** The others; null before anybody asked. */
  blocks: readonly Block[] | null;
}
const NOTHING_LISTED: Listed = {
  ...{ lists: null, version: 0, named: "" },
  ...{ hit: new Set(), spared: new Map(), blocks: [] },
};

export class Wanted {
  readonly #reader: StoreReader;
  readonly #rows: BanRows;
  readonly #running: RunningBans;
  readonly #beside = new BesideBans();
  /** Whom no block may hit. */
  #spared = protectedBy([], []);
  /** What that was made of, as a text and the imported allowlists: while these are the same, so is who is spared. */
  #sparedBy: readonly unknown[] = [];
  /** Whose bans people lifted, as they were at `#letInAsOf`; null before anybody asked. */
  #letIn: TargetSet | null = null;
  #letInAsOf: Mark | null = null;
  /** How far decisions had been read when blocks were asked for last. */
  #mark: Mark | null = null;
  #listed = NOTHING_LISTED;
  lists: Lists | null = null;
  /** Where those come from who are signed in. */
  present: readonly Target[] = [];

  constructor(reader: StoreReader) {
    this.#reader = reader;
    this.#rows = reader.bansRunning();
    this.#running = new RunningBans(this.#rows);
  }

  /**
   * What enforcers should hold: active bans, and beside them lists, without anybody who is protected by now. Only what changed
   * is looked at, and other blocks are the same objects in the same order, so that enforcers too find what changed by looking
   * at little. `isAnew`: all is looked at.
   */
  blocks(config: Config, mode: Mode, isAnew = false): readonly Block[] {
    const sparedBy = this.#sparedBy;
    if (isAnew) this.#letIn = null;
    this.#lookAgain(config);
    const isSameSpared = sparedBy.every((each, at) => each === this.#sparedBy[at]);
    const bans = this.#running.read(
      (target) => this.#spared.reason(target) === null,
      isAnew || !isSameSpared,
    );
    if (this.lists === null) return bans;
    const listed = listedBy(this.lists, this.#spared, this.#listed);
    this.#listed = listed;
    // In observe mode nobody takes them, and half a million would take memory.
    if (mode === "observe" || this.lists.blocked.size === 0) return bans;
    const { blocks, blocked } = this.lists;
    listed.blocks ??= listed.hit.size === 0 ? blocks : blocks.filter(({ target }) => !listed.hit.has(target));
    return this.#beside.join(bans, listed.blocks, blocked);
  }

  /** Entries by list that would have hit somebody who is never banned, when blocks were wanted last. */
  get sparedByList(): ReadonlyMap<string, number> {
    return this.#listed.lists === this.lists ? this.#listed.spared : NOTHING_LISTED.spared;
  }

  /** Nobody in the range is to be spared or was let in by a person, as things were when blocks were wanted last. */
  mayCover(range: Target): boolean {
    if (this.#spared.reason(range) !== null) return false;
    // Only now, as few sites have ranges.
    if (this.#letInWithin(range) === null) return true;
    // Who was banned again since is let in no more: they are many after a panic, so all are read again only where it matters.
    if (this.#letInAsOf?.decision === this.#mark?.decision) return false;
    this.#letIn = null;
    return this.#letInWithin(range) === null;
  }

  #letInWithin(range: Target): Target | null {
    if (this.#letIn === null) {
      this.#letIn = new TargetSet(this.#reader.letIn());
      this.#letInAsOf = this.#mark;
    }
    return this.#letIn.overlapping(range);
  }

  export(format: ExportFormat, config: Config, now: UnixMs): Exported {
    this.#lookAgain(config);
    const { contentType, fileName, write } = FORMATS[format];
    return { contentType, fileName, chunks: write(this.#bans(), { now, host: hostname() }) };
  }

  #lookAgain({ allowlist, trustedProxies }: Config): void {
    const allowed = [...allowlist, ...this.#reader.allowed()];
    this.#spared = protectedBy(allowed, trustedProxies, this.present, this.lists?.allowed);
    this.#sparedBy = [[...this.#spared.named()].join(), this.lists?.allowed];
    this.#mark = this.#rows.mark();
    if (this.#mark.revocation !== this.#letInAsOf?.revocation) this.#letIn = null;
  }

  /** Active bans, newest first, each target once, without who is spared. A page at a time, as there may be many. */
  *#bans(): Generator<BanItem> {
    const spared = this.#spared;
    const seen = new Set<string>();
    let cursor: string | null = null;
    do {
      const page = this.#reader.bans({ state: "active", limit: PAGE, cursor });
      for (const ban of page.items) {
        if (seen.has(ban.target) || spared.reason(ban.target as Target) !== null) continue;
        seen.add(ban.target);
        yield ban;
      }
      cursor = page.next;
    } while (cursor !== null);
  }
}

/**
 * Made anew only where lists or who is spared changed: with each new ban half a million entries would take long. Who is spared
 * is looked for in the lists, not the other way round, as they are few.
 */
function listedBy(lists: Lists, spared: Protected, known: Listed): Listed {
  const named = [...spared.named()].join();
  if (known.lists === lists && known.version === lists.version && known.named === named) return known;
  const hit = new Set<Target>();
  for (const targets of [spared.named(), lists.allowed]) {
    for (const target of targets) for (const entry of lists.blocked.touching(target)) hit.add(entry);
  }
  return { lists, version: lists.version, named, hit, spared: lists.countsOf(hit), blocks: null };
}

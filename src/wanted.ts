/** Whom enforcers should hold, and whom nothing may hit: put together from all who say so. */
import { hostname } from "node:os";
import type { Config } from "./config/schema.ts";
import { protectedBy } from "./decide/protected.ts";
import { FORMATS } from "./export/formats.ts";
import type { BanItem } from "./model/api.ts";
import type { Block } from "./model/decision.ts";
import type { Exported, ExportFormat } from "./model/export.ts";
import { type Target, TargetSet } from "./model/ip.ts";
import type { UnixMs } from "./model/time.ts";
import type { StoreReader } from "./store/reader.ts";

const PAGE = 500;

export class Wanted {
  readonly #reader: StoreReader;
  /** Whom no block may hit. */
  #spared = protectedBy([], []);
  /** Whose ban a person lifted; null before anybody asked. */
  #letIn: TargetSet | null = null;
  /** Where those come from who are signed in. */
  present: readonly Target[] = [];

  constructor(reader: StoreReader) {
    this.#reader = reader;
  }

  /** What enforcers should hold: active bans without anybody who is protected by now. */
  blocks(config: Config): Block[] {
    this.#lookAgain(config);
    return this.#reader.activeBlocks().filter(({ target }) => this.#spared.reason(target) === null);
  }

  /** Nobody in the range is to be spared or was let in by a person, as things were when blocks were wanted last. */
  mayCover(range: Target): boolean {
    if (this.#spared.reason(range) !== null) return false;
    // Only now, as few sites have ranges.
    this.#letIn ??= new TargetSet(this.#reader.letIn());
    return this.#letIn.overlapping(range) === null;
  }

  export(format: ExportFormat, config: Config, now: UnixMs): Exported {
    this.#lookAgain(config);
    const { contentType, fileName, write } = FORMATS[format];
    return { contentType, fileName, chunks: write(this.#bans(), { now, host: hostname() }) };
  }

  #lookAgain({ allowlist, trustedProxies }: Config): void {
    const allowed = [...allowlist, ...this.#reader.allowed()];
    this.#spared = protectedBy(allowed, trustedProxies, this.present);
    this.#letIn = null;
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

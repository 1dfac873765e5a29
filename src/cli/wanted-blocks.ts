import type { Config } from "../config/schema.ts";
import { aggregate } from "../enforce/aggregate.ts";
import type { Lists } from "../lists/lists.ts";
import type { Block } from "../model/decision.ts";
import type { Target } from "../model/ip.ts";
import type { StoreReader } from "../store/reader.ts";
import { Wanted } from "../wanted.ts";

/** What the daemon has blocked in enforce mode, told without asking it. */
export interface WantedBlocks {
  /** Bans and entries of lists, each by itself. */
  readonly each: readonly Block[];
  /** Ranges that stand for many of them. */
  readonly ranges: readonly Block[];
  /** By range, for how many it stands. */
  readonly counts: ReadonlyMap<Target, number>;
}

/** But for who is signed in, whom only the daemon knows: where one of them is in a range, there is none. */
export function wantedBlocks(reader: StoreReader, lists: Lists, config: Config): WantedBlocks {
  const wanted = new Wanted(reader);
  wanted.lists = lists;
  const each = wanted.blocks(config, "enforce");
  const { rangeOf, blocks } = aggregate(each, config.policy.aggregate, (range) => wanted.mayCover(range));
  const counts = new Map<Target, number>();
  for (const range of rangeOf.values()) counts.set(range, (counts.get(range) ?? 0) + 1);
  return { each, ranges: blocks.filter(({ target }) => counts.has(target)), counts };
}

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { keepCopy } from "../download/copy.ts";
import { CRAWLERS, type CrawlerName } from "../model/crawler.ts";
import { isIpv4, parseTarget, prefixOf, type Target } from "../model/ip.ts";

/** What a list may weigh; Google's, the longest, has some 20 KB. */
export const MOST_BYTES = 2 ** 20;
const MOST_PREFIXES = 10_000;
/** A wider one is a mistake, or worse: whoever is in it could crawl under the name. */
const SHORTEST = { ipv4: 12, ipv6: 24 };

const prefix = z.string().transform((text, context) => {
  const target = parseTarget(text);
  const bits = target === null ? 0 : prefixOf(target).bits;
  if (target !== null && bits >= (isIpv4(target) ? SHORTEST.ipv4 : SHORTEST.ipv6)) return target;
  context.addIssue({ code: "custom", message: "is no range, or too wide a one" });
  return z.NEVER;
});

/** The form that Google began, and the others took over. */
const rangesSchema = z.object({
  prefixes: z
    .array(z.union([z.object({ ipv4Prefix: prefix }), z.object({ ipv6Prefix: prefix })]))
    .min(1)
    .max(MOST_PREFIXES),
});

/** The ranges that a list names. Throws when it is not such a list. */
export function parseRanges(text: string): Target[] {
  const { prefixes } = rangesSchema.parse(JSON.parse(text));
  return prefixes.map((each) => ("ipv4Prefix" in each ? each.ipv4Prefix : each.ipv6Prefix));
}

const folderOf = (data: string): string => join(data, "crawlers");
const fileOf = (data: string, name: CrawlerName): string => join(folderOf(data), `${name}.json`);

/** The last good copy of each list. One that cannot be read is as one that was never fetched. */
export function storedRanges(data: string): Map<CrawlerName, Target[]> {
  const ranges = new Map<CrawlerName, Target[]>();
  for (const { name } of CRAWLERS) {
    try {
      if (statSync(fileOf(data, name)).size > MOST_BYTES) continue;
      ranges.set(name, parseRanges(readFileSync(fileOf(data, name), "utf8")));
    } catch {
      // There is none, or somebody damaged it: the next download replaces it.
    }
  }
  return ranges;
}

/** Keeps a list that `parseRanges` takes. */
export function storeRanges(data: string, name: CrawlerName, text: string): void {
  keepCopy(fileOf(data, name), text);
}

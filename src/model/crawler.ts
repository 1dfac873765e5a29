import type { Ip } from "./ip.ts";

/**
 * Search engines that can be told from those who borrow their names. `agent`: how the header User-Agent names it, in small
 * letters. `domains`: the names of its addresses lie within these, as it says itself; none where it only publishes ranges.
 * `ranges`: where it publishes them; null where it does not.
 */
export const CRAWLERS = [
  {
    name: "google",
    agent: "googlebot",
    // https://developers.google.com/search/docs/crawling-indexing/verifying-googlebot
    domains: ["googlebot.com", "google.com"],
    ranges: "https://developers.google.com/static/search/apis/ipranges/googlebot.json",
  },
  {
    name: "bing",
    agent: "bingbot",
    // https://www.bing.com/webmasters/help/how-to-verify-bingbot-3905dc26
    domains: ["search.msn.com"],
    ranges: "https://www.bing.com/toolbox/bingbot.json",
  },
  {
    name: "apple",
    agent: "applebot",
    // https://support.apple.com/119829
    domains: ["applebot.apple.com"],
    ranges: "https://search.developer.apple.com/applebot.json",
  },
  {
    name: "duckduckgo",
    agent: "duckduckbot",
    // https://duckduckgo.com/duckduckgo-help-pages/results/duckduckbot
    domains: [],
    ranges: "https://duckduckgo.com/duckduckbot.json",
  },
  {
    name: "yandex",
    agent: "yandexbot",
    // https://yandex.com/support/webmaster/robot-workings/check-yandex-robots.html
    domains: ["yandex.ru", "yandex.net", "yandex.com"],
    ranges: null,
  },
] as const;

export type Crawler = (typeof CRAWLERS)[number];
export type CrawlerName = Crawler["name"];

/** Who it is that a client says to be. Until that is known it is `unverified`. */
export type CrawlerState = "verified" | "unverified" | "disproved";

/** A client that says to be a crawler, of which it is not known whether it is. */
export interface CrawlerClaim {
  readonly client: Ip;
  readonly crawler: CrawlerName;
}

export interface CrawlerVerdict extends CrawlerClaim {
  /** Null: DNS did not answer; it may be asked again. */
  readonly isGenuine: boolean | null;
}

/** Which crawler a User-Agent names; null: none of those that are known. */
export function crawlerNamed(userAgent: string): Crawler | null {
  const folded = userAgent.toLowerCase();
  return CRAWLERS.find(({ agent }) => folded.includes(agent)) ?? null;
}

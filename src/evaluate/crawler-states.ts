import {
  type Crawler,
  type CrawlerClaim,
  type CrawlerName,
  type CrawlerState,
  type CrawlerVerdict,
  crawlerNamed,
} from "../model/crawler.ts";
import { type Ip, singleOf, type Target, TargetSet } from "../model/ip.ts";
import { detached } from "../model/line.ts";

/** Clients are remembered up to this, User-Agents too; then all are forgotten, and asked for again. */
const MOST_KNOWN = 20_000;
/** A longer User-Agent is looked at up to here: it is whatever the client wants, and many are remembered. */
const AGENT_LENGTH = 512;
/** Claims that wait to be asked for; of a flood under borrowed names the rest is asked for when they come again. */
const MOST_ASKED = 1_000;

export type CrawlerRanges = ReadonlyMap<CrawlerName, readonly Target[]>;

/**
 * Who of those that call themselves search engines is one. What the published ranges do not tell is asked for: DNS answers
 * outside of this thread, later. Where there is nobody to ask (`asks` false: a replay) the ranges alone decide.
 */
export class CrawlerStates {
  readonly #asks: boolean;
  #ranges = new Map<CrawlerName, TargetSet>();
  readonly #known = new Map<string, CrawlerState>();
  readonly #asked = new Map<string, CrawlerClaim>();
  readonly #answering = new Set<string>();
  readonly #named = new Map<string, Crawler | null>();

  constructor(ranges: CrawlerRanges = new Map(), asks = false) {
    this.#asks = asks;
    this.setRanges(ranges);
  }

  /** New ranges; what DNS said is asked for again, as it was said a day ago. */
  setRanges(ranges: CrawlerRanges): void {
    this.#ranges = new Map([...ranges].map(([name, targets]) => [name, new TargetSet(targets)]));
    this.#known.clear();
  }

  /** Null: it does not say to be a crawler that can be told. */
  stateOf(client: Ip, userAgent: string): CrawlerState | null {
    const crawler = this.#crawlerOf(userAgent);
    if (crawler === null) return null;
    const key = `${crawler.name} ${client}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const state = this.#stateByRanges(client, crawler);
    if (state === "unverified") this.#ask(key, { client: detached(client) as Ip, crawler: crawler.name });
    else this.#note(key, state);
    return state;
  }

  #crawlerOf(whole: string): Crawler | null {
    const userAgent = whole.slice(0, AGENT_LENGTH);
    const known = this.#named.get(userAgent);
    if (known !== undefined) return known;
    if (this.#named.size >= MOST_KNOWN) this.#named.clear();
    const crawler = crawlerNamed(userAgent);
    this.#named.set(detached(userAgent), crawler);
    return crawler;
  }

  /** A crawler that can be asked for by DNS may have more addresses than our copy of its ranges. */
  #stateByRanges(client: Ip, { name, domains }: Crawler): CrawlerState {
    const ranges = this.#ranges.get(name);
    if (ranges === undefined) return "unverified";
    if (ranges.covering(singleOf(client)) !== null) return "verified";
    return this.#asks && domains.length > 0 ? "unverified" : "disproved";
  }

  #ask(key: string, claim: CrawlerClaim): void {
    if (!this.#asks || this.#answering.has(key) || this.#asked.size >= MOST_ASKED) return;
    this.#asked.set(key, claim);
  }

  #note(key: string, state: CrawlerState): void {
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(detached(key), state);
  }

  /** Claims that nobody was asked for yet. */
  takeAsked(): CrawlerClaim[] {
    const claims = [...this.#asked.values()];
    // Who never answers must not be waited for without end.
    if (this.#answering.size >= MOST_KNOWN) this.#answering.clear();
    for (const key of this.#asked.keys()) this.#answering.add(key);
    this.#asked.clear();
    return claims;
  }

  noteVerdicts(verdicts: readonly CrawlerVerdict[]): void {
    for (const { client, crawler, isGenuine } of verdicts) {
      const key = `${crawler} ${client}`;
      this.#answering.delete(key);
      if (isGenuine !== null) this.#note(key, isGenuine ? "verified" : "disproved");
    }
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { CRAWLERS, type CrawlerClaim, type CrawlerVerdict } from "../model/crawler.ts";
import { DAY_MS } from "../model/time.ts";
import type { DnsProof } from "./dns.ts";

/** Claims that wait; what comes beyond is not answered and asked for again. */
const MOST_WAITING = 1_000;
const MOST_REMEMBERED = 10_000;
const AT_ONCE = 4;
/** Each of those at work pauses so long, so no more than forty claims a second are looked up. */
const PAUSE_MS = 100;
/** What DNS did not tell is not asked again before. */
const SILENT_MS = 10 * 60_000;
/** Names of addresses change seldom. */
const TOLD_MS = DAY_MS;

interface Remembered {
  readonly isGenuine: boolean | null;
  readonly until: number;
}

/** Looks claims up, a few at a time, and remembers what DNS said. */
export class CrawlerVerifier implements Disposable {
  readonly #proof: DnsProof;
  readonly #now: () => number;
  readonly #answer: (verdicts: readonly CrawlerVerdict[]) => void;
  readonly #waiting: CrawlerClaim[] = [];
  readonly #remembered = new Map<string, Remembered>();
  readonly #ended = new AbortController();
  #atWork = 0;

  constructor(
    proof: DnsProof,
    answer: (verdicts: readonly CrawlerVerdict[]) => void,
    now: () => number = Date.now,
  ) {
    this.#proof = proof;
    this.#answer = answer;
    this.#now = now;
  }

  [Symbol.dispose](): void {
    this.#waiting.length = 0;
    this.#ended.abort();
  }

  ask(claims: readonly CrawlerClaim[]): void {
    const known: CrawlerVerdict[] = [];
    for (const claim of claims) {
      const remembered = this.#remembered.get(keyOf(claim));
      if (remembered !== undefined && remembered.until > this.#now())
        known.push({ ...claim, isGenuine: remembered.isGenuine });
      else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(claim);
      else known.push({ ...claim, isGenuine: null });
    }
    if (known.length > 0) this.#answer(known);
    while (this.#atWork < AT_ONCE && this.#atWork < this.#waiting.length) void this.#work();
  }

  async #work(): Promise<void> {
    this.#atWork++;
    try {
      for (let claim = this.#waiting.shift(); claim !== undefined; claim = this.#waiting.shift()) {
        const { domains } = CRAWLERS.find(({ name }) => name === claim!.crawler)!;
        const isGenuine = domains.length === 0 ? null : await this.#proof.isWithin(claim.client, domains);
        if (this.#ended.signal.aborted) return;
        this.#remember(claim, isGenuine);
        this.#answer([{ ...claim, isGenuine }]);
        await sleep(PAUSE_MS, undefined, { signal: this.#ended.signal }).catch(() => {});
      }
    } finally {
      this.#atWork--;
    }
  }

  #remember(claim: CrawlerClaim, isGenuine: boolean | null): void {
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    const until = this.#now() + (isGenuine === null ? SILENT_MS : TOLD_MS);
    this.#remembered.set(keyOf(claim), { isGenuine, until });
  }
}

const keyOf = ({ client, crawler }: CrawlerClaim): string => `${crawler} ${client}`;

import type { LogEvent } from "../model/event.ts";
import type { Halt, HaltName } from "../model/halt.ts";
import type { Target } from "../model/ip.ts";
import { HOUR_MS, MINUTE_MS, NEVER, type UnixMs } from "../model/time.ts";
import { ServedClients } from "./served.ts";
import { Times } from "./times.ts";

/** When too many are banned at once. */
export interface BreakerSettings {
  /** New bans by rules within a minute. */
  readonly bans: number;
  /** The part of those served within an hour that bans may hit. */
  readonly share: number;
  /** As few as this may always be hit, so that a small site or a quiet night does not trip it. */
  readonly hits: number;
}

const WHY: Readonly<Record<HaltName, string>> = {
  breaker: "the circuit breaker is open",
  panic: "a person stopped all banning (sekisho panic)",
};

/**
 * Whether rules may ban at all. A rule that is wrong, or a log that is misread, bans everybody within a minute; so when
 * too many would be banned at once, no rule bans anybody until a person has looked. Bans that were made stay.
 *
 * It runs on the time of the lines, so replay finds the same. Replay only tells (`stops` false): it is asked who would
 * have been banned.
 */
export class Breaker {
  readonly #settings: BreakerSettings | null;
  readonly #stops: boolean;
  readonly #served = new ServedClients();
  readonly #halts = new Map<HaltName, Halt>();
  #bans = new Times(MINUTE_MS);
  #tripped: Halt | null = null;

  /** `halts`: what is stored. Without settings it never trips by itself. */
  constructor(settings: BreakerSettings | null, halts: Iterable<Halt> = [], stops = true) {
    this.#settings = settings;
    this.#stops = stops;
    for (const halt of halts) this.#halts.set(halt.name, halt);
  }

  get halts(): readonly Halt[] {
    return [...this.#halts.values()];
  }

  /** Takes note of who got what they asked for. */
  note(events: readonly LogEvent[]): void {
    if (this.#settings !== null) this.#served.note(events);
  }

  /** Takes note of events as they pass, for a restart. */
  *recalled<Batch extends { readonly events: readonly LogEvent[] }>(
    batches: Iterable<Batch>,
  ): Generator<Batch> {
    for (const batch of batches) {
      this.note(batch.events);
      yield batch;
    }
  }

  /**
   * Why a rule's ban is not made; null when it may be, and is counted. One that has passed when it is decided hits nobody
   * and does not count. `now` is `NEVER` in replay.
   */
  objection(target: Target, at: UnixMs, until: UnixMs, now: UnixMs): string | null {
    const why = this.#why();
    if (why !== null) return why;
    if (this.#settings === null || (now !== NEVER && until <= now)) return null;
    if (this.#halts.size === 0) this.#tripped = this.#trip(this.#settings, target, at, now);
    if (this.#tripped !== null) this.begin(this.#tripped);
    const objection = this.#why();
    if (objection === null) {
      this.#bans.add(at);
      this.#served.hit(target);
    }
    return objection;
  }

  #why(): string | null {
    const [halt] = this.#halts.values();
    return halt === undefined || !this.#stops ? null : WHY[halt.name];
  }

  #trip({ bans, share, hits }: BreakerSettings, target: Target, at: UnixMs, now: UnixMs): Halt | null {
    const since = now === NEVER ? at : now;
    const halt = (reason: string, span: number): Halt => {
      return { name: "breaker", since, reason, from: (since - span) as UnixMs };
    };
    if (this.#bans.before(at) >= bans)
      return halt(`rules made more than ${bans} bans in a minute`, MINUTE_MS);
    const hit = this.#served.hits + this.#served.wouldHit(target);
    if (hit < hits || hit <= share * this.#served.size) return null;
    const part = `${hit} of the ${this.#served.size} clients that were served of late`;
    return halt(`bans by rules would hit ${part}`, HOUR_MS);
  }

  /** The halt that began since this was asked last, to be stored with what led to it. */
  takeTripped(): Halt | null {
    const tripped = this.#tripped;
    this.#tripped = null;
    return tripped;
  }

  begin(halt: Halt): void {
    if (!this.#halts.has(halt.name)) this.#halts.set(halt.name, halt);
  }

  isHalted(name: HaltName): boolean {
    return this.#halts.has(name);
  }

  /** A person lets rules go on: what was counted until now does not count any more, or the next ban would trip it again. */
  end(name: HaltName): void {
    this.#halts.delete(name);
    this.#bans = new Times(MINUTE_MS);
    this.#served.forgetHits();
  }
}

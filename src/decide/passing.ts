import type { AccessEvent, LogEvent } from "../model/event.ts";
import { type Ip, type Target, targetOf } from "../model/ip.ts";
import { detached } from "../model/line.ts";
import type { Passed } from "../model/passed.ts";
import type { UnixMs } from "../model/time.ts";

/**
 * What Apache answers without asking who may come in, or by refusing: a redirect of a vhost (301, 302, …), a request that it
 * cannot read, a method that it does not know, a password that is asked for.
 */
const NOT_LET_IN = new Set([
  301, 302, 303, 307, 308, 400, 401, 403, 405, 408, 411, 413, 414, 417, 431, 501, 505,
]);
/** Some vhosts give these without asking, others only to whom they let in. */
const MAYBE_LET_IN = new Set([404, 410]);
/** Of an attack by thousands, bans that are told for one batch. */
const MAX_TOLD = 100;
const MAX_PATH = 200;

/** Remembers of clients whether a ban runs on them, as most requests are of few clients. */
export class Passing {
  readonly #bannedBy: (target: Target, time: UnixMs) => Target | null;
  readonly #everBanned: (target: Target) => boolean;
  readonly #known = new Map<Ip, boolean>();

  /** `bannedBy`: the running ban that covers a target at a time. `everBanned`: whether any does, whenever it runs. */
  constructor(
    bannedBy: (target: Target, time: UnixMs) => Target | null,
    everBanned: (target: Target) => boolean,
  ) {
    this.#bannedBy = bannedBy;
    this.#everBanned = everBanned;
  }

  /** Bans began or ended. */
  forget(): void {
    this.#known.clear();
  }

  /** Who got through though banned, by ban. */
  of(events: readonly LogEvent[], now: UnixMs): Passed[] {
    const passed = new Map<Target, Passed>();
    for (const event of events) {
      if (event.kind !== "access" || NOT_LET_IN.has(event.status)) continue;
      if (!this.#mayBeBanned(event.client) || isAnsweredByCore(event)) continue;
      const target = targetOf(event.client);
      const ban = this.#bannedBy(target, event.time);
      // One that has ended by now needs no proof any more.
      if (ban === null || this.#bannedBy(target, now) !== ban) continue;
      const known = passed.get(ban);
      if (known === undefined && passed.size === MAX_TOLD) continue;
      passed.set(ban, joined(known, ban, event));
    }
    return [...passed.values()];
  }

  #mayBeBanned(client: Ip): boolean {
    const known = this.#known.get(client);
    if (known !== undefined) return known;
    const answer = this.#everBanned(targetOf(client));
    if (this.#known.size >= 20_000) this.#known.clear();
    this.#known.set(detached(client) as Ip, answer);
    return answer;
  }
}

/** `OPTIONS *` and TRACE never reach what refuses. */
const isAnsweredByCore = ({ method, path }: AccessEvent): boolean => method === "TRACE" || path === "*";

const joined = (
  known: Passed | undefined,
  target: Target,
  { time, path, vhost, status }: AccessEvent,
): Passed => ({
  target,
  requests: (known?.requests ?? 0) + 1,
  certain: (known?.certain ?? 0) + (MAYBE_LET_IN.has(status) ? 0 : 1),
  earliest: Math.min(known?.earliest ?? time, time) as UnixMs,
  latest: Math.max(known?.latest ?? time, time) as UnixMs,
  path: known?.path ?? detached(path.slice(0, MAX_PATH)),
  vhost: known === undefined ? (vhost == null ? null : detached(vhost)) : known.vhost,
});

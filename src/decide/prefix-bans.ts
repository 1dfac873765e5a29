import type { Decision } from "../model/decision.ts";
import { isIpv4, network, prefixOf, type Target, TargetSet } from "../model/ip.ts";
import { type DurationMs, formatDuration, type UnixMs } from "../model/time.ts";

/** How many clients of one prefix must be banned for all of it to be; 0: however many are. */
export interface PrefixLimits {
  /** How far back their bans count. */
  readonly window: DurationMs;
  /** Addresses of an IPv4 /24. */
  readonly slash24: number;
  /** /64s of an IPv6 /56. */
  readonly slash56: number;
  /** /64s of an IPv6 /48. */
  readonly slash48: number;
}

/** A prefix of which so many clients are banned that all of it is. */
export interface Widened {
  readonly target: Target;
  /** What the reason of the ban says of it. */
  readonly why: string;
}

/** A ban as far as it matters here. */
type Ban = Pick<Decision, "target" | "at"> & Partial<Pick<Decision, "by" | "reportedBy">>;

const CLIENT_BITS = { ipv4: 32, ipv6: 64 };

/** The prefixes that clients are counted in, the widest first. */
const PREFIXES: Readonly<
  Record<"ipv4" | "ipv6", readonly { readonly bits: number; readonly limit: keyof PrefixLimits }[]>
> = {
  ipv4: [{ bits: 24, limit: "slash24" }],
  ipv6: [
    { bits: 48, limit: "slash48" },
    { bits: 56, limit: "slash56" },
  ],
};

const familyOf = (target: Target): "ipv4" | "ipv6" => (isIpv4(target) ? "ipv4" : "ipv6");
const isClient = (target: Target): boolean => prefixOf(target).bits === CLIENT_BITS[familyOf(target)];

/**
 * Which clients of a prefix rules have banned. An attacker who owns a prefix goes through its addresses, each banned by
 * itself. Only what Apache's own logs show counts: an app that reports clients must not ban others beside them.
 */
export class PrefixBans {
  /** By prefix: when each client of it was banned last. */
  readonly #banned = new Map<Target, Map<Target, UnixMs>>();

  note({ target, at, by, reportedBy }: Ban): void {
    if (by !== "rule" || (reportedBy ?? null) !== null || !isClient(target)) return;
    for (const prefix of prefixesOf(target)) {
      const clients = this.#banned.get(prefix.target) ?? new Map<Target, UnixMs>();
      clients.set(target, Math.max(at, clients.get(target) ?? at) as UnixMs);
      this.#banned.set(prefix.target, clients);
    }
  }

  /** A person took a ban back: what it covers counts no more, or the next ban would ban all of the prefix again. */
  forget(target: Target): void {
    for (const client of this.#clientsWithin(target)) {
      for (const prefix of prefixesOf(client)) {
        const clients = this.#banned.get(prefix.target);
        clients?.delete(client);
        if (clients?.size === 0) this.#banned.delete(prefix.target);
      }
    }
  }

  /** All are looked through only for a range as people ban it: a hundred thousand clients may be let in at once. */
  #clientsWithin(target: Target): Target[] {
    const family = familyOf(target);
    const { bits } = prefixOf(target);
    if (bits >= CLIENT_BITS[family]) return isClient(target) ? [target] : [];
    if (PREFIXES[family].some((each) => each.bits === bits))
      return [...(this.#banned.get(target)?.keys() ?? [])];
    const range = new TargetSet([target]);
    return [...this.#banned.values()].flatMap((clients) =>
      [...clients.keys()].filter((client) => range.covering(client) !== null),
    );
  }

  /** Lets go of what was banned at `time` or before. */
  purge(time: number): void {
    for (const [prefix, clients] of this.#banned) {
      for (const [client, at] of clients) if (at <= time) clients.delete(client);
      if (clients.size === 0) this.#banned.delete(prefix);
    }
  }

  /** Prefixes of a client that reach their limit when it is banned at `at`, the widest first. */
  reached(client: Target, at: UnixMs, limits: PrefixLimits): Widened[] {
    if (!isClient(client)) return [];
    return prefixesOf(client).flatMap(({ target, limit }) => {
      const since = at - limits.window;
      const others = this.#banned.get(target) ?? new Map<Target, UnixMs>();
      let count = 1;
      for (const [other, bannedAt] of others) if (other !== client && bannedAt > since) count++;
      if (limits[limit] === 0 || count < limits[limit]) return [];
      const clients = isIpv4(target) ? "addresses" : "networks (/64)";
      return [{ target, why: `${count} ${clients} of ${target} banned in ${formatDuration(limits.window)}` }];
    });
  }
}

function prefixesOf(client: Target): { readonly target: Target; readonly limit: keyof PrefixLimits }[] {
  const { address } = prefixOf(client);
  return PREFIXES[familyOf(client)].map(({ bits, limit }) => ({ target: network(address, bits), limit }));
}

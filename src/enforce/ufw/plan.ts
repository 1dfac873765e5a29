import { isIpv4, type Target } from "../../model/ip.ts";
import type { UnixMs } from "../../model/time.ts";
import type { Ends } from "../ends.ts";
import type { FoundRule, FoundRules } from "./program.ts";
import { changeComment, commentOf, deleteRule, prependRule } from "./rules.ts";

export interface PlanOptions {
  readonly ports: string;
  /** Rules of ours at most. */
  readonly limit: number;
  /** New ones in one go; what is above that waits in the set. */
  readonly batch: number;
  /** What imported lists ask for: bans have the rules first, and where there is a set all of them. */
  readonly listed?: ReadonlySet<Target>;
  /** ufw refuses rules for IPv6 where it does not filter it. */
  readonly takesIpv6: boolean;
}

/** What makes ufw's list as wanted. */
export interface Plan {
  /** Wanted targets that have a rule when all commands were carried out. */
  readonly ruled: ReadonlySet<Target>;
  readonly additions: readonly (readonly string[])[];
  readonly removals: readonly (readonly string[])[];
}

/** True for a rule that blocks what we mean it to block. */
export const isGood = (rule: FoundRule, ports: string): boolean =>
  rule.ports === ports && rule.isLive && !rule.isBehind;

/**
 * Chooses who gets a rule: those who have one keep it, whatever comes, and free places go to the bans that last longest,
 * since each costs two commands. One that the administrator's own rule refuses needs none of ours.
 */
export function planRules(
  wanted: Ends,
  found: FoundRules,
  { ports, limit, batch, takesIpv6, listed = new Set() }: PlanOptions,
): Plan {
  const longest = (targets: Iterable<Target>): Target[] =>
    // Not by difference: permanent minus permanent is no number.
    [...targets].sort(
      (a, b) => Number(listed.has(a)) - Number(listed.has(b)) || compare(wanted.get(b)!, wanted.get(a)!),
    );
  const good = new Map<Target, FoundRule>();
  for (const rule of found.own) if (isGood(rule, ports)) good.set(rule.target, rule);
  const kept = longest([...good.keys()].filter((target) => wanted.has(target))).slice(0, limit);
  const without = [...wanted.keys()].filter(
    (target) =>
      !good.has(target) &&
      !found.foreign.has(target) &&
      (takesIpv6 || isIpv4(target)) &&
      !(batch !== Infinity && listed.has(target)),
  );
  const room = Math.max(0, Math.min(limit - kept.length, batch));
  const fresh = room === 0 ? [] : longest(without).slice(0, room);
  const comments = kept.flatMap((target) => {
    const comment = commentOf(wanted.get(target)!);
    const rule = good.get(target)!;
    return rule.comment === comment ? [] : [changeComment(rule, comment)];
  });
  const keeping = new Set(kept.map((target) => good.get(target)!));
  const going = found.own.filter((rule) => !keeping.has(rule));
  // ufw skips a rule that is there, so one without effect has to go before it can come anew.
  const isInTheWay = (rule: FoundRule) => rule.ports === ports && fresh.includes(rule.target);
  const additions = fresh.flatMap((target) => [
    ...going.filter((rule) => rule.target === target && isInTheWay(rule)).map(deleteRule),
    prependRule(target, ports, commentOf(wanted.get(target)!)),
  ]);
  return {
    ruled: new Set([...kept, ...fresh, ...[...wanted.keys()].filter((target) => found.foreign.has(target))]),
    additions: [...additions, ...comments],
    removals: going.filter((rule) => !isInTheWay(rule)).map(deleteRule),
  };
}

const compare = (a: UnixMs, b: UnixMs): number => (a === b ? 0 : a < b ? -1 : 1);

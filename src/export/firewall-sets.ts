import type { BanItem } from "../model/api.ts";
import { isIpv4, type Target, TargetSet } from "../model/ip.ts";
import { toIso, type UnixMs } from "../model/time.ts";
import { barely } from "./spelling.ts";

/** ipset takes no longer time-out, in seconds; what runs on by then is in the next export. */
const LONGEST_IPSET = 2_147_483;
/** The same in each export, since a set that is there cannot be made with another size. It takes memory only as it fills. */
const MOST_IN_SET = 1_048_576;
const ELEMENTS_A_COMMAND = 1_000;
const DAY_S = 86_400;

const FAMILIES = [
  { name: "ipv4", family: "inet", isOf: isIpv4 },
  { name: "ipv6", family: "inet6", isOf: (target: string) => !isIpv4(target) },
] as const;

/** Seconds that are left of a ban; null when it is permanent. At least one: 0 would be for ever. */
const secondsLeft = ({ until }: BanItem, now: UnixMs): number | null =>
  until === null ? null : Math.max(1, Math.ceil((Date.parse(until) - now) / 1_000));

/** For `ipset restore`. The new sets take the place of the old ones in one step each. */
export function* ipsetLines(bans: Iterable<BanItem>, now: UnixMs): Generator<string> {
  yield `# Bans of Sekisho, ${toIso(now)}; for: ipset restore\n`;
  for (const { name, family } of FAMILIES) {
    const kind = `hash:net family ${family} maxelem ${MOST_IN_SET} timeout 0 -exist`;
    yield `create sekisho_${name} ${kind}\ncreate sekisho_${name}_new ${kind}\nflush sekisho_${name}_new\n`;
  }
  for (const ban of bans) {
    const left = secondsLeft(ban, now);
    const until = left === null ? "" : ` timeout ${Math.min(left, LONGEST_IPSET)}`;
    yield `add sekisho_${isIpv4(ban.target) ? "ipv4" : "ipv6"}_new ${ban.target}${until} -exist\n`;
  }
  for (const { name } of FAMILIES)
    yield `swap sekisho_${name}_new sekisho_${name}\ndestroy sekisho_${name}_new\n`;
}

/**
 * For `nft -f`: one transaction. An interval set refuses ranges that overlap, so what a wider ban covers is left out; where it
 * outlasts that one it is in a later export.
 */
export function* nftLines(bans: Iterable<BanItem>, now: UnixMs): Generator<string> {
  yield `# Bans of Sekisho, ${toIso(now)}; for: nft -f FILE\nadd table inet sekisho_bans\n`;
  const all = [...bans];
  const targets = new TargetSet(all.map(({ target }) => target as Target));
  const isCovered = (target: Target): boolean => {
    for (const covering of targets.allCovering(target)) if (covering !== target) return true;
    return false;
  };
  for (const { name, isOf } of FAMILIES) {
    const set = `inet sekisho_bans ${name}`;
    yield `add set ${set} { type ${name}_addr; flags interval, timeout; }\nflush set ${set}\n`;
    const elements = all
      .filter(({ target }) => isOf(target) && !isCovered(target as Target))
      .map((ban) => `${barely(ban.target)}${timeoutText(secondsLeft(ban, now))}`);
    for (let at = 0; at < elements.length; at += ELEMENTS_A_COMMAND)
      yield `add element ${set} { ${elements.slice(at, at + ELEMENTS_A_COMMAND).join(", ")} }\n`;
  }
}

/** In days and seconds: nft takes no number of milliseconds of 2^32 or more. */
const timeoutText = (left: number | null): string =>
  left === null ? "" : ` timeout ${Math.floor(left / DAY_S)}d${left % DAY_S}s`;

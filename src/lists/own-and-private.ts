import { type Target, TargetSet } from "../model/ip.ts";
import type { PackedTargets } from "../model/packed-targets.ts";

/** This host's own addresses, and what it needs to be reached. */
export interface OwnPlaces {
  named(): Iterable<Target>;
  /** Which of them the target covers a part of; null when none. */
  reason(target: Target): string | null;
}

/**
 * Private, shared, loopback, link-local, multicast and reserved addresses (RFC 6890), and of IPv6 what is not 2000::/3. Those for
 * documentation are nobody's and do no harm.
 */
const NOT_PUBLIC = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"],
  ...["192.168.0.0/16", "224.0.0.0/3", "::/3", "4000::/2", "8000::/1"],
] as Target[];

/** What no list that blocks has a reason to cover. */
export class OwnAndPrivate {
  readonly #own: OwnPlaces;
  readonly #notPublic = new TargetSet(NOT_PUBLIC);

  constructor(own: OwnPlaces) {
    this.#own = own;
  }

  /** Some entry covers a part of it: a quick look at any number of entries. */
  isTouchedBy(entries: PackedTargets): boolean {
    const all = [...NOT_PUBLIC, ...this.#own.named()];
    return all.some((target) => entries.touching(target).next().done !== true);
  }

  /** What is wrong with an entry; null when nothing is. Takes long for half a million. */
  why(entry: Target): string | null {
    if (this.#notPublic.overlapping(entry) !== null) return "is not of the public Internet";
    const own = this.#own.reason(entry);
    return own === null ? null : `covers ${own}`;
  }
}

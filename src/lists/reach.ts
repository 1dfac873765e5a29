import type { PackedTargets } from "../model/packed-targets.ts";

/** How much lists have, and how much of the Internet that is. Ranges within others count twice: no honest list comes near the limits. */
export interface Reach {
  readonly entries: number;
  /** Of IPv4. */
  readonly addresses: number;
  /** Networks of 64 bits of IPv6; what is narrower counts as one. */
  readonly networks: number;
}

export const NO_REACH: Reach = { entries: 0, addresses: 0, networks: 0 };

/** Of 2^32 addresses, and of the 2^61 networks of 64 bits that are in use: more would shut out the world. */
const MOST_COVERED = { addresses: 2 ** 31, networks: 2 ** 60 } as const;
/** Of all lists that block, and of all that allow: what memory and enforcers are measured with, twice. */
export const MOST_ENTRIES = 1_000_000;

export function reachOf({ size, packed: { ipv4, ipv6, long } }: PackedTargets): Reach {
  return {
    entries: size,
    addresses: ipv4.reduce((sum, { bits, starts }) => sum + starts.length * 2 ** (32 - bits), 0),
    networks: ipv6.reduce(
      (sum, { bits, starts }) => sum + starts.length * 2 ** (64 - bits),
      long.targets.length,
    ),
  };
}

export const together = (one: Reach, other: Reach): Reach => ({
  entries: one.entries + other.entries,
  addresses: one.addresses + other.addresses,
  networks: one.networks + other.networks,
});

const coversTooMuch = ({ addresses, networks }: Reach): boolean =>
  addresses > MOST_COVERED.addresses || networks > MOST_COVERED.networks;

/** Why a list is not taken beside the others of its kind; null when it is. */
export function whyTooMuch(list: Reach, others: Reach): string | null {
  if (coversTooMuch(list)) return "its ranges cover more than half of the Internet";
  const all = together(list, others);
  if (coversTooMuch(all)) return "with the other lists its ranges cover more than half of the Internet";
  if (all.entries <= MOST_ENTRIES) return null;
  return `with the other lists there are ${all.entries} entries: more than ${MOST_ENTRIES}`;
}

import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { parseIp, singleOf, type Target, TargetSet } from "../model/ip.ts";

/** Why a target is never banned. */
export type Protection =
  | "allowlisted"
  | "loopback"
  | "this host's own address"
  | "the gateway"
  | "a trusted proxy"
  | "where somebody is signed in from";

const LOOPBACK = ["127.0.0.0/8", "::1/128"] as Target[];

/** Targets that are never banned, whoever asks; looked at when deciding and again before enforcing. */
export class Protected {
  readonly #groups: readonly { readonly why: Protection; readonly targets: TargetSet }[];
  /** All groups together: nearly every target that is asked for is in none. */
  readonly #everybody: TargetSet;
  /** Allowlists from elsewhere, which may be long: made once for many of these. */
  readonly #imported: TargetSet | null;

  constructor(
    groups: { readonly [why in Protection]?: Iterable<Target> },
    imported: TargetSet | null = null,
  ) {
    this.#imported = imported;
    this.#groups = (Object.keys(groups) as Protection[]).map((why) => ({
      why,
      targets: new TargetSet(groups[why]),
    }));
    this.#everybody = new TargetSet(this.#groups.flatMap(({ targets }) => [...targets]));
  }

  /** Nobody is protected: `replay --no-allowlist`. */
  static readonly nobody = new Protected({});

  /** Why banning `target` would hit somebody protected, or null. Any overlap counts. */
  reason(target: Target): Protection | null {
    return this.hit(target)?.why ?? null;
  }

  /** All who are named but those of imported lists. */
  named(): Iterable<Target> {
    return this.#everybody;
  }

  /** Whom banning `target` would hit, and why that is protected. */
  hit(target: Target): { readonly why: Protection; readonly target: Target } | null {
    if (this.#everybody.overlapping(target) === null) {
      const listed = this.#imported?.overlapping(target) ?? null;
      return listed === null ? null : { why: "allowlisted", target: listed };
    }
    for (const { why, targets } of this.#groups) {
      const overlapping = targets.overlapping(target);
      if (overlapping !== null) return { why, target: overlapping };
    }
    return null;
  }
}

/** All that policy spares: what the configuration and people allow, and what this machine needs to be reached. */
export const protectedBy = (
  allowlist: Iterable<Target>,
  trustedProxies: Iterable<Target>,
  present: Iterable<Target> = [],
  imported: TargetSet | null = null,
): Protected =>
  new Protected(
    {
      allowlisted: allowlist,
      loopback: LOOPBACK,
      "this host's own address": ownAddresses(),
      "the gateway": gateways(),
      "a trusted proxy": trustedProxies,
      "where somebody is signed in from": present,
    },
    imported,
  );

function ownAddresses(): Target[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => parseIp(address.replace(/%.*$/, "")))
    .filter((ip) => ip !== null)
    .map(singleOf);
}

/** Default routes from the kernel's tables; none where there is no /proc. Columns: proc(5), net/route, net/ipv6_route. */
function gateways(): Target[] {
  const ipv4 = rows("/proc/net/route")
    .filter(([, destination, gateway]) => destination === "00000000" && gateway !== "00000000")
    .map(([, , gateway]) =>
      (gateway!.match(/../g) ?? [])
        .reverse()
        .map((byte) => Number.parseInt(byte, 16))
        .join("."),
    );
  const ipv6 = rows("/proc/net/ipv6_route")
    .filter(
      ([destination, length, , , gateway]) =>
        /^0+$/.test(`${destination}${length}`) && !/^0*$/.test(gateway ?? ""),
    )
    .map(([, , , , gateway]) => (gateway!.match(/.{4}/g) ?? []).join(":"));
  return [...ipv4, ...ipv6]
    .map(parseIp)
    .filter((ip) => ip !== null)
    .map(singleOf);
}

/** This host's own addresses and its gateways, as a text to be compared. */
export const hostPlaces = (): string => [...ownAddresses(), ...gateways()].join();

function rows(file: string): string[][] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

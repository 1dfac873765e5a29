import { Resolver } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import { systemCode } from "../model/errors.ts";
import { type Ip, isIpv4, parseIp } from "../model/ip.ts";

const TIME_LIMIT_MS = 2_000;
/** An address has one name or few; somebody who gives his thousands makes us ask for no more than these. */
const MOST_NAMES = 3;
const NO_SUCH = ["ENOTFOUND", "ENODATA"];

/** Asks DNS whether an address belongs to a domain. */
export class DnsProof {
  readonly #resolver = new Resolver({ timeout: TIME_LIMIT_MS, tries: 2 });

  /** `servers` in place of the host's. */
  constructor(servers: readonly string[] | null = null) {
    if (servers !== null) this.#resolver.setServers([...servers]);
  }

  /**
   * Whether the address has a name within the domains that leads back to it: anybody can give his address any name, but the
   * name leads to what its owner says. Null: DNS did not tell.
   */
  async isWithin(client: Ip, domains: readonly string[]): Promise<boolean | null> {
    // Not `reverse`: what a server fails to answer it takes for an address without a name.
    const names = await this.#lookUp(() => this.#resolver.resolvePtr(pointerOf(client)));
    if (names === null) return null;
    const ours = names
      .map((name) => name.toLowerCase().replace(/\.$/, ""))
      .filter((name) => isIn(name, domains));
    let isTold = true;
    for (const name of ours.slice(0, MOST_NAMES)) {
      const addresses = await this.#lookUp(() =>
        isIpv4(client) ? this.#resolver.resolve4(name) : this.#resolver.resolve6(name),
      );
      if (addresses === null) isTold = false;
      else if (addresses.some((address) => parseIp(address) === client)) return true;
    }
    return isTold ? false : null;
  }

  /** Empty where DNS says that there is nothing; null where it says nothing. */
  async #lookUp(ask: () => Promise<string[]>): Promise<string[] | null> {
    try {
      return await ask();
    } catch (error) {
      return NO_SUCH.includes(systemCode(error) ?? "") ? [] : null;
    }
  }
}

/** Where the names of an address are: `7.2.0.192.in-addr.arpa`, of IPv6 a label for each half byte. */
function pointerOf(client: Ip): string {
  if (isIpv4(client)) return `${client.split(".").reverse().join(".")}.in-addr.arpa`;
  const bytes = Buffer.from(ipaddr.IPv6.parse(client).toByteArray());
  return `${[...bytes.toString("hex")].reverse().join(".")}.ip6.arpa`;
}

const isIn = (name: string, domains: readonly string[]): boolean =>
  domains.some((domain) => name.endsWith(`.${domain}`));

import type { Field } from "../model/event.ts";
import { type Ip, isIpv4, network, parseIp, type TargetSet } from "../model/ip.ts";

/**
 * Tells the client behind trusted proxies by X-Forwarded-For. Everybody can send that header, so it is believed only when
 * a trusted proxy sent it, and read from the right, where the nearest proxy wrote whom it had served. Whatever is no
 * bare address ends the reading: left of it may stand anything. Then the client is the proxy, which is never banned.
 */
export class ForwardedClients {
  readonly #proxies: TargetSet;
  /** Lines behind a proxy come from few senders, most often from the one before. */
  #sender = "";
  #isTrusted = false;

  constructor(proxies: TargetSet) {
    this.#proxies = proxies;
  }

  clientOf(sender: Ip, forwarded: Field): Ip {
    if (!forwarded || this.#proxies.size === 0) return sender;
    if (sender !== this.#sender) {
      // A copy: a slice would keep its chunk of the log in memory.
      this.#sender = Buffer.from(sender, "latin1").toString("latin1");
      this.#isTrusted = this.#covers(sender);
    }
    if (!this.#isTrusted) return sender;
    for (let end = forwarded.length; end >= 0; ) {
      const comma = end === 0 ? -1 : forwarded.lastIndexOf(",", end - 1);
      const address = parseIp(withoutBlanks(forwarded.slice(comma + 1, end)));
      if (address === null) return sender;
      if (!this.#covers(address)) return address;
      end = comma;
    }
    return sender;
  }

  #covers(address: Ip): boolean {
    return this.#proxies.covering(network(address, isIpv4(address) ? 32 : 128)) !== null;
  }
}

const withoutBlanks = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, "");

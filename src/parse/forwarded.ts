import type { Field } from "../model/event.ts";
import { type Ip, parseIp, singleOf, type TargetSet } from "../model/ip.ts";
import { detached } from "../model/line.ts";

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
      this.#sender = detached(sender);
      this.#isTrusted = this.#covers(sender);
    }
    if (!this.#isTrusted) return sender;
    for (let end = forwarded.length; end >= 0; ) {
      const comma = end === 0 ? -1 : forwarded.lastIndexOf(",", end - 1);
      const address = addressWithin(forwarded, comma + 1, end);
      if (address === null) return sender;
      if (!this.#covers(address)) return address;
      end = comma;
    }
    return sender;
  }

  #covers(address: Ip): boolean {
    return this.#proxies.covering(singleOf(address)) !== null;
  }
}

/** The address between two positions, blanks around it aside. What stands there may be of any length. */
function addressWithin(text: string, from: number, to: number): Ip | null {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return parseIp(text.slice(start, end));
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

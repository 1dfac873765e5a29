import { type Ip, parseIp } from "../model/ip.ts";

/** A power of two: the place of a client is the low bits of a number made of its last characters. */
const PLACES = 4_096;

/**
 * Remembers the clients of late, one for each place. Most lines come from a client that was just there, and its
 * address is then neither parsed nor copied again. The texts that it hands out are copies of their own, so that an
 * event whose client is kept does not keep its whole chunk of the log.
 */
export class ClientCache {
  readonly #texts: string[] = new Array<string>(PLACES).fill("");
  readonly #clients: (Ip | null)[] = new Array<Ip | null>(PLACES).fill(null);

  /** Null when what stands there is not exactly one address. */
  read(line: string, start: number, end: number): Ip | null {
    const text = line.slice(start, end);
    const place =
      ((line.charCodeAt(end - 1) * 31 + line.charCodeAt(end - 2)) * 31 +
        line.charCodeAt(end - 3) * 7 +
        line.charCodeAt(start + 1)) &
      (PLACES - 1);
    if (this.#texts[place] === text) return this.#clients[place]!;
    return text.length > 45 ? null : this.#remember(text, place);
  }

  #remember(text: string, place: number): Ip | null {
    const copy = Buffer.from(text, "latin1").toString("latin1");
    const client = parseIp(copy);
    this.#texts[place] = copy;
    this.#clients[place] = client;
    return client;
  }
}

import * as slot from "./slots.ts";

/**
 * How far a directive's text can be trusted when it stands outside quotes.
 * word: never empty, never holds a space (an address, a number, a name from the configuration).
 * loose: may hold spaces or be empty, since a client or a script writes it.
 */
export type Trust = "word" | "loose";

export interface Directive {
  /** As written, for messages: `%{Referer}i`. */
  readonly text: string;
  /** Position in the format, counted from 1. */
  readonly position: number;
  readonly slot: slot.Slot;
  readonly trust: Trust;
  /** An IP address, which may hold colons. */
  readonly address: boolean;
  /** Of several directives for one slot the highest wins: `%a` over `%h`, `%>s` over `%s`. */
  readonly rank: number;
  /** Microseconds in one unit, for durations. */
  readonly unit: number;
  /** True for `%400,501{X}i`: its `-` may only mean that the status was another one. */
  readonly conditional: boolean;
  /** What stands in the braces. */
  readonly argument: string;
}

type Meaning = Pick<Directive, "slot" | "trust"> & Partial<Pick<Directive, "rank" | "unit" | "address">>;

const HEADERS: Readonly<Record<string, slot.Slot>> = {
  referer: slot.REFERER,
  "user-agent": slot.USER_AGENT,
  origin: slot.ORIGIN,
  upgrade: slot.UPGRADE,
  host: slot.HOST,
  "x-forwarded-for": slot.FORWARDED,
};

const DURATIONS: Readonly<Record<string, Meaning>> = {
  "": { slot: slot.DURATION, trust: "word", rank: 1, unit: 1_000_000 },
  s: { slot: slot.DURATION, trust: "word", rank: 1, unit: 1_000_000 },
  ms: { slot: slot.DURATION, trust: "word", rank: 2, unit: 1_000 },
  us: { slot: slot.DURATION, trust: "word", rank: 3, unit: 1 },
};

const DROPPED_WORD: Meaning = { slot: slot.DROPPED, trust: "word" };
const DROPPED_LOOSE: Meaning = { slot: slot.DROPPED, trust: "loose" };
const DROPPED_ADDRESS: Meaning = { slot: slot.DROPPED, trust: "word", address: true };
const client = (rank: number): Meaning => ({ slot: slot.CLIENT, trust: "word", rank, address: true });
const word = (to: slot.Slot, rank = 1): Meaning => ({ slot: to, trust: "word", rank });
const loose = (to: slot.Slot, rank = 1): Meaning => ({ slot: to, trust: "loose", rank });

/** Every directive of mod_log_config 2.4, and those that mod_logio and mod_ssl add to it. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  A: DROPPED_ADDRESS,
  B: word(slot.BYTES),
  b: word(slot.BYTES),
  C: DROPPED_LOOSE,
  c: DROPPED_LOOSE,
  D: { slot: slot.DURATION, trust: "word", rank: 3, unit: 1 },
  e: DROPPED_LOOSE,
  f: DROPPED_LOOSE,
  H: word(slot.PROTOCOL),
  I: word(slot.BYTES_IN),
  k: DROPPED_WORD,
  L: DROPPED_WORD,
  l: DROPPED_WORD,
  m: word(slot.METHOD),
  n: DROPPED_LOOSE,
  O: word(slot.BYTES_OUT),
  o: DROPPED_LOOSE,
  P: DROPPED_WORD,
  p: DROPPED_WORD,
  q: loose(slot.QUERY),
  R: DROPPED_WORD,
  r: loose(slot.REQUEST),
  S: DROPPED_WORD,
  t: word(slot.TIME),
  U: loose(slot.PATH),
  u: loose(slot.USER),
  // With UseCanonicalName Off %V is the client's Host header.
  V: loose(slot.VHOST, 1),
  v: word(slot.VHOST, 2),
  X: DROPPED_WORD,
  "^FB": DROPPED_WORD,
  "^ti": DROPPED_LOOSE,
  "^to": DROPPED_LOOSE,
};

/** Null for a directive that Apache does not have. `original` is its `<` or `>`. */
export function meaningOf(name: string, argument: string, original: string): Meaning | null {
  switch (name) {
    case "a":
      // %{c}a and %{c}h are the peer of the connection: behind a proxy, the proxy.
      return argument === "c" ? DROPPED_ADDRESS : client(2);
    case "h":
      return argument === "c" ? DROPPED_ADDRESS : client(1);
    case "s":
      return word(slot.STATUS, original === ">" ? 2 : 1);
    case "T":
      return Object.hasOwn(DURATIONS, argument) ? DURATIONS[argument]! : null;
    case "i": {
      const header = argument.toLowerCase();
      return Object.hasOwn(HEADERS, header) ? loose(HEADERS[header]!) : DROPPED_LOOSE;
    }
    case "x":
      // mod_ssl writes a name of its own there. Other arguments may be parts of a client's certificate.
      return argument === "SSL_PROTOCOL" ? word(slot.TLS) : DROPPED_LOOSE;
    default:
      return Object.hasOwn(MEANINGS, name) ? MEANINGS[name]! : null;
  }
}

/**
 * The values of a line that an event keeps. A slot is also the position of the value in a reader's
 * `starts` and `ends`, so these are plain constants that the compiler folds into the hot path.
 */
export const CLIENT = 0;
export const STATUS = 1;
/** `%r`: method, target and protocol in one. */
export const REQUEST = 2;
export const METHOD = 3;
/** `%U%q` side by side: path and query in one. */
export const TARGET = 4;
export const PATH = 5;
export const QUERY = 6;
export const PROTOCOL = 7;
export const BYTES = 8;
export const REFERER = 9;
export const USER_AGENT = 10;
export const ORIGIN = 11;
export const UPGRADE = 12;
export const HOST = 13;
export const USER = 14;
export const VHOST = 15;
export const DURATION = 16;
export const BYTES_IN = 17;
export const BYTES_OUT = 18;
/** X-Forwarded-For, which a trusted proxy's lines are believed by. */
export const FORWARDED = 19;
export const TLS = 20;
/** Matched and forgotten: no field of an event holds it. */
export const DROPPED = 21;
/** `%t` and its parts; several may make one time. */
export const TIME = 22;
export const SLOT_COUNT = 23;

export type Slot = number;

const NUMBERS: readonly Slot[] = [STATUS, BYTES, DURATION, BYTES_IN, BYTES_OUT];
export const isNumber = (slot: Slot): boolean => NUMBERS.includes(slot);

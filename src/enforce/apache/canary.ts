import type { Ip } from "../../model/ip.ts";

/**
 * Addresses that Sekisho itself asks Apache from, to see whether it refuses whom it should. They are loopback's, so nobody comes from
 * them but programs of this host, and no real client is ever touched. Nothing else of loopback is ever blocked.
 */

/** Its file is in the ban directory for as long as the question takes. */
export const DIRECTORY_CANARY = "127.83.0.1" as Ip;

/** Never refused. */
export const ORDINARY = "127.83.0.2" as Ip;

/** In every list that the include has, but for an empty one. */
export const INCLUDE_CANARY = "127.83.0.3" as Ip;

const LAST_BYTE = 256;
const THIRD_BYTES = 255;

/** Beside it another one for each generation, so that after a reload a request tells whether Apache runs with the new one. */
export function generationCanary(generation: number): Ip {
  const third = 1 + (Math.floor(generation / LAST_BYTE) % THIRD_BYTES);
  return `127.83.${third}.${generation % LAST_BYTE}` as Ip;
}
